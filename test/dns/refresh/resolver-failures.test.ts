import { beforeEach, describe, expect, it } from '@jest/globals';
import { effectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import { emptyNameState } from '../../../src/core/resolution/name-state.ts';
import {
  MINUTE,
  ResolverWorld,
  SECOND,
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

  describe('an outage of the name servers', () => {
    it('of 10 minutes keeps the known records in use, and causes one notification; the next answer causes one more', async () => {
      dns.servers.say(db, records(10, '10.0.0.1'));
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      await dns.clock.advance(5 * SECOND);
      expect(dns.news).toHaveLength(1);
      dns.servers.say(db, failed, 5 * SECOND);
      await dns.clock.advance(10 * MINUTE);
      const stands = effectiveRecords(resolver.state(db), { staleMs: 0, keepMs: 0 }, dns.clock.now());
      expect(stands).toMatchObject({ addresses: ['10.0.0.1'], state: 'Stale', error: failed.message });
      expect(dns.news).toHaveLength(2);
      dns.servers.say(db, records(10, '10.0.0.2'));
      await dns.clock.advance(MINUTE);
      expect(addresses(resolver, db)).toEqual(['10.0.0.2']);
      expect(dns.news).toHaveLength(3);
    });

    it('from the start keeps the published records in use', async () => {
      dns.servers.say(db, failed, SECOND);
      const resolver = dns.resolverOf();
      resolver.follow('shop', [db], bounds);
      resolver.restore(db, { addresses: ['10.0.0.7'], services: [] });
      await dns.clock.advance(10 * MINUTE);
      const stands = effectiveRecords(resolver.state(db), { staleMs: 0, keepMs: 0 }, dns.clock.now());
      expect(stands).toMatchObject({ addresses: ['10.0.0.7'], state: 'Stale' });
    });

    it('delays 20,000 questions by only seconds after its end', async () => {
      const resolver = dns.resolverOf({ random: Math.random });
      const all = names(20_000);
      dns.servers.all = { answer: records(30, '10.0.0.1'), afterMs: 1 };
      resolver.follow('shop', all, bounds);
      await dns.clock.advance(10 * SECOND);
      dns.servers.all = { answer: failed, afterMs: 5 * SECOND };
      await dns.clock.advance(2 * MINUTE);
      dns.servers.all = { answer: records(30, '10.0.0.2'), afterMs: 1 };
      await dns.clock.advance(10 * SECOND);
      expect(all.filter((name) => addresses(resolver, name)[0] !== '10.0.0.2')).toEqual([]);
    }, 60_000);
  });

  it('restores no records for a question without an owner, and notifies the other owners of restored records', async () => {
    const resolver = dns.resolverOf({ query: () => new Promise(() => undefined) });
    resolver.restore(db, { addresses: ['10.0.0.7'], services: [] });
    expect(resolver.state(db)).toBe(emptyNameState);
    resolver.follow('shop', [db], bounds);
    resolver.follow('bank', [db], bounds);
    resolver.restore(db, { addresses: ['10.0.0.7'], services: [] });
    await dns.clock.advance(0);
    expect(dns.news.map(({ owner }) => owner)).toEqual(['shop', 'bank']);
  });

  it('reports the results of its queries and their durations', async () => {
    const [two, three] = [a('two.example'), a('three.example')];
    dns.servers.say(db, records(60, '10.0.0.1'), 3);
    dns.servers.say(two, none, 4);
    dns.servers.say(three, failed, 2_000);
    const resolver = dns.resolverOf();
    resolver.follow('shop', [db, two, three], bounds);
    await dns.clock.advance(3 * SECOND);
    expect(dns.asked).toEqual([
      { result: 'Records', durationMs: 3 },
      { result: 'NoSuchName', durationMs: 4 },
      { result: 'Failed', durationMs: 2_000 },
    ]);
    expect(resolver.stats()).toEqual({ questions: 3, oldestAnswerMs: 2_997, inFlight: 0, waiting: 0 });
  });

  it('reports no oldest answer if none is in use', async () => {
    const resolver = dns.resolverOf();
    dns.servers.say(db, none);
    resolver.follow('shop', [db], bounds);
    await dns.clock.advance(20 * SECOND);
    expect(resolver.stats().oldestAnswerMs).toBeUndefined();
  });

  it('treats an exception of the client as a failure, and goes on', async () => {
    dns.servers.say(db, new RangeError('secret'));
    const resolver = dns.resolverOf();
    resolver.follow('shop', [db], bounds);
    await dns.clock.advance(6 * SECOND);
    expect(resolver.state(db).lastFailure).toEqual({ kind: 'failed', message: 'RangeError' });
    expect(dns.errors).toHaveLength(2);
    dns.servers.say(db, records(60, '10.0.0.1'));
    await dns.clock.advance(6 * SECOND);
    expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
  });

  it('goes on when a listener throws', async () => {
    const resolver = dns.resolverOf({
      onNews: () => {
        throw new Error('no');
      },
    });
    resolver.follow('shop', [db], bounds);
    await dns.clock.advance(55 * SECOND);
    expect(dns.servers.queries).toHaveLength(2);
    expect(dns.errors).toHaveLength(1);
    expect(resolver.stats().inFlight).toBe(0);
  });

  it('sends no query, notifies no owner and leaves no timer after it is closed', async () => {
    dns.servers.all = { answer: records(5, '10.0.0.1'), afterMs: 2 * SECOND };
    const resolver = dns.resolverOf();
    resolver.follow('shop', names(100), bounds);
    await dns.clock.advance(SECOND);
    resolver.close();
    resolver.follow('bank', [db], bounds);
    const begun = dns.servers.queries.length;
    await dns.clock.advance(MINUTE);
    expect([dns.servers.queries.length, dns.news, resolver.stats().inFlight, dns.clock.armed]).toEqual([
      begun,
      [],
      0,
      0,
    ]);
  });
});
