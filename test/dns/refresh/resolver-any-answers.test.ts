import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { questionKey } from '../../../src/core/resolution/name-state.ts';
import {
  GRID,
  ResolverWorld,
  SECOND,
  TICK,
  failed,
  names,
  none,
  records,
} from '../support/resolver-world.ts';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import type { DnsResolverOptions } from '../../../src/dns/refresh/resolver.ts';
import type { RefreshBounds } from '../../../src/engine/ports.ts';
import type { Query, ScriptedServers } from '../support/resolver-world.ts';

describe('DnsResolver', () => {
  let dns: ResolverWorld;
  beforeEach(() => {
    dns = new ResolverWorld();
  });

  describe('for any sequence of questions and answers', () => {
    const keys = names(6);
    const refresh = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 }));
    const answer = fc.constantFrom<Answer>(failed, none, records(0, '10.0.0.1'), records(30, '10.0.0.2'));
    const follow = fc.record({
      owner: fc.constantFrom('shop', 'bank', 'bar'),
      questions: fc.subarray(keys),
      refresh: refresh.map(([min, more]) => ({ minMs: min * SECOND, maxMs: (min + more) * SECOND })),
    });
    const say = fc.record({ question: fc.constantFrom(...keys), answer, afterMs: fc.nat(7 * SECOND) });
    const command = fc.oneof(
      follow.map((told) => ({ follow: told, say: undefined, ms: 50 })),
      say.map((told) => ({ follow: undefined, say: told, ms: 50 })),
      fc.nat(70 * SECOND).map((ms) => ({ follow: undefined, say: undefined, ms })),
    );

    /** Plays the commands; `check` sees each query as it begins and the world after each command. */
    async function play(
      commands: readonly (typeof command extends fc.Arbitrary<infer C> ? C : never)[],
      limits: Partial<DnsResolverOptions>,
      check: (world: World, asked?: Question) => void,
    ): Promise<void> {
      dns = new ResolverWorld();
      const world: World = { wishes: new Map(), since: new Map(), servers: dns.servers };
      const ask: DnsResolverOptions['query'] = (question, options) => {
        check(world, question);
        return dns.servers.ask(question, options);
      };
      const resolver = dns.resolverOf({ ...limits, random: Math.random, query: ask });
      for (const each of commands) {
        if (each.say !== undefined) dns.servers.say(each.say.question, each.say.answer, each.say.afterMs);
        if (each.follow !== undefined) {
          const { owner, questions, refresh } = each.follow;
          const before = new Set([...world.wishes.values()].flatMap((wish) => wish.questions));
          world.wishes.set(owner, each.follow);
          const now = new Set([...world.wishes.values()].flatMap((wish) => wish.questions));
          for (const key of now) if (!before.has(key)) world.since.set(key, dns.clock.now());
          resolver.follow(owner, questions, { namespace: owner === 'bar' ? 'shop' : owner, ...refresh });
          expect(resolver.stats().questions).toBe(now.size);
        }
        await dns.clock.advance(each.ms);
        check(world);
      }
      expect(dns.errors).toEqual([]);
      resolver.close();
      await dns.clock.advance(10 * SECOND);
      expect(dns.clock.armed).toBe(0);
    }

    interface World {
      readonly wishes: Map<string, { questions: readonly Question[]; refresh: RefreshBounds }>;
      /** Since when a question is followed without a break. */
      readonly since: Map<Question, number>;
      readonly servers: ScriptedServers;
    }
    const boundsOf = ({ wishes }: World, question: Question): RefreshBounds | undefined => {
      const all = [...wishes.values()].filter(({ questions }) => questions.includes(question));
      if (all.length === 0) return undefined;
      return {
        minMs: Math.min(...all.map(({ refresh }) => refresh.minMs)),
        maxMs: Math.min(...all.map(({ refresh }) => refresh.maxMs)),
      };
    };
    const lastOf = ({ servers, since }: World, question: Question): Query | undefined =>
      servers.queries.findLast(
        ({ key, endedAt = Infinity }) =>
          key === questionKey(question) && endedAt >= (since.get(question) ?? 0),
      );

    it('never exceeds the number in flight, and never sends a question twice at a time', async () => {
      const limits = { maxInFlight: 3, maxSuspects: 1 };
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 25 }), (commands) =>
          play(commands, limits, () => {
            expect(dns.servers.peak.all).toBeLessThanOrEqual(3);
            expect(dns.servers.peak.ofOne).toBeLessThanOrEqual(1);
          }),
        ),
        { numRuns: 30 },
      );
    }, 60_000);

    it('never sends a question without an owner, nor earlier than its bounds allow', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 25 }), (commands) =>
          play(commands, {}, (world, question) => {
            if (question === undefined) return;
            const bounds = boundsOf(world, question);
            const last = lastOf(world, question);
            if (bounds === undefined) throw new Error(`${question.name} is asked for nobody`);
            if (last?.endedAt !== undefined)
              expect(dns.clock.now() - last.endedAt).toBeGreaterThanOrEqual(0.9 * bounds.minMs - GRID);
          }),
        ),
        { numRuns: 30 },
      );
    }, 60_000);

    it('sends a new question at once, and again within its bounds', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 25 }), (commands) =>
          play(commands, {}, (world, asked) => {
            for (const question of asked === undefined ? keys : []) {
              const bounds = boundsOf(world, question);
              if (bounds === undefined) continue;
              const last = lastOf(world, question);
              expect(last).toBeDefined();
              if (last?.endedAt === undefined) continue;
              const most = Math.max(bounds.maxMs, 1.1 * bounds.minMs) + GRID + 2 * TICK;
              expect(dns.clock.now() - last.endedAt).toBeLessThanOrEqual(most);
            }
          }),
        ),
        { numRuns: 30 },
      );
    }, 60_000);
  });
});
