import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import fc from 'fast-check';
import { runProtocol } from '../../../src/probe/connection/protocol-runner.ts';
import { verdict } from '../../../src/probe/verdict/verdicts.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { fullBacklog } from '../support/full-backlog.ts';
import { fine, greet, replying } from '../support/greeting-protocol.ts';
import { refusingPort } from '../support/listener.ts';
import { flooding } from '../support/flood.ts';
import { useListeners } from '../support/resources.ts';
import { sniff } from '../support/sniffer.ts';
import type { Socket } from 'node:net';

const start = useListeners();

const inPieces = async (socket: Socket, text: string) => {
  for (const character of text) {
    socket.write(character);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('a dialogue', () => {
  it('gives the verdict of its protocol, says farewell and closes without a reset', async () => {
    const sniffer = sniff();
    const heard: string[] = [];
    const listener = await start({ onConnection: replying((socket) => socket.write('yes\n'), heard) });
    expect(await runProtocol(tcpCheck(listener.port), forever, greet())).toEqual(fine);
    await listener.closed(1);
    expect(heard.join('')).toBe('hello\nbye\n');
    expect(listener.errors).toEqual([]);
    await sniffer?.drained(listener.port);
    expect(sniffer?.resets(listener.port) ?? 0).toBe(0);
    sniffer?.stop();
  });

  it('gives the same verdict where the peer dribbles', async () => {
    const { port } = await start({
      onConnection: replying((socket) => void inPieces(socket, 'a long answer\n')),
    });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toEqual(fine);
  });

  it('drains what the peer still says after the verdict', async () => {
    const listener = await start({
      onConnection: replying((socket) => socket.write(`yes\n${'x'.repeat(50_000)}`)),
    });
    expect(await runProtocol(tcpCheck(listener.port), forever, greet({ maxBytes: 2_000_000 }))).toEqual(fine);
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('leaves a peer that says more than 64 KiB, also behind the verdict', async () => {
    const listener = await start({
      onConnection: replying((socket) => socket.write(`yes\n${'x'.repeat(30_000_000)}`)),
    });
    expect(await runProtocol(tcpCheck(listener.port), forever, greet({ maxBytes: 2_000_000 }))).toEqual(fine);
    await listener.closed(1);
    expect(listener.errors).toEqual([expect.stringMatching(/^(ECONNRESET|EPIPE)$/)]);
  });

  it('ends with Refused, Timeout or Unreachable as a bare connect', async () => {
    expect(await runProtocol(tcpCheck(await refusingPort()), forever, greet())).toMatchObject({
      reason: 'Refused',
    });
    const silent = await fullBacklog();
    try {
      const check = tcpCheck(silent.port, { timeoutMs: 100 });
      expect(await runProtocol(check, forever, greet())).toMatchObject({ kind: 'down', reason: 'Timeout' });
    } finally {
      await silent.stop();
    }
  });
});

describe('a dialogue with a peer that', () => {
  it('never answers is down after its timeout, and ends with a FIN', async () => {
    const listener = await start();
    const verdict = await runProtocol(tcpCheck(listener.port, { timeoutMs: 50 }), forever, greet());
    expect(verdict).toEqual({
      kind: 'down',
      reason: 'Timeout',
      message: 'connected, but no answer within 0.05 s',
    });
    await listener.closed(1);
    expect(listener.errors).toEqual([]);
  });

  it('closes early is down with ClosedEarly, or what the protocol makes of it', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.end('half')) });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toMatchObject({ reason: 'ClosedEarly' });
    const ended = (received: Buffer) => verdict('down', 'NotServing', received.toString());
    expect(await runProtocol(tcpCheck(port), forever, greet({ ended }))).toMatchObject({
      reason: 'NotServing',
      message: 'half',
    });
  });

  it('resets is down with Reset, or what the protocol makes of it', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.resetAndDestroy()) });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toMatchObject({
      kind: 'down',
      reason: 'Reset',
    });
    const ended = () => verdict('down', 'Blocked');
    expect(await runProtocol(tcpCheck(port), forever, greet({ ended }))).toMatchObject({ reason: 'Blocked' });
  });

  it('answers and closes at once is heard', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.end('yes\n')) });
    expect(await runProtocol(tcpCheck(port), forever, greet())).toEqual(fine);
  });

  it('sends 100 MB is down with WrongProtocol after a few of them', async () => {
    const { port } = await start({ onConnection: flooding(Buffer.alloc(1_000_000, 'x')) });
    const before = process.memoryUsage().arrayBuffers;
    expect(await runProtocol(tcpCheck(port), forever, greet())).toMatchObject({
      kind: 'down',
      reason: 'WrongProtocol',
      message: 'the answer is longer than this protocol allows',
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  it('never closes holds the run for the grace only, or until its timeout', async () => {
    const { port } = await start({
      allowHalfOpen: true,
      onConnection: replying((socket) => socket.write('yes\n')),
    });
    expect(await runProtocol(tcpCheck(port, { timeoutMs: 10_000 }), forever, greet())).toEqual(fine);
    expect(await runProtocol(tcpCheck(port, { timeoutMs: 100 }), forever, greet())).toEqual(fine);
  });
});

describe('however the bytes are cut', () => {
  it('the verdict is the same, and no peer makes it throw', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(pieces, async (chunks) => {
        const whole = Buffer.concat(chunks);
        const cut = await start({ onConnection: (socket) => void pour(socket, chunks) });
        const uncut = await start({ onConnection: (socket) => void pour(socket, [whole]) });
        const [one, other] = await Promise.all(
          [cut, uncut].map(({ port }) => runProtocol(tcpCheck(port), forever, greet({ maxBytes: 20 }))),
        );
        expect(one).toEqual(other);
      }),
      { numRuns: 40 },
    );
  });
});

async function pour(socket: Socket, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  if (!socket.closed) await once(socket, 'close');
}
