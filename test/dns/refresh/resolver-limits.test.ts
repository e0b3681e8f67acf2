import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DnsResolver } from '../../../src/dns/refresh/resolver.ts';
import {
  MINUTE,
  ResolverWorld,
  SECOND,
  TICK,
  addresses,
  bounds,
  db,
  failed,
  names,
  records,
} from '../support/resolver-world.ts';
import type { Question } from '../../../src/core/resolution/name-state.ts';

describe('DnsResolver', () => {
  let dns: ResolverWorld;
  beforeEach(() => {
    dns = new ResolverWorld();
  });

  describe('limits', () => {
    it('10,000 names of one namespace take at most eight ninths of the 64 slots, and all are sent', async () => {
      dns.servers.all = { answer: records(300, '10.0.0.1'), afterMs: 1 };
      const resolver = dns.resolverOf({ random: Math.random });
      for (const [i, name] of names(10_000).entries()) resolver.follow(`backend-${i}`, [name], bounds);
      await dns.clock.advance(30 * SECOND);
      expect(dns.servers.peak).toEqual({ all: 42, ofOne: 1 });
      expect(new Set(dns.servers.queries.map(({ key }) => key)).size).toBe(10_000);
      resolver.follow('all at once', names(10_000), { namespace: 'shop', minMs: SECOND, maxMs: SECOND });
      await dns.clock.advance(10 * SECOND);
      expect(dns.servers.peak).toEqual({ all: 56, ofOne: 1 });
    }, 60_000);

    it('100 dead names delay other names by at most one tick', async () => {
      const resolver = dns.resolverOf({ random: Math.random });
      const [dead, alive] = [names(100, 'dead'), names(100, 'alive')];
      for (const name of dead) dns.servers.say(name, failed, 6 * SECOND);
      for (const name of alive) dns.servers.say(name, records(5, '10.0.0.1'), 2);
      resolver.follow('alive', alive, bounds);
      await dns.clock.advance(SECOND);
      resolver.follow('dead', dead, bounds);
      await dns.clock.advance(5 * MINUTE);
      for (const name of alive) {
        const times = dns.servers.timesOf(name);
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(5.5 * SECOND + 2 + 7 * TICK);
      }
      expect(dead.filter((name) => dns.servers.timesOf(name).length < 5)).toEqual([]);
    });

    it('100 known dead names delay no new name', async () => {
      const resolver = dns.resolverOf();
      const dead = names(100, 'dead');
      for (const name of dead) dns.servers.say(name, failed, 6 * SECOND);
      resolver.follow('dead', dead, bounds);
      await dns.clock.advance(MINUTE);
      const begun = dns.clock.now();
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(TICK);
      expect(dns.servers.timesOf(db)).toEqual([begun]);
    });

    describe('2,000 dead names of four backends', () => {
      const zone = (i: number): readonly Question[] => names(500, `dead${i}-`);
      /** Four backends with 500 names each, all of them dead for ten minutes; the names of others answer. */
      const besideTheDead = async (...questions: readonly Question[]): Promise<DnsResolver> => {
        const resolver = dns.resolverOf({ random: Math.random });
        for (const question of questions) dns.servers.say(question, records(5, '10.0.0.1'), 2);
        resolver.follow('shop', questions, bounds);
        dns.servers.all = { answer: failed, afterMs: 4 * SECOND };
        for (let i = 0; i < 4; i++) resolver.follow(`dead-${i}`, zone(i), bounds);
        await dns.clock.advance(10 * MINUTE);
        return resolver;
      };
      const isSeenWithin = async (
        resolver: DnsResolver,
        question: Question,
        ms: number,
      ): Promise<boolean> => {
        dns.servers.say(question, records(5, '10.0.0.2'), 2);
        await dns.clock.advance(ms);
        return addresses(resolver, question)[0] === '10.0.0.2';
      };

      it('do not delay a name of another backend that lost one answer', async () => {
        const resolver = await besideTheDead(db);
        const asked = dns.servers.timesOf(db).length;
        dns.servers.say(db, failed, 4 * SECOND);
        await dns.clock.advance(6 * SECOND);
        expect(dns.servers.timesOf(db).length).toBe(asked + 1);
        expect(await isSeenWithin(resolver, db, 10 * SECOND)).toBe(true);
      });

      it('delay a dead name of another backend that is answered again by only some turns', async () => {
        const resolver = await besideTheDead(db);
        dns.servers.say(db, failed, 4 * SECOND);
        await dns.clock.advance(10 * MINUTE);
        expect(await isSeenWithin(resolver, db, 15 * SECOND)).toBe(true);
      });

      it('do not delay a name that one of them shares with another backend', async () => {
        const shared = zone(0)[499] ?? db;
        const resolver = await besideTheDead();
        resolver.follow('shop', [shared], bounds);
        await dns.clock.advance(20 * SECOND);
        expect(await isSeenWithin(resolver, shared, 15 * SECOND)).toBe(true);
      });

      it('do not delay a new name', async () => {
        const resolver = await besideTheDead();
        dns.servers.say(db, records(5, '10.0.0.1'), 2);
        resolver.follow('shop', [db], bounds);
        await dns.clock.advance(SECOND);
        expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      });

      it('do not delay other names while they die', async () => {
        const resolver = dns.resolverOf({ random: Math.random });
        dns.servers.all = { answer: records(5, '10.0.0.1'), afterMs: 2 };
        resolver.follow('shop', [db], bounds);
        for (let i = 0; i < 4; i++) resolver.follow(`dead-${i}`, zone(i), bounds);
        await dns.clock.advance(MINUTE);
        const from = dns.clock.now();
        dns.servers.say(db, records(5, '10.0.0.1'), 2);
        dns.servers.all = { answer: failed, afterMs: 4 * SECOND };
        await dns.clock.advance(10 * MINUTE);
        const times = dns.servers.timesOf(db).filter((at) => at >= from);
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(10 * SECOND);
      });
    });

    it('names that failed twice take at most 16 slots, those of one namespace 14, in the order in which they are due', async () => {
      const resolver = dns.resolverOf();
      const dead = names(100, 'dead');
      for (const name of dead) dns.servers.say(name, failed, 6 * SECOND);
      resolver.follow('dead', dead, bounds);
      await dns.clock.advance(MINUTE);
      const inFlight: number[] = [];
      const from = dns.servers.queries.length;
      for (let i = 0; i < 60; i++) {
        await dns.clock.advance(SECOND);
        inFlight.push(resolver.stats().inFlight);
      }
      expect(Math.max(...inFlight)).toBe(14);
      const order = dns.servers.queries.slice(from).map(({ key }) => key);
      expect(new Set(order.slice(0, 100)).size).toBe(100);
    });
  });
});
