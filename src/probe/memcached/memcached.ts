import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import type { Probe } from '../connection/probe.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import type { Protocol } from '../connection/protocol.ts';
import { singleRequestProtocol } from '../connection/single-request.ts';
import { createSecureContextCache, tlsPolicyOf } from '../connection/tls.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import { proberFault, responded, verdict } from '../verdict/verdicts.ts';

/**
 * Creates the probe of memcached, and of proxies with its text protocol. It sends `version\r\n`, which reads
 * no item and increases no counter of commands. The connection is closed after the answer.
 *
 * The answer is one line that ends with `\r\n` (memcached/doc/protocol.txt, proto_text.c, memcached.c):
 *
 * | answer                             | verdict                                                             |
 * |------------------------------------|---------------------------------------------------------------------|
 * | `VERSION` text                     | up Responded                                                        |
 * | `CLIENT_ERROR unauthenticated`     | up AuthRequired: alive, started with -Y (authentication by a file)  |
 * | `ERROR Too many open connections`  | inconclusive Saturated: the limit of -c, with maxconns_fast         |
 * | `ERROR`, `CLIENT_ERROR` …, `SERVER_ERROR` … | down NotServing                                            |
 * | another line, another byte than text, or no line in 1,024 bytes | down WrongProtocol                    |
 *
 * A server with the binary protocol only (-S, -B binary) waits for more bytes: Timeout.
 */
export function createMemcached(guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache();
  return guard((check, signal, meter) => {
    if (check.handler.kind !== 'memcached') return Promise.resolve(proberFault('not a memcached check'));
    const { tls } = check.handler;
    const protocol = memcachedProtocol({ secure: tls !== undefined });
    const budget = new Budget({ meter });
    return runProtocol(check, signal, protocol, tls && tlsPolicyOf(tls, contexts), { budget });
  });
}

export interface MemcachedProtocolOptions {
  /** TLS from the first byte. */
  readonly secure?: boolean;
}

/** Far longer than each line of the table. */
const maxLineBytes = 1024;

const request = Buffer.from('version\r\n');

/** Creates the protocol of one run. */
export const memcachedProtocol = ({ secure = false }: MemcachedProtocolOptions = {}): Protocol =>
  singleRequestProtocol({ secure, request, maxBytes: maxLineBytes, verdictOf: verdictOfLine });

const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not of the text protocol of memcached');
const saturated = verdict('inconclusive', 'Saturated', 'the maximum number of connections is reached');
const refused = verdict('down', 'NotServing', 'the server answers version with an error');
const authRequired = verdict('up', 'AuthRequired');

const lines: readonly (readonly [RegExp, Verdict])[] = [
  [/^VERSION [ -~]+$/, responded],
  [/^CLIENT_ERROR unauthenticated$/, authRequired],
  [/^ERROR Too many open connections$/, saturated],
  [/^(ERROR|CLIENT_ERROR|SERVER_ERROR)( [ -~]*)?$/, refused],
];

/** The part of a line that has arrived. A server of a binary protocol may wait for more after its greeting, or close. */
const isText = /^[ -~]*\r?$/;

/** Returns the verdict of the first line, or undefined while it is incomplete. */
function verdictOfLine(received: Buffer): Verdict | undefined {
  const end = received.indexOf('\r\n');
  const line = received.toString('latin1', 0, end === -1 ? undefined : end);
  if (end === -1) return isText.test(line) && line.length < maxLineBytes ? undefined : wrongProtocol;
  return lines.find(([pattern]) => pattern.test(line))?.[1] ?? wrongProtocol;
}
