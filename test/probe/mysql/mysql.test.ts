import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { cuts, hear } from '../support/hear.ts';
import { useListeners } from '../support/resources.ts';
import { capabilities, denied, greeting, ok, packet, switchTo } from '../support/mysql-bytes.ts';
import { handshake, packetsOf } from '../support/mysql-conversation.ts';
import type { Socket } from 'node:net';
import type { Check, Handler } from '../../../src/core/probing/check.ts';

/** Conversations that begin well and end anyhow. */
const conversations = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(
      fc.constantFrom(
        greeting(),
        greeting({ plugin: 'caching_sha2_password' }),
        greeting({ flags: capabilities.tls }),
      ),
      fc.array(
        fc.oneof(
          fc.constantFrom(
            denied(2),
            ok(2),
            switchTo(2, 'dialog'),
            switchTo(2, 'parsec'),
            packet(2, [1, 4]),
            packet(4, [1, 3]),
          ),
          fc
            .tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 40 }))
            .map(([n, bytes]) => packet(n, bytes)),
          fc.uint8Array({ maxLength: 20 }),
        ),
        { maxLength: 6 },
      ),
    )
    .map(([first, more]) => Buffer.concat([first, ...more])),
);

describe('whatever a peer says', () => {
  it('the answer and the verdict are the same however the bytes are cut, and nothing is thrown', () => {
    const cut = conversations.chain((all) =>
      fc.tuple(fc.constant(all), cuts(fc.constant(all)), fc.boolean()),
    );
    fc.assert(
      fc.property(cut, ([all, pieces, tls]) => {
        expect(hear(handshake(tls), pieces)).toEqual(hear(handshake(tls), [all]));
      }),
      { numRuns: 2_000 },
    );
  });

  it('each packet of ours is whole and short, and answers one of the server’s', () => {
    fc.assert(
      fc.property(conversations, (all) => {
        const { sent } = hear(handshake(), [all]);
        for (const [sequence, payload] of packetsOf(sent)) {
          expect(sequence).toBeGreaterThan(0);
          expect(payload.length).toBeLessThan(300);
        }
      }),
    );
  });
});

const listen = useListeners();

async function probe(onConnection: (socket: Socket) => void, timeoutMs = 1_000) {
  const listener = await listen({ onConnection, allowHalfOpen: true });
  const handler: Handler = { kind: 'mysql', saturatedIs: 'inconclusive' };
  const check: Check = tcpCheck(listener.port, { handler, timeoutMs });
  return { verdict: await createMysql()(check, forever), listener };
}

/** What they do, and what it is called. */
const meanPeers: readonly (readonly [string, (socket: Socket) => void, string])[] = [
  ['never says a word', () => undefined, 'Timeout'],
  ['says half a greeting', (socket: Socket) => void socket.write(greeting().subarray(0, 30)), 'Timeout'],
  ['closes at once', (socket: Socket) => void socket.end(), 'ClosedEarly'],
  [
    'closes after half a greeting',
    (socket: Socket) => void socket.end(greeting().subarray(0, 30)),
    'ClosedEarly',
  ],
  [
    'resets at the response',
    (socket: Socket) => {
      socket.write(greeting());
      socket.once('data', () => socket.resetAndDestroy());
    },
    'Reset',
  ],
  ['says 100 MB', (socket: Socket) => void socket.write(Buffer.alloc(100_000_000, 0x41)), 'WrongProtocol'],
];

describe('over a socket', () => {
  it('a server that speaks one byte at a time is up', async () => {
    const bytes = [...greeting()];
    const { verdict } = await probe((socket) => {
      const drip = () => {
        const next = bytes.shift();
        if (next === undefined) socket.once('data', () => socket.end(denied(2)));
        else socket.write(Buffer.of(next), () => setImmediate(drip));
      };
      socket.setNoDelay(true);
      drip();
    });
    expect(verdict).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
  });

  it.each(meanPeers)('a peer that %s', async (_, behave, reason) => {
    const { verdict } = await probe(behave, 300);
    expect(verdict).toMatchObject({ kind: 'down', reason });
  });

  it('gives a silent server what it needs to end the handshake later', async () => {
    const heard: Buffer[] = [];
    const { listener } = await probe(
      (socket) => socket.on('data', (bytes: Buffer) => heard.push(bytes)),
      100,
    );
    await listener.finished(1);
    expect(packetsOf(Buffer.concat(heard)).map(([sequence]) => sequence)).toEqual([1, 3]);
    expect(listener.errors).toEqual([]);
  });
});
