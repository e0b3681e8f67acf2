import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createTcpSocket } from '../../../src/probe/tcp/tcp.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { fullBacklog } from '../support/full-backlog.ts';
import { refusingPort } from '../support/listener.ts';
import type { ListenerOptions } from '../support/listener.ts';
import { capabilities, greeting } from '../support/mysql-bytes.ts';
import { sniff } from '../support/sniffer.ts';
import { useListeners } from '../support/resources.ts';

const probe = createTcpSocket();
const start = useListeners();

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe('tcpSocket', () => {
  it('is up where the connection opens', async () => {
    const { port } = await start();
    expect(await probe(tcpCheck(port), forever)).toEqual({ kind: 'up', reason: 'Connected', message: '' });
  });

  it.each<[string, Uint8Array, 'mysql' | undefined]>([
    ['MySQL', greeting(), 'mysql'],
    ['MySQL with TLS', greeting({ plugin: 'caching_sha2_password', flags: capabilities.tls }), 'mysql'],
    ['FTP', Buffer.from('220 ready, and many other words that are of no interest here\r\n'), undefined],
    ['nothing', new Uint8Array(4096), undefined],
    ['the length of a greeting alone', Buffer.from([0x4a, 0, 0, 0]), undefined],
    ['a greeting and more than it', Buffer.concat([greeting(), greeting()]), undefined],
  ])('hears who greets it: %s', async (_, bytes, who) => {
    const { port } = await start({ onConnection: (socket) => socket.write(bytes) });
    const verdict = await probe(tcpCheck(port), forever);
    expect(verdict).toMatchObject({ kind: 'up', reason: 'Connected' });
    expect(verdict.detectedProtocol).toBe(who);
  });

  it('is up over IPv6', async () => {
    const { port } = await start({ host: '::1' });
    const check = tcpCheck(port, { ip: '::1', family: 'IPv6' });
    expect(await probe(check, forever)).toMatchObject({ kind: 'up', reason: 'Connected' });
  });

  it('is down where the connection is refused', async () => {
    const port = await refusingPort();
    expect(await probe(tcpCheck(port), forever)).toEqual({ kind: 'down', reason: 'Refused', message: '' });
  });

  it('is down after its timeout where nothing answers', async () => {
    const target = await fullBacklog();
    try {
      expect(await probe(tcpCheck(target.port, { timeoutMs: 100 }), forever)).toMatchObject({
        kind: 'down',
        reason: 'Timeout',
      });
    } finally {
      await target.stop();
    }
  });

  it('is up where the server resets the connection when we end it', async () => {
    const { port } = await start({
      allowHalfOpen: true,
      onConnection: (socket) => socket.on('end', () => socket.resetAndDestroy()),
    });
    expect(await probe(tcpCheck(port), forever)).toMatchObject({ kind: 'up' });
  });

  it('is down where the reset comes before we know of the connection', async () => {
    const { port } = await start({ onConnection: (socket) => socket.resetAndDestroy() });
    // Accepting and resetting happen in one turn of this very event loop, so the prober never sees an open connection.
    expect(await probe(tcpCheck(port), forever)).toEqual({
      kind: 'down',
      reason: 'Reset',
      message: 'the connection was reset before it was established',
    });
  });

  it('is up where the connection opened in time but this process was too busy to see it', async () => {
    const { port } = await start();
    const running = probe(tcpCheck(port, { timeoutMs: 20 }), forever);
    await new Promise((resolve) => process.nextTick(resolve));
    block(60);
    expect(await running).toMatchObject({ kind: 'up' });
  });

  it('ends with the connection closed on both sides', async () => {
    const listener = await start();
    await probe(tcpCheck(listener.port), forever);
    await listener.closed(1);
    expect(listener.accepted()).toBe(1);
  });
});

