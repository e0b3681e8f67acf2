import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import process from 'node:process';

import type { MysqlHandler } from '../../../src/core/probing/check.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { createOutstandingLogins } from '../../../src/probe/mysql/outstanding-logins.ts';
import { eventually } from '../../support/eventually.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { forever } from '../support/checks.ts';
import { credentials, held, unanswered, wrong } from '../support/held.ts';
import { denied, greeting, ok, packet, switchTo } from '../support/mysql-bytes.ts';
import { useListeners } from '../support/resources.ts';

// A server keeps a connection until it has answered, though the probe is gone: there must be one, and not one per probe.
// Real servers: mysql-held-server.test.ts.
const listen = useListeners();

const serve = (onConnection: (socket: Socket) => void) => listen({ onConnection, allowHalfOpen: true });

const checkOf = (port: number, handler: Partial<MysqlHandler> = {}, timeoutMs = 300) =>
  mysqlCheck({ address: '127.0.0.1', port }, handler, { timeoutMs });

/** Greets, and says no more. */
const mute = (socket: Socket) => void socket.write(greeting());

/** A server that greets on each connection, says no more on the first one, and goes on as `later` on the others. */
async function serveMute(later: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const { port, accepted } = await serve((socket) => {
    mute(socket);
    if (sockets.push(socket) > 1) later(socket);
  });
  return { port, accepted, sockets };
}

describe('a server that greets and then says nothing', () => {
  it('is asked once, however often it is probed, and by whichever check', async () => {
    const { port, accepted } = await serve(mute);
    const probe = createMysql();
    expect(await probe(checkOf(port), forever)).toEqual(unanswered);
    for (let count = 0; count < 20; count += 1)
      expect(await probe(checkOf(port, {}, 300 - count), forever)).toEqual(unanswered);
    expect(accepted()).toBe(1);
  });

  it('has for each check as long to answer as that check gives it, on the one connection', async () => {
    const { port, accepted } = await serve(mute);
    const probe = createMysql();
    const began = performance.now();
    await probe(checkOf(port), forever);
    expect(await probe(checkOf(port, {}, 900), forever)).toEqual(unanswered);
    const tookMs = performance.now() - began;
    expect(tookMs >= 895).toBe(true);
    expect(accepted()).toBe(1);
  });

  it('is up for a check that waits when it answers the connection of another one', async () => {
    const { port, accepted, sockets } = await serveMute(() => undefined);
    const probe = createMysql();
    expect(await probe(checkOf(port), forever)).toEqual(unanswered);
    const waits = probe(checkOf(port, {}, 20_000), forever);
    sockets[0]?.end(denied(2));
    expect(await waits).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    expect(accepted()).toBe(1);
  });

  it('is asked by a check that waits, when the connection of another one ends without an answer', async () => {
    const { port, accepted, sockets } = await serveMute((socket) => socket.end(denied(2)));
    const probe = createMysql();
    expect(await probe(checkOf(port), forever)).toEqual(unanswered);
    const waits = probe(checkOf(port, {}, 20_000), forever);
    sockets[0]?.resetAndDestroy();
    expect(await waits).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    expect(accepted()).toBe(2);
  });

  it('does not judge by the answer to another question: a check that speaks TLS asks itself', async () => {
    const { port, accepted, sockets } = await serveMute((socket) => socket.end(denied(2)));
    const probe = createMysql();
    expect(await probe(checkOf(port), forever)).toEqual(unanswered);
    const waits = probe(checkOf(port, { tls: {} }, 20_000), forever);
    sockets[0]?.end(denied(2));
    await waits;
    expect(accepted()).toBe(2);
  });

  it('stops waiting at once when it is cancelled', async () => {
    const { port, accepted } = await serve(mute);
    const probe = createMysql();
    await probe(checkOf(port), forever);
    const controller = new AbortController();
    const waits = probe(checkOf(port, {}, 20_000), controller.signal);
    controller.abort();
    expect(await waits).toMatchObject({ kind: 'inconclusive', reason: 'Cancelled' });
    expect(accepted()).toBe(1);
  });

  it('holds back nobody else: another port, another account, a new password', async () => {
    const [first, second] = [await serve(mute), await serve(mute)];
    const probe = createMysql();
    await probe(checkOf(first.port), forever);
    expect(await probe(checkOf(second.port), forever)).toEqual(unanswered);
    for (const account of [credentials, wrong])
      expect(await probe(checkOf(first.port, { credentials: account }), forever)).toEqual(
        held('check spec.credentials'),
      );
    expect([first.accepted(), second.accepted()]).toEqual([3, 1]);
  });

  it('is heard to the end when it speaks at last, and then asked again', async () => {
    const sockets: Socket[] = [];
    const heard: Buffer[] = [];
    const { port, accepted } = await serve((socket) => {
      sockets.push(socket);
      mute(socket);
      socket.on('data', (bytes: Buffer) => heard.push(bytes));
    });
    const probe = createMysql();
    await probe(checkOf(port), forever);
    heard.splice(0);
    sockets[0]?.write(switchTo(2, 'mysql_native_password'));
    await eventually(
      () => Promise.resolve(Buffer.concat(heard)),
      (bytes) => bytes.equals(packet(3, Buffer.alloc(20, 0x65))),
      { fact: 'the switch is answered' },
    );
    sockets[0]?.end(denied(4));
    await eventually(
      () => probe(checkOf(port), forever),
      () => accepted() === 2,
      { fact: 'it is asked again' },
    );
  });

  it('is asked again when it reset the connection', async () => {
    const { port, accepted, sockets } = await serveMute(() => undefined);
    const probe = createMysql();
    await probe(checkOf(port), forever);
    sockets[0]?.resetAndDestroy();
    await eventually(
      () => probe(checkOf(port), forever),
      () => accepted() === 2,
      { fact: 'it is asked again' },
    );
  });

  it('is left when it says what is no answer, however much that is', async () => {
    const { port, accepted, sockets } = await serveMute(() => undefined);
    const probe = createMysql();
    await probe(checkOf(port), forever);
    sockets[0]?.write(Buffer.alloc(100_000_000, 0x41));
    await eventually(
      () => probe(checkOf(port), forever),
      () => accepted() === 2,
      { fact: 'it is asked again' },
    );
  });

  it('does not hold this process back', async () => {
    const { port } = await serve(mute);
    const active = () =>
      process.getActiveResourcesInfo().filter((name) => /Timeout|TCPSocketWrap/.test(name));
    await createMysql()(checkOf(port), forever);
    // What is left is the peer's.
    expect(active().filter((name) => name === 'TCPSocketWrap')).toHaveLength(1);
  });

  it.each([
    ['without credentials', {}],
    ['with them', { credentials }],
  ])('is left and asked again after the first wait, then after twice that, %s', async (_, handler) => {
    const { port, accepted } = await serve((socket) => {
      mute(socket);
      socket.on('end', () => socket.end());
    });
    const probe = createMysql(createOutstandingLogins(100, 300));
    const check = checkOf(port, handler);
    const began: number[] = [];
    for (let count = 1; count <= 4; count += 1) {
      await eventually(
        () => probe(check, forever),
        () => accepted() === count,
        { fact: `it is asked ${count} times` },
      );
      began.push(performance.now());
    }
    const waits = began.slice(1).map((at, index) => at - (began[index] ?? 0));
    expect(waits.map((ms, index) => ms >= ([100, 200, 300][index] ?? 0) - 5)).toEqual([true, true, true]);
  });
});

