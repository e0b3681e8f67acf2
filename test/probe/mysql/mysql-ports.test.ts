import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';

import type { Check, Handler } from '../../../src/core/probing/check.ts';
import { useProbes } from '../support/use-probes.ts';
import { forever, httpCheck, tcpCheck } from '../support/checks.ts';
import { foreignHandlers } from '../support/foreign-handlers.ts';
import { capabilities, denied, error, greeting } from '../support/mysql-bytes.ts';
import { useListeners } from '../support/resources.ts';

const listen = useListeners();

interface Server {
  readonly port: number;
  /** Of each connection, whether its first bytes were a handshake response. */
  readonly finished: readonly boolean[];
}

/** Greets, and judges the first bytes as a server does: length, sequence 1, capabilities of protocol 4.1. */
async function serve(hello: Buffer = greeting()): Promise<Server> {
  const finished: boolean[] = [];
  const listener = await listen({
    onConnection: (socket: Socket) => {
      const index = finished.push(false) - 1;
      socket.write(hello);
      socket.once('data', (bytes: Buffer) => {
        const isResponse =
          bytes.length > 36 && bytes.readUIntLE(0, 3) === bytes.length - 4 && bytes.readUInt8(3) === 1;
        finished[index] = isResponse;
        socket.end(isResponse ? denied(2) : error(1, 1043, 'Bad handshake', '08S01'));
      });
    },
  });
  return { port: listener.port, finished };
}

const probes = useProbes();
const rows = Object.entries(foreignHandlers).flatMap(([kind, handlers]) =>
  handlers.map((handler, index) => ({ title: `${kind} ${String(index + 1)}`, handler })),
);

async function ask(handler: Handler, port: number) {
  const check: Check = { ...tcpCheck(port, { timeoutMs: 2_000 }), handler };
  return probes.probe(check, forever);
}

const mysqlAnswers = {
  kind: 'down',
  reason: 'WrongProtocol',
  message: 'a MySQL server answers on this port: use the mysql probe',
  detectedProtocol: 'mysql',
};

describe('a MySQL server that is probed by another handler', () => {
  it.each(rows)('is recognised, and $title breaks one handshake off at most', async ({ handler }) => {
    const { port, finished } = await serve();
    const verdicts = [];
    for (let count = 0; count < 5; count += 1) verdicts.push(await ask(handler, port));
    expect(verdicts[0]).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
    expect(verdicts.slice(1)).toEqual([mysqlAnswers, mysqlAnswers, mysqlAnswers, mysqlAnswers]);
    // A login of sslMode prefer is two connections.
    const broken = finished.filter((is) => !is).length;
    expect(broken).toBeLessThanOrEqual('credentials' in handler && handler.kind === 'postgres' ? 2 : 1);
    expect(finished.slice(broken)).toEqual([true, true, true, true]);
  });

  it('breaks none off for the other checks of that port', async () => {
    const { port, finished } = await serve(greeting({ flags: capabilities.tls }));
    await ask({ kind: 'redis' }, port);
    for (const { handler } of rows) expect(await ask(handler, port)).toEqual(mysqlAnswers);
    expect(finished.filter((is) => !is)).toHaveLength(1);
  });

  it.each([
    ['too many connections', error(0, 1040, 'Too many connections', '08004')],
    [
      'the address is blocked',
      error(0, 1129, "Host '10.0.0.9' is blocked because of many connection errors"),
    ],
  ])('is recognised where it refuses: %s', async (_, hello) => {
    const { port } = await serve(hello);
    expect(await ask({ kind: 'redis' }, port)).toEqual(mysqlAnswers);
    expect(await ask({ kind: 'redis' }, port)).toEqual(mysqlAnswers);
  });

  it('is probed by the handler of the spec again once another server is there', async () => {
    let isMysql = true;
    const listener = await listen({
      onConnection: (socket) => {
        if (isMysql) socket.write(greeting());
        socket.once('data', () => socket.end(isMysql ? denied(2) : 'HTTP/1.1 200 OK\r\n\r\n'));
      },
    });
    const check = httpCheck(listener.port, {}, { timeoutMs: 400 });
    for (let count = 0; count < 3; count += 1)
      expect(await probes.probe(check, forever)).toMatchObject({ reason: 'WrongProtocol' });
    isMysql = false;
    expect(await probes.probe(check, forever)).toMatchObject({ kind: 'up' });
    expect(await probes.probe(check, forever)).toMatchObject({ kind: 'up' });
  });

  it('is not seen in the answer of a MongoDB whose first bytes are the same', async () => {
    const listener = await listen({
      onConnection: (socket) => {
        const message = Buffer.alloc(90);
        message.writeInt32LE(90, 0);
        message.writeInt32LE(10, 4);
        socket.once('data', () => socket.end(message));
      },
    });
    expect(await ask({ kind: 'mongodb' }, listener.port)).toMatchObject({
      reason: 'WrongProtocol',
      message: 'the answer is not of the MongoDB protocol',
    });
  });
});

describe('a server of another protocol', () => {
  it('that answers wrongly is listened to once, not at each probe', async () => {
    const listener = await listen({
      onConnection: (socket) => socket.once('data', () => socket.end('hello\r\n')),
    });
    for (let count = 0; count < 4; count += 1)
      expect(await ask({ kind: 'redis' }, listener.port)).toMatchObject({ reason: 'WrongProtocol' });
    expect(listener.accepted()).toBe(5);
  });
});
