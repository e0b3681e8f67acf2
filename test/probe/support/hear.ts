import fc from 'fast-check';
import type { Protocol } from '../../../src/probe/connection/protocol.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';

/** What a protocol makes of a peer that says these pieces, one after the other, and then closes. */
export interface Heard {
  /** Undefined: it has no word of its own for the close (ClosedEarly). */
  readonly verdict: Verdict | undefined;
  readonly sent: Buffer;
  readonly farewell: Buffer | undefined;
}

/** Speaks the part of `runProtocol` to a protocol, without a socket. TLS is established at once. */
export function hear(protocol: Protocol, pieces: readonly Uint8Array[]): Heard {
  const sent: Uint8Array[] = [];
  let waiting = Buffer.alloc(0);
  // `piece` undefined: the connection stands.
  for (const piece of [undefined, ...pieces]) {
    waiting = piece === undefined ? waiting : Buffer.concat([waiting, piece]);
    for (let steps = 0; ; steps += 1) {
      if (steps > 100) throw new Error('the protocol has no end');
      const step = protocol.next(waiting.subarray(0, protocol.maxBytes));
      if (step.kind === 'done') {
        const farewell = step.finalBytes && Buffer.from(step.finalBytes);
        return { verdict: step.verdict, sent: Buffer.concat(sent), farewell };
      }
      if (step.kind === 'exceed')
        return { verdict: step.verdict, sent: Buffer.concat(sent), farewell: undefined };
      if (step.kind === 'more') break;
      if (step.kind === 'send') sent.push(step.bytes);
      waiting = waiting.subarray(step.consumed);
    }
    if (waiting.length > protocol.maxBytes)
      return { verdict: tooMuch, sent: Buffer.concat(sent), farewell: undefined };
  }
  return { verdict: protocol.onClose?.(waiting), sent: Buffer.concat(sent), farewell: undefined };
}

const tooMuch: Verdict = Object.freeze({ kind: 'down', reason: 'WrongProtocol', message: 'too much' });

/** The bytes, cut at arbitrary places. */
export function cuts(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<readonly Uint8Array[]> {
  return bytes.chain((all) =>
    fc.array(fc.nat({ max: all.length }), { maxLength: 20 }).map((places) => {
      const edges = [0, ...places.toSorted((a, b) => a - b), all.length];
      return edges.slice(1).map((edge, index) => all.subarray(edges[index], edge));
    }),
  );
}
