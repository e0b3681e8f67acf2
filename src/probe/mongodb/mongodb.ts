import { proberFault, verdict } from '../verdict/verdicts.ts';
import { Budget } from '../connection/budget.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import type { Protocol } from '../connection/protocol.ts';
import { singleRequestProtocol } from '../connection/single-request.ts';
import { readHello } from './mongodb-document.ts';
import type { Bson } from './mongodb-document.ts';
import { verdictOfHello } from './mongodb-hello.ts';
import { helloRequest, maxMessageBytes, readMongodbMessage } from './mongodb-message.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import type { Probe } from '../connection/probe.ts';
import { createSecureContextCache, tlsPolicyOf } from '../connection/tls.ts';

export interface MongodbProtocolOptions {
  /** TLS from the first byte. */
  readonly secure?: boolean;
  /** Replica set that the server must be a member of. */
  readonly setName?: string;
}

/**
 * Creates the probe of MongoDB 4.4.2 and later, and of other servers with its protocol. It sends one `hello`,
 * without credentials, like the monitors of drivers. Nothing remains on the server: no session, no cursor, no
 * client metadata. The connection is closed after the answer. Older servers have `hello` only as `isMaster`:
 * they answer CommandNotFound (59) and are down.
 */
export function createMongodb(guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache();
  return guard(async (check, signal, meter) => {
    if (check.handler.kind !== 'mongodb') return proberFault('not a mongodb check');
    const { tls, setName } = check.handler;
    const options = { secure: tls !== undefined, ...(setName !== undefined && { setName }) };
    // Loaded on first use, because it takes 8 MB.
    const bson = await import('bson');
    const budget = new Budget({ meter });
    return runProtocol(check, signal, mongodbProtocol(bson, options), tls && tlsPolicyOf(tls, contexts), {
      budget,
    });
  });
}

const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not of the MongoDB protocol');

/** Creates the protocol of one run. */
export const mongodbProtocol = (
  bson: Bson,
  { secure = false, setName }: MongodbProtocolOptions = {},
): Protocol =>
  singleRequestProtocol({
    secure,
    request: helloRequest,
    maxBytes: maxMessageBytes,
    verdictOf: (received) => {
      const message = readMongodbMessage(received);
      if (message === 'unfinished') return undefined;
      const hello = message === 'unknown' ? undefined : readHello(bson, message.document);
      return hello === undefined ? wrongProtocol : verdictOfHello(hello, setName);
    },
  });
