import { describe, expect, it } from '@jest/globals';
import { PriorityLimiter, priorities } from '../../src/kube/client/priority-limiter.ts';
import { settle } from '../support/fakes/manual-clock.ts';

/**
 * An API server that answers all requests under way at the end of each round, with 32 places.
 * Returns the rounds until the modest namespace's 100 slices are written; the greedy one always has 1,000 that wait.
 */
async function rounds(greedy: boolean): Promise<number> {
  const gate = new PriorityLimiter(32);
  const inside: string[] = [];
  const enter = (namespace: string) =>
    void gate.enter(priorities.slice, namespace).then(() => inside.push(namespace));
  let left = 100;
  if (greedy) for (let at = 0; at < 1_000; at += 1) enter('greedy');
  for (let at = 0; at < left; at += 1) enter('modest');
  for (let round = 1; round <= 100; round += 1) {
    await settle();
    const answered = inside.splice(0);
    for (const namespace of answered) {
      gate.leave(priorities.slice, namespace);
      if (namespace === 'modest') left -= 1;
      else enter('greedy');
    }
    if (left === 0) return round;
  }
  return Infinity;
}

describe('100 slices of a modest namespace, with 32 requests at a time', () => {
  it('are written in 4 round trips, alone', async () => {
    expect(await rounds(false)).toBe(4);
  });

  it('are written in at most twice as many round trips next to a namespace of which 1,000 always wait', async () => {
    expect(await rounds(true)).toBeLessThanOrEqual(8);
  });
});
