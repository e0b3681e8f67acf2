import { describe, expect, it } from '@jest/globals';
import type { Answer, Question } from '../../src/core/resolution/name-state.ts';
import { DnsResolver } from '../../src/dns/refresh/resolver.ts';
import type { FollowOptions } from '../../src/engine/ports.ts';
import { TokenBucket } from '../../src/util/token-bucket.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';
import { silentLogger } from '../support/fakes/silent-logger.ts';

const SECOND = 1_000;
/** Wakings are shared (util/deadline-timer.ts). */
const TICK = 20;

const questions = (count: number, of: string): Question[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${of}${i}.example`, type: 'A' }));

const optionsOf = (namespace: string, minMs: number): FollowOptions => ({ namespace, minMs, maxMs: minMs });

const answer: Answer = { kind: 'records', ttlMs: SECOND, addresses: ['192.0.2.1'], services: [] };
const failed: Answer = { kind: 'failed', message: 'no answer' };

interface Load {
  /** Backends of the greedy namespace, and names of each. */
  readonly backends: number;
  readonly names: number;
  readonly answersAfterMs: number;
  readonly answers: Answer;
}

/** A greedy namespace, whose names are asked each second, and a modest one. */
function worldOf(load: Load | undefined, qps = Infinity) {
  const clock = new ManualClock();
  const asked: { readonly name: string; readonly at: number }[] = [];
  const resolver = new DnsResolver({
    ...{ clock, random: () => 0, logger: silentLogger, onNews: () => undefined },
    ...(qps < Infinity && { rate: new TokenBucket(qps, SECOND / qps, clock.now()) }),
    query: async ({ name }) => {
      asked.push({ name, at: clock.now() });
      if (!name.startsWith('greedy') || load === undefined) return answer;
      await new Promise<void>((resolve) => clock.after(load.answersAfterMs, resolve));
      return load.answers;
    },
  });
  const modest = (owner: string, of: readonly Question[], minMs: number) =>
    resolver.follow(owner, of, optionsOf('modest', minMs));
  const greedy = (): void => {
    for (let i = 0; i < (load?.backends ?? 0); i++)
      resolver.follow(`greedy${i}`, questions(load?.names ?? 0, `greedy${i}-`), optionsOf('greedy', SECOND));
  };
  const timesOf = (name: string) => asked.filter((each) => each.name === name).map(({ at }) => at);
  return { clock, resolver, modest, greedy, asked, timesOf };
}

const loads: readonly (readonly [string, Load | undefined])[] = [
  ['nothing', undefined],
  [
    '1,024 names that answer after half a second',
    { backends: 1, names: 1_024, answersAfterMs: 500, answers: answer },
  ],
  ['5,569 names that answer after 20 ms', { backends: 1, names: 5_569, answersAfterMs: 20, answers: answer }],
  [
    '100 backends with 100 names that answer after two seconds',
    { backends: 100, names: 100, answersAfterMs: 2 * SECOND, answers: answer },
  ],
  [
    '100 backends with 100 names that fail after four seconds',
    { backends: 100, names: 100, answersAfterMs: 4 * SECOND, answers: failed },
  ],
];

describe('next to another namespace, which has', () => {
  it.each(loads)('%s, a new name is resolved within a tick', async (_, load) => {
    const { clock, modest, greedy, timesOf } = worldOf(load);
    greedy();
    await clock.advance(12 * SECOND);
    const begun = clock.now();
    modest('new', questions(1, 'modest'), 5 * SECOND);
    await clock.advance(5 * SECOND);
    expect((timesOf('modest0.example')[0] ?? Infinity) - begun).toBeLessThanOrEqual(TICK);
  });

  it.each(loads)('%s, a known name is resolved again in time', async (_, load) => {
    const { clock, modest, greedy, timesOf } = worldOf(load);
    modest('known', questions(1, 'modest'), 5 * SECOND);
    await clock.advance(SECOND);
    greedy();
    await clock.advance(60 * SECOND);
    const times = timesOf('modest0.example');
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5 * SECOND + 2 * TICK);
    expect(times.length).toBe(13);
  });

  it('the same names, a shared name is resolved at the first turn of either namespace', async () => {
    const { clock, resolver, modest, greedy, timesOf } = worldOf({
      ...{ backends: 20, names: 200, answersAfterMs: 2 * SECOND, answers: answer },
    });
    const shared = questions(1, 'shared');
    greedy();
    for (let i = 0; i < 20; i++) resolver.follow(`also${i}`, shared, optionsOf('greedy', SECOND));
    modest('also', shared, SECOND);
    await clock.advance(60 * SECOND);
    const times = timesOf('shared0.example');
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(SECOND + 3 * TICK);
  });

  it('10,000 names, a slot remains free, because no namespace takes the last ones', async () => {
    const { clock, resolver, greedy } = worldOf({
      ...{ backends: 100, names: 100, answersAfterMs: 60 * SECOND, answers: answer },
    });
    greedy();
    await clock.advance(10 * SECOND);
    expect(resolver.stats().inFlight).toBe(42);
    expect(resolver.stats().waiting).toBe(10_000 - 42);
  });
});

describe('the limit of queries per second', () => {
  const load: Load = { backends: 10, names: 500, answersAfterMs: 5, answers: answer };

  it.each([
    ['alone', undefined],
    ['next to 5,000 names of another namespace', load],
  ] as const)('lets 20 names be resolved every 5 s, %s', async (_, greedyLoad) => {
    const { clock, modest, greedy, asked } = worldOf(greedyLoad, 100);
    greedy();
    await clock.advance(10 * SECOND);
    modest('calm', questions(20, 'modest'), 5 * SECOND);
    await clock.advance(60 * SECOND);
    const own = asked.filter(({ name }) => name.startsWith('modest'));
    // 12 rounds of 20 names, each of which is late by half a second at most: it waits for 20 names of either.
    expect(own.length).toBeGreaterThanOrEqual(20 * 11);
    expect(own.length).toBeLessThanOrEqual(20 * 13);
  });

  it('holds for all namespaces together, after a burst of one second', async () => {
    const { clock, modest, greedy, asked, resolver } = worldOf(load, 100);
    modest('calm', questions(20, 'modest'), 5 * SECOND);
    greedy();
    await clock.advance(SECOND);
    expect(asked.length).toBeLessThanOrEqual(200);
    const before = asked.length;
    await clock.advance(60 * SECOND);
    expect(asked.length - before).toBeGreaterThanOrEqual(5_990);
    expect(asked.length - before).toBeLessThanOrEqual(6_010);
    expect(resolver.stats().waiting).toBeGreaterThan(4_000);
  });
});
