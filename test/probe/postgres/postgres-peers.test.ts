import { describe, expect, it } from '@jest/globals';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { refusingPort } from '../support/listener.ts';
import { handler, isIn, parameter, scram } from '../support/postgres-messages.ts';
import { flooding } from '../support/flood.ts';
import { useListeners } from '../support/resources.ts';
import type { Socket } from 'node:net';
import type { Check, PostgresHandler } from '../../../src/core/probing/check.ts';

const probe = createPostgres();

function check(port: number, more: Partial<PostgresHandler> = {}, timeoutMs = 1_000): Check {
  return tcpCheck(port, { handler: handler(more), timeoutMs });
}

describe('a postgres probe of a mean peer', () => {
  const start = useListeners();
  const dribble = async (socket: Socket, all: Buffer) => {
    for (const byte of all) {
      socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it('that dribbles is up', async () => {
    const { port } = await start({ onConnection: (socket) => void dribble(socket, scram) });
    expect(await probe(check(port), forever)).toEqual({ kind: 'up', reason: 'Responded', message: '' });
  });

  it('that never answers is down with Timeout, and is left with a FIN', async () => {
    const listener = await start({});
    expect(await probe(check(listener.port, {}, 50), forever)).toMatchObject({
      kind: 'down',
      reason: 'Timeout',
    });
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('that closes, resets, refuses or talks nonsense is down', async () => {
    const closing = await start({ onConnection: (socket) => socket.once('data', () => socket.end('R')) });
    expect(await probe(check(closing.port), forever)).toMatchObject({ reason: 'ClosedEarly' });
    const resetting = await start({
      onConnection: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    });
    expect(await probe(check(resetting.port), forever)).toMatchObject({ reason: 'Reset' });
    expect(await probe(check(await refusingPort()), forever)).toMatchObject({ reason: 'Refused' });
    for (const banner of ['220 mail.example ESMTP\r\n', 'SSH-2.0-OpenSSH_9.2\r\n']) {
      const { port } = await start({ onConnection: (socket) => socket.write(banner) });
      for (const sslMode of ['disable', 'require'] as const)
        expect(await probe(check(port, { sslMode }), forever)).toMatchObject({ reason: 'WrongProtocol' });
    }
  });

  it('that lets us in and then sends 100 MB of it is WrongProtocol', async () => {
    const block = Buffer.concat(Array.from({ length: 10_000 }, () => parameter('name', 'value')));
    const flood = flooding(block);
    const { port } = await start({
      onConnection: (socket) => {
        socket.write(isIn);
        flood(socket);
      },
    });
    expect(await probe(check(port), forever)).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
  });
});