describe('a server that says nothing at all', () => {
  it('is asked once, and has all that it needs to end the handshake', async () => {
    const heard: Buffer[] = [];
    const listener = await serve((socket) => socket.on('data', (bytes: Buffer) => heard.push(bytes)));
    const probe = createMysql();
    for (let count = 0; count < 20; count += 1)
      expect(await probe(checkOf(listener.port), forever)).toEqual({
        kind: 'down',
        reason: 'Timeout',
        message: 'connected, but no greeting within 0.3 s',
      });
    await listener.finished(1);
    expect(listener.accepted()).toBe(1);
    expect(Buffer.concat(heard)).toHaveLength(102 + 24);
  });

  it('is up for a check with more time as soon as it greets and answers', async () => {
    const sockets: Socket[] = [];
    const { port, accepted } = await serve((socket) => sockets.push(socket));
    const probe = createMysql();
    expect(await probe(checkOf(port), forever)).toMatchObject({ kind: 'down', reason: 'Timeout' });
    const waits = probe(checkOf(port, {}, 20_000), forever);
    sockets[0]?.write(Buffer.concat([greeting(), switchTo(2, 'mysql_native_password')]));
    sockets[0]?.end(denied(4));
    expect(await waits).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    expect(accepted()).toBe(1);
  });

  it('is asked again when it ends that connection', async () => {
    const sockets: Socket[] = [];
    const { port, accepted } = await serve((socket) => sockets.push(socket));
    const probe = createMysql();
    await probe(checkOf(port), forever);
    sockets[0]?.end(Buffer.concat([greeting(), denied(2)]));
    await eventually(
      () => probe(checkOf(port), forever),
      () => accepted() === 2,
      { fact: 'it is asked again' },
    );
  });
});

describe('a server that lets us in and then says nothing', () => {
  it('is asked once, and told goodbye when it has answered', async () => {
    const sockets: Socket[] = [];
    const heard: Buffer[] = [];
    const { port, accepted } = await serve((socket) => {
      sockets.push(socket);
      mute(socket);
      socket.once('data', () => socket.write(ok(2)));
      socket.on('data', (bytes: Buffer) => heard.push(bytes));
    });
    const probe = createMysql();
    for (let count = 0; count < 20; count += 1)
      expect(await probe(checkOf(port, { credentials }), forever)).toEqual({
        kind: 'down',
        reason: 'Timeout',
        message: 'the login succeeded, but there is no reply to a query',
      });
    expect(accepted()).toBe(1);
    sockets[0]?.write(denied(1));
    await eventually(
      () => Promise.resolve(heard.at(-1)),
      (bytes) => bytes?.equals(packet(0, [1])) === true,
      { fact: 'it says goodbye' },
    );
  });
});