/** How servers behave between accept and close. None of them may ever see a reset. */
const manners: readonly (readonly [string, ListenerOptions])[] = [
  ['closes when we do', {}],
  ['greets at once and closes when we do', { onConnection: (socket) => socket.write('J'.repeat(90)) }],
  ['greets with more than one read holds', { onConnection: (socket) => socket.write('x'.repeat(200_000)) }],
  [
    'greets only after our FIN',
    { allowHalfOpen: true, onConnection: (socket) => socket.on('end', () => socket.end('220 mail\r\n')) },
  ],
  ['greets and closes first', { onConnection: (socket) => socket.end('421 too many\r\n') }],
  ['closes first without a word', { onConnection: (socket) => socket.end() }],
  ['never closes its side', { allowHalfOpen: true }],
  [
    'greets and never closes its side',
    { allowHalfOpen: true, onConnection: (socket) => socket.write('hello') },
  ],
];

describe('tcpSocket never resets a server that', () => {
  it.each(manners)('%s', async (_, options) => {
    const sniffer = sniff();
    const listener = await start(options);
    const verdicts = await Promise.all(
      Array.from({ length: 5 }, () => probe(tcpCheck(listener.port), forever)),
    );
    await listener.finished(5);
    await sniffer?.drained(listener.port);
    expect(verdicts.map((verdict) => verdict.kind)).toEqual(Array.from({ length: 5 }, () => 'up'));
    expect(listener.errors).toEqual([]);
    expect(sniffer?.resets(listener.port) ?? 0).toBe(0);
    sniffer?.stop();
  });

  it('would be seen: the sniffer counts the reset of a client', async () => {
    const sniffer = sniff();
    const { port } = await start();
    const rude = connect(port, '127.0.0.1', () => rude.resetAndDestroy());
    await once(rude, 'close');
    await sniffer?.drained(port);
    if (sniffer !== undefined) expect(sniffer.resets(port)).toBeGreaterThan(0);
    sniffer?.stop();
  });
});

describe('a cancelled tcpSocket', () => {
  it('does not dial when it was cancelled before', async () => {
    const listener = await start();
    expect(await probe(tcpCheck(listener.port), AbortSignal.abort())).toMatchObject({
      kind: 'inconclusive',
      reason: 'Cancelled',
    });
    expect(listener.accepted()).toBe(0);
  });

  it('ends at once while it dials', async () => {
    const target = await fullBacklog();
    try {
      const controller = new AbortController();
      const running = probe(tcpCheck(target.port, { timeoutMs: 60_000 }), controller.signal);
      controller.abort();
      expect(await running).toMatchObject({ kind: 'inconclusive', reason: 'Cancelled' });
    } finally {
      await target.stop();
    }
  });

  it('does not reset a connection that is open', async () => {
    const controller = new AbortController();
    const listener = await start({
      allowHalfOpen: true,
      onConnection: (socket) => socket.write('greeting', () => controller.abort()),
    });
    expect(await probe(tcpCheck(listener.port), controller.signal)).toMatchObject({ reason: 'Cancelled' });
    await listener.finished(1);
    expect(listener.errors).toEqual([]);
  });

  it('leaves no listener on the signal of a run that ended', async () => {
    const { port } = await start();
    const { signal } = new AbortController();
    const added: unknown[] = [];
    const remove = signal.removeEventListener.bind(signal);
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      added.push(args[1]);
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      added.splice(added.indexOf(args[1]), 1);
      remove(...args);
    };
    await probe(tcpCheck(port), signal);
    expect(added).toEqual([]);
  });
});

it('200 probes at once leave no socket behind', async () => {
  const openSockets = () =>
    process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length;
  const before = openSockets();
  const listener = await start();
  await Promise.all(Array.from({ length: 200 }, () => probe(tcpCheck(listener.port), forever)));
  await listener.closed(200);
  await listener.stop();
  expect(openSockets()).toBeLessThanOrEqual(before);
});

it('a shared buffer mixes nothing up: a server that floods gets no answer and harms no other probe', async () => {
  const flooding = await start({
    onConnection: (socket) => {
      const flood = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      };
      socket.on('drain', flood);
      flood();
    },
  });
  const quiet = await start();
  const verdicts = await Promise.all([
    probe(tcpCheck(flooding.port), forever),
    probe(tcpCheck(quiet.port), forever),
  ]);
  expect(verdicts.map((verdict) => verdict.reason)).toEqual(['Connected', 'Connected']);
});
