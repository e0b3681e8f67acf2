import { beforeEach, describe, expect, it } from '@jest/globals';
import { emptyNameState } from '../../../src/core/resolution/name-state.ts';
import {
  MINUTE,
  ResolverWorld,
  SECOND,
  TICK,
  a,
  addresses,
  bounds,
  db,
  failed,
  names,
  none,
  records,
} from '../support/resolver-world.ts';

describe('DnsResolver', () => {
  let dns: ResolverWorld;
  beforeEach(() => {
    dns = new ResolverWorld();
  });

  describe('sends a query', () => {
    it.each([
      ['before the time to live of the last answer ends', records(60, '10.0.0.1'), bounds, 0, 54_000],
      ['at the end of the time to live at the latest', records(60, '10.0.0.1'), bounds, 1, 60_000],
      ['not earlier than the minimum', records(0, '10.0.0.1'), bounds, 0, 5_000],
      ['not earlier than the minimum, if that is the time to live', records(5, '10.0.0.1'), bounds, 0, 5_000],
      ['a tenth after the minimum at the latest, for a time to live of 0', records(0, '10.0.0.1'), { namespace: 'shop', minMs: SECOND, maxMs: MINUTE }, 1, 1_100],
      ['at the minimum, for a time to live of 0, if that is the maximum', records(0, '10.0.0.1'), { namespace: 'shop', minMs: SECOND, maxMs: SECOND }, 1, 1_000],
      ['not later than the maximum', records(86_400, '10.0.0.1'), bounds, 1, 300_000],
      ['at the minimum after a failure', failed, bounds, 0, 5_000],
      ['a tenth after the minimum at the latest, after a failure', failed, bounds, 1, 5_500],
      ['at the minimum after a first negative answer', none, bounds, 0, 5_000],
    ] as const)('%s', async (_, answer, refresh, random, second) => {
      dns.servers.say(db, answer);
      dns.resolverOf({ random: () => random }).follow('shop', [db], refresh);
      await dns.clock.advance(second + 2 * TICK);
      expect(dns.servers.timesOf(db)).toEqual([0, second]);
    }); // prettier-ignore

    it('three times at the minimum after a negative answer, then by the time to live of that answer', async () => {
      dns.servers.say(db, none);
      dns.resolverOf().follow('shop', [db], bounds);
      await dns.clock.advance(70 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 5_000, 10_000, 64_000]);
    });

    it('at the minimum while records are in doubt, until the negative answer is confirmed', async () => {
      dns.servers.say(db, records(10, '10.0.0.1'));
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(SECOND);
      dns.servers.say(db, { ...none, serverAnsweredAt: 0 });
      await dns.clock.advance(30 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 9_000, 14_000, 19_000, 24_000, 29_000]);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      dns.servers.say(db, none);
      await dns.clock.advance(10 * SECOND);
      expect(addresses(resolver, db)).toEqual([]);
      expect(dns.servers.timesOf(db)).toEqual([0, 9_000, 14_000, 19_000, 24_000, 29_000, 34_000]);
    });

    it('that accepts as confirmation of a negative answer only later answers than the first one in the row', async () => {
      dns.servers.say(db, none);
      dns.resolverOf().follow('shop', [db], bounds);
      await dns.clock.advance(11 * SECOND);
      expect(dns.servers.queries.map(({ confirmSince }) => confirmSince)).toEqual([0, 0, 0]);
    });

    it('that accepts only later answers as confirmation, if there was no negative answer', async () => {
      dns.resolverOf().follow('shop', [db], bounds);
      await dns.clock.advance(55 * SECOND);
      expect(dns.servers.queries.map(({ confirmSince }) => confirmSince)).toEqual([0, 54_000]);
    });

    it('never twice at a time for one question, however slow the server is', async () => {
      dns.servers.say(db, failed, 20 * SECOND);
      dns.resolverOf().follow('shop', [db], bounds);
      await dns.clock.advance(50 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 25_000, 50_000]);
    });
  });

  describe('owners', () => {
    it('share one query for one question, and are all notified', async () => {
      const resolver = dns.resolverOf();
      for (const owner of ['shop', 'bank', 'bar']) resolver.follow(owner, [db], bounds);
      await dns.clock.advance(10 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0]);
      expect(dns.news.map(({ owner }) => owner)).toEqual(['shop', 'bank', 'bar']);
      expect(resolver.stats()).toMatchObject({ questions: 1, inFlight: 0 });
    });

    it('that come later get the known records without a query', async () => {
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(SECOND);
      resolver.follow('bank', [db], bounds);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      await dns.clock.advance(SECOND);
      expect(dns.servers.queries).toHaveLength(1);
    });

    it('are not notified from within their own calls', () => {
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      resolver.follow('bank', [db], bounds);
      resolver.restore(db, { addresses: ['10.0.0.9'], services: [] });
      expect(dns.news).toEqual([]);
    });

    it('that follow the same questions again, in any order or twice, cause no query', async () => {
      const resolver = dns.resolverOf();
      const [one, two] = [a('one.example'), a('two.example')];
      resolver.follow('shop', [one, two], bounds);
      await dns.clock.advance(SECOND);
      for (const again of [
        [one, two],
        [two, one],
        [two, one, two],
      ])
        resolver.follow('shop', again, bounds);
      await dns.clock.advance(SECOND);
      expect(dns.servers.queries).toHaveLength(2);
      expect(resolver.stats().questions).toBe(2);
    });

    it('with tighter bounds bring the next query forward, until they leave', async () => {
      dns.servers.say(db, records(3_600, '10.0.0.1'));
      const resolver = dns.resolverOf({ random: () => 1 });
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(10 * SECOND);
      resolver.follow('bank', [db], { namespace: 'shop', minMs: SECOND, maxMs: 20 * SECOND });
      await dns.clock.advance(31 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 20_000, 40_000]);
      resolver.follow('bank', [], bounds);
      await dns.clock.advance(298 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 20_000, 40_000]);
      await dns.clock.advance(2 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 20_000, 40_000, 340_000]);
    });

    it('may tighten and loosen their own bounds', async () => {
      dns.servers.say(db, records(3_600, '10.0.0.1'));
      const resolver = dns.resolverOf({ random: () => 1 });
      resolver.follow('shop', [db], bounds);
      resolver.follow('bank', [db], bounds);
      resolver.follow('bank', [db], { namespace: 'shop', minMs: SECOND, maxMs: 20 * SECOND });
      await dns.clock.advance(21 * SECOND);
      resolver.follow('bank', [db], bounds);
      await dns.clock.advance(290 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0, 20_000]);
    });

    it('with bounds that are tighter than the time since the last answer cause a query at once', async () => {
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(30 * SECOND);
      resolver.follow('bank', [db], { namespace: 'shop', minMs: SECOND, maxMs: 2 * SECOND });
      await dns.clock.advance(TICK);
      expect(dns.servers.timesOf(db)).toEqual([0, 30_000]);
    });
  });

  describe('a question that has lost its last owner', () => {
    it('is dropped with its state, and not sent again', async () => {
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      resolver.follow('bank', [db], bounds);
      await dns.clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      resolver.follow('bank', [a('other.example')], bounds);
      expect(resolver.state(db)).toBe(emptyNameState);
      await dns.clock.advance(10 * MINUTE);
      expect(dns.servers.timesOf(db)).toEqual([0]);
    });

    it('ignores its late answer, and holds its slot until then', async () => {
      dns.servers.say(db, records(60, '10.0.0.66'), 2 * SECOND);
      const resolver = dns.resolverOf({ maxInFlight: 2 });
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      expect(resolver.stats()).toEqual({ questions: 0, oldestAnswerMs: undefined, inFlight: 1, waiting: 0 });
      await dns.clock.advance(SECOND);
      expect(resolver.state(db)).toBe(emptyNameState);
      expect([dns.news, dns.asked, resolver.stats().inFlight, dns.clock.armed]).toEqual([[], [], 0, 0]);
    });

    it('and that gets an owner again while in flight is sent once, and uses that answer', async () => {
      dns.servers.say(db, records(60, '10.0.0.1'), 2 * SECOND);
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], { namespace: 'shop', minMs: SECOND, maxMs: SECOND });
      await dns.clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      resolver.follow('bank', [db], bounds);
      await dns.clock.advance(SECOND);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      expect(dns.news.map(({ owner }) => owner)).toEqual(['bank']);
      await dns.clock.advance(50 * SECOND);
      expect(dns.servers.timesOf(db)).toEqual([0]);
    });

    it('leaves no timer that has an effect', async () => {
      const resolver = dns.resolverOf();
      resolver.follow('shop', names(50), bounds);
      await dns.clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      await dns.clock.advance(MINUTE);
      expect([dns.servers.queries.length, dns.clock.armed, resolver.stats().questions]).toEqual([50, 0, 0]);
    });
  });
});
