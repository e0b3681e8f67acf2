import { describe, expect, it } from '@jest/globals';
import { runProtocol } from '../../../src/probe/connection/protocol-runner.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { greet, replying } from '../support/greeting-protocol.ts';
import { useListeners } from '../support/resources.ts';
import type { Protocol } from '../../../src/probe/connection/protocol.ts';

const start = useListeners();

describe('a cancelled dialogue', () => {
  it('is inconclusive at once and does not dial where it was cancelled before', async () => {
    const listener = await start();
    expect(await runProtocol(tcpCheck(listener.port), AbortSignal.abort(), greet())).toMatchObject({
      kind: 'inconclusive',
      reason: 'Cancelled',
    });
    expect(listener.accepted()).toBe(0);
  });

  it('finishes with the server what it began, behind its verdict', async () => {
    const heard: string[] = [];
    const controller = new AbortController();
    let answer = () => {};
    const listener = await start({
      onConnection: replying((socket) => {
        answer = () => socket.write('yes\n');
        controller.abort();
      }, heard),
    });
    const running = runProtocol(tcpCheck(listener.port, { timeoutMs: 10_000 }), controller.signal, greet());
    expect(await running).toMatchObject({ reason: 'Cancelled' });
    answer();
    await listener.closed(1);
    expect(heard.join('')).toBe('hello\nbye\n');
  });
});

describe('a protocol at fault', () => {
  it('that throws rejects, and the connection is closed', async () => {
    const listener = await start();
    const broken: Protocol = {
      maxBytes: 1,
      next: () => {
        throw new TypeError('broken');
      },
    };
    await expect(runProtocol(tcpCheck(listener.port), forever, broken)).rejects.toThrow('broken');
    await listener.closed(1);
  });

  it('that sends for ever rejects', async () => {
    const { port } = await start();
    const endless: Protocol = {
      maxBytes: 1,
      next: () => ({ kind: 'send', bytes: Buffer.from('x'), consumed: 0 }),
    };
    await expect(runProtocol(tcpCheck(port), forever, endless)).rejects.toThrow('no end');
  });

  it('that asks for TLS nobody described is our fault, not the target’s', async () => {
    const { port } = await start({ onConnection: replying((socket) => socket.write('S\n')) });
    expect(await runProtocol(tcpCheck(port), forever, greet({ secure: true }))).toMatchObject({
      kind: 'inconclusive',
      reason: 'ProberFault',
    });
  });
});
