import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emptyNameState, questionKey } from '../../../src/core/resolution/name-state.ts';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import { effectiveRecords } from '../../../src/core/resolution/effective-records.ts';
import { DnsResolver } from '../../../src/dns/refresh/resolver.ts';
import type { AskOptions, DnsResolverOptions } from '../../../src/dns/refresh/resolver.ts';
import type { FollowOptions, RefreshBounds } from '../../../src/engine/ports.ts';
import type { LogFields, Logger } from '../../../src/util/log.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** The alarm fires at most this often. */
/** At most this much later than due, for wakings are shared (util/deadline-timer.ts); and as much sooner or later (dns/refresh/tracked-question.ts). */
const TICK = 20;
const GRID = 20;
const bounds: FollowOptions = { namespace: 'shop', minMs: 5 * SECOND, maxMs: 300 * SECOND };

const a = (name: string): Question => ({ name, type: 'A' });
const names = (count: number, of = 'db'): Question[] =>
  Array.from({ length: count }, (_, i) => a(`${of}${i}.example`));
const records = (ttlSeconds: number, ...addresses: string[]): Answer => ({
  kind: 'records',
  ttlMs: ttlSeconds * SECOND,
  addresses,
  services: [],
});
const failed: Answer = { kind: 'failed', message: '10.0.0.53 does not answer' };
const none: Answer = { kind: 'none', reason: 'NoSuchName', ttlMs: 60 * SECOND, serverAnsweredAt: Infinity };

interface Said {
  readonly answer: Answer | Error;
  readonly afterMs?: number;
}

interface Query extends AskOptions {
  readonly key: string;
  readonly at: number;
  endedAt?: number;
}

/** Name servers that say what the test says: at once, or after a while. Aborted, they end at once. */
class ScriptedServers {
  readonly queries: Query[] = [];
  readonly peak = { all: 0, ofOne: 0 };
  readonly #clock: ManualClock;
  readonly #script = new Map<string, Said>();
  readonly #open = new Map<string, number>();
  #opened = 0;
  all: Said = { answer: records(60, '10.0.0.1') };

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  say(question: Question, answer: Answer | Error, afterMs = 0): void {
    this.#script.set(questionKey(question), { answer, afterMs });
  }

  readonly ask = async (question: Question, options: AskOptions): Promise<Answer> => {
    const key = questionKey(question);
    const query: Query = { ...options, key, at: this.#clock.now() };
    this.queries.push(query);
    this.#count(key, 1);
    const { answer, afterMs = 0 } = this.#script.get(key) ?? this.all;
    if (afterMs > 0) await new Promise<void>((resolve) => this.#clock.after(afterMs, resolve));
    this.#count(key, -1);
    query.endedAt = this.#clock.now();
    if (answer instanceof Error) throw answer;
    return answer;
  };

  /** When a question was asked. */
  timesOf(question: Question): number[] {
    return this.queries.filter(({ key }) => key === questionKey(question)).map(({ at }) => at);
  }

  #count(key: string, more: number): void {
    this.#opened += more;
    const ofOne = (this.#open.get(key) ?? 0) + more;
    this.#open.set(key, ofOne);
    this.peak.all = Math.max(this.peak.all, this.#opened);
    this.peak.ofOne = Math.max(this.peak.ofOne, ofOne);
  }
}

describe('DnsResolver', () => {
  let clock: ManualClock;
  let servers: ScriptedServers;
  let news: { owner: string; at: number }[];
  let asked: { result: string; durationMs: number }[];
  let errors: (LogFields | undefined)[];

  beforeEach(() => {
    clock = new ManualClock();
    servers = new ScriptedServers(clock);
    news = [];
    asked = [];
    errors = [];
  });

  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_, fields) => void errors.push(fields),
  };

  const resolverOf = (more: Partial<DnsResolverOptions> = {}): DnsResolver =>
    new DnsResolver({
      clock,
      random: () => 0,
      logger,
      ask: servers.ask,
      onNews: (owners) => news.push(...[...owners].map((owner) => ({ owner, at: clock.now() }))),
      observer: { dnsQueried: (result, durationMs) => asked.push({ result, durationMs }) },
      ...more,
    });
  const addresses = (resolver: DnsResolver, question: Question) => resolver.state(question).addresses;
  const db = a('db.example');

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
      servers.say(db, answer);
      resolverOf({ random: () => random }).follow('shop', [db], refresh);
      await clock.advance(second + 2 * TICK);
      expect(servers.timesOf(db)).toEqual([0, second]);
    }); // prettier-ignore

    it('three times at the minimum after a negative answer, then by the time to live of that answer', async () => {
      servers.say(db, none);
      resolverOf().follow('shop', [db], bounds);
      await clock.advance(70 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 5_000, 10_000, 64_000]);
    });

    it('at the minimum while records are in doubt, until the negative answer is confirmed', async () => {
      servers.say(db, records(10, '10.0.0.1'));
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      await clock.advance(SECOND);
      servers.say(db, { ...none, serverAnsweredAt: 0 });
      await clock.advance(30 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 9_000, 14_000, 19_000, 24_000, 29_000]);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      servers.say(db, none);
      await clock.advance(10 * SECOND);
      expect(addresses(resolver, db)).toEqual([]);
      expect(servers.timesOf(db)).toEqual([0, 9_000, 14_000, 19_000, 24_000, 29_000, 34_000]);
    });

    it('that accepts as confirmation of a negative answer only later answers than the first one in the row', async () => {
      servers.say(db, none);
      resolverOf().follow('shop', [db], bounds);
      await clock.advance(11 * SECOND);
      expect(servers.queries.map(({ confirmSince }) => confirmSince)).toEqual([0, 0, 0]);
    });

    it('that accepts only later answers as confirmation, if there was no negative answer', async () => {
      resolverOf().follow('shop', [db], bounds);
      await clock.advance(55 * SECOND);
      expect(servers.queries.map(({ confirmSince }) => confirmSince)).toEqual([0, 54_000]);
    });

    it('never twice at a time for one question, however slow the server is', async () => {
      servers.say(db, failed, 20 * SECOND);
      resolverOf().follow('shop', [db], bounds);
      await clock.advance(50 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 25_000, 50_000]);
    });
  });

  describe('owners', () => {
    it('share one query for one question, and are all notified', async () => {
      const resolver = resolverOf();
      for (const owner of ['shop', 'bank', 'bar']) resolver.follow(owner, [db], bounds);
      await clock.advance(10 * SECOND);
      expect(servers.timesOf(db)).toEqual([0]);
      expect(news.map(({ owner }) => owner)).toEqual(['shop', 'bank', 'bar']);
      expect(resolver.stats()).toMatchObject({ questions: 1, inFlight: 0 });
    });

    it('that come later get the known records without a query', async () => {
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      await clock.advance(SECOND);
      resolver.follow('bank', [db], bounds);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      await clock.advance(SECOND);
      expect(servers.queries).toHaveLength(1);
    });

    it('are not notified from within their own calls', () => {
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      resolver.follow('bank', [db], bounds);
      resolver.seed(db, { addresses: ['10.0.0.9'], services: [] });
      expect(news).toEqual([]);
    });

    it('that follow the same questions again, in any order or twice, cause no query', async () => {
      const resolver = resolverOf();
      const [one, two] = [a('one.example'), a('two.example')];
      resolver.follow('shop', [one, two], bounds);
      await clock.advance(SECOND);
      for (const again of [
        [one, two],
        [two, one],
        [two, one, two],
      ])
        resolver.follow('shop', again, bounds);
      await clock.advance(SECOND);
      expect(servers.queries).toHaveLength(2);
      expect(resolver.stats().questions).toBe(2);
    });

    it('with tighter bounds bring the next query forward, until they leave', async () => {
      servers.say(db, records(3_600, '10.0.0.1'));
      const resolver = resolverOf({ random: () => 1 });
      resolver.follow('shop', [db], bounds);
      await clock.advance(10 * SECOND);
      resolver.follow('bank', [db], { namespace: 'shop', minMs: SECOND, maxMs: 20 * SECOND });
      await clock.advance(31 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 20_000, 40_000]);
      resolver.follow('bank', [], bounds);
      await clock.advance(298 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 20_000, 40_000]);
      await clock.advance(2 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 20_000, 40_000, 340_000]);
    });

    it('may tighten and loosen their own bounds', async () => {
      servers.say(db, records(3_600, '10.0.0.1'));
      const resolver = resolverOf({ random: () => 1 });
      resolver.follow('shop', [db], bounds);
      resolver.follow('bank', [db], bounds);
      resolver.follow('bank', [db], { namespace: 'shop', minMs: SECOND, maxMs: 20 * SECOND });
      await clock.advance(21 * SECOND);
      resolver.follow('bank', [db], bounds);
      await clock.advance(290 * SECOND);
      expect(servers.timesOf(db)).toEqual([0, 20_000]);
    });

    it('with bounds that are tighter than the time since the last answer cause a query at once', async () => {
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      await clock.advance(30 * SECOND);
      resolver.follow('bank', [db], { namespace: 'shop', minMs: SECOND, maxMs: 2 * SECOND });
      await clock.advance(TICK);
      expect(servers.timesOf(db)).toEqual([0, 30_000]);
    });
  });

  describe('a question that has lost its last owner', () => {
    it('is dropped with its state, and not sent again', async () => {
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      resolver.follow('bank', [db], bounds);
      await clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      resolver.follow('bank', [a('other.example')], bounds);
      expect(resolver.state(db)).toBe(emptyNameState);
      await clock.advance(10 * MINUTE);
      expect(servers.timesOf(db)).toEqual([0]);
    });

    it('ignores its late answer, and holds its slot until then', async () => {
      servers.say(db, records(60, '10.0.0.66'), 2 * SECOND);
      const resolver = resolverOf({ maxInFlight: 2 });
      resolver.follow('shop', [db], bounds);
      await clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      expect(resolver.stats()).toEqual({ questions: 0, oldestAnswerMs: undefined, inFlight: 1, waiting: 0 });
      await clock.advance(SECOND);
      expect(resolver.state(db)).toBe(emptyNameState);
      expect([news, asked, resolver.stats().inFlight, clock.armed]).toEqual([[], [], 0, 0]);
    });

    it('and that gets an owner again while in flight is sent once, and uses that answer', async () => {
      servers.say(db, records(60, '10.0.0.1'), 2 * SECOND);
      const resolver = resolverOf();
      resolver.follow('shop', [db], { namespace: 'shop', minMs: SECOND, maxMs: SECOND });
      await clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      resolver.follow('bank', [db], bounds);
      await clock.advance(SECOND);
      expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      expect(news.map(({ owner }) => owner)).toEqual(['bank']);
      await clock.advance(50 * SECOND);
      expect(servers.timesOf(db)).toEqual([0]);
    });

    it('leaves no timer that has an effect', async () => {
      const resolver = resolverOf();
      resolver.follow('shop', names(50), bounds);
      await clock.advance(SECOND);
      resolver.follow('shop', [], bounds);
      await clock.advance(MINUTE);
      expect([servers.queries.length, clock.armed, resolver.stats().questions]).toEqual([50, 0, 0]);
    });
  });

  describe('limits', () => {
    it('10,000 names of one namespace take at most eight ninths of the 64 slots, and all are sent', async () => {
      servers.all = { answer: records(300, '10.0.0.1'), afterMs: 1 };
      const resolver = resolverOf({ random: Math.random });
      for (const [i, name] of names(10_000).entries()) resolver.follow(`backend-${i}`, [name], bounds);
      await clock.advance(30 * SECOND);
      expect(servers.peak).toEqual({ all: 42, ofOne: 1 });
      expect(new Set(servers.queries.map(({ key }) => key)).size).toBe(10_000);
      resolver.follow('all at once', names(10_000), { namespace: 'shop', minMs: SECOND, maxMs: SECOND });
      await clock.advance(10 * SECOND);
      expect(servers.peak).toEqual({ all: 56, ofOne: 1 });
    }, 60_000);

    it('100 dead names delay other names by at most one tick', async () => {
      const resolver = resolverOf({ random: Math.random });
      const [dead, alive] = [names(100, 'dead'), names(100, 'alive')];
      for (const name of dead) servers.say(name, failed, 6 * SECOND);
      for (const name of alive) servers.say(name, records(5, '10.0.0.1'), 2);
      resolver.follow('alive', alive, bounds);
      await clock.advance(SECOND);
      resolver.follow('dead', dead, bounds);
      await clock.advance(5 * MINUTE);
      for (const name of alive) {
        const times = servers.timesOf(name);
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(5.5 * SECOND + 2 + 7 * TICK);
      }
      expect(dead.filter((name) => servers.timesOf(name).length < 5)).toEqual([]);
    });

    it('100 known dead names delay no new name', async () => {
      const resolver = resolverOf();
      const dead = names(100, 'dead');
      for (const name of dead) servers.say(name, failed, 6 * SECOND);
      resolver.follow('dead', dead, bounds);
      await clock.advance(MINUTE);
      const begun = clock.now();
      resolver.follow('shop', [db], bounds);
      await clock.advance(TICK);
      expect(servers.timesOf(db)).toEqual([begun]);
    });

    describe('2,000 dead names of four backends', () => {
      const zone = (i: number): readonly Question[] => names(500, `dead${i}-`);
      /** Four backends with 500 names each, all of them dead for ten minutes; the names of others answer. */
      const besideTheDead = async (...questions: readonly Question[]): Promise<DnsResolver> => {
        const resolver = resolverOf({ random: Math.random });
        for (const question of questions) servers.say(question, records(5, '10.0.0.1'), 2);
        resolver.follow('shop', questions, bounds);
        servers.all = { answer: failed, afterMs: 4 * SECOND };
        for (let i = 0; i < 4; i++) resolver.follow(`dead-${i}`, zone(i), bounds);
        await clock.advance(10 * MINUTE);
        return resolver;
      };
      const isSeenWithin = async (
        resolver: DnsResolver,
        question: Question,
        ms: number,
      ): Promise<boolean> => {
        servers.say(question, records(5, '10.0.0.2'), 2);
        await clock.advance(ms);
        return addresses(resolver, question)[0] === '10.0.0.2';
      };

      it('do not delay a name of another backend that lost one answer', async () => {
        const resolver = await besideTheDead(db);
        const asked = servers.timesOf(db).length;
        servers.say(db, failed, 4 * SECOND);
        await clock.advance(6 * SECOND);
        expect(servers.timesOf(db).length).toBe(asked + 1);
        expect(await isSeenWithin(resolver, db, 10 * SECOND)).toBe(true);
      });

      it('delay a dead name of another backend that is answered again by only some turns', async () => {
        const resolver = await besideTheDead(db);
        servers.say(db, failed, 4 * SECOND);
        await clock.advance(10 * MINUTE);
        expect(await isSeenWithin(resolver, db, 15 * SECOND)).toBe(true);
      });

      it('do not delay a name that one of them shares with another backend', async () => {
        const shared = zone(0)[499] ?? db;
        const resolver = await besideTheDead();
        resolver.follow('shop', [shared], bounds);
        await clock.advance(20 * SECOND);
        expect(await isSeenWithin(resolver, shared, 15 * SECOND)).toBe(true);
      });

      it('do not delay a new name', async () => {
        const resolver = await besideTheDead();
        servers.say(db, records(5, '10.0.0.1'), 2);
        resolver.follow('shop', [db], bounds);
        await clock.advance(SECOND);
        expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
      });

      it('do not delay other names while they die', async () => {
        const resolver = resolverOf({ random: Math.random });
        servers.all = { answer: records(5, '10.0.0.1'), afterMs: 2 };
        resolver.follow('shop', [db], bounds);
        for (let i = 0; i < 4; i++) resolver.follow(`dead-${i}`, zone(i), bounds);
        await clock.advance(MINUTE);
        const from = clock.now();
        servers.say(db, records(5, '10.0.0.1'), 2);
        servers.all = { answer: failed, afterMs: 4 * SECOND };
        await clock.advance(10 * MINUTE);
        const times = servers.timesOf(db).filter((at) => at >= from);
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(10 * SECOND);
      });
    });

    it('names that failed twice take at most 16 slots, those of one namespace 14, in the order in which they are due', async () => {
      const resolver = resolverOf();
      const dead = names(100, 'dead');
      for (const name of dead) servers.say(name, failed, 6 * SECOND);
      resolver.follow('dead', dead, bounds);
      await clock.advance(MINUTE);
      const inFlight: number[] = [];
      const from = servers.queries.length;
      for (let i = 0; i < 60; i++) {
        await clock.advance(SECOND);
        inFlight.push(resolver.stats().inFlight);
      }
      expect(Math.max(...inFlight)).toBe(14);
      const order = servers.queries.slice(from).map(({ key }) => key);
      expect(new Set(order.slice(0, 100)).size).toBe(100);
    });
  });

  describe('an outage of the name servers', () => {
    it('of 10 minutes keeps the known records in use, and causes one notification; the next answer causes one more', async () => {
      servers.say(db, records(10, '10.0.0.1'));
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      await clock.advance(5 * SECOND);
      expect(news).toHaveLength(1);
      servers.say(db, failed, 5 * SECOND);
      await clock.advance(10 * MINUTE);
      const stands = effectiveRecords(resolver.state(db), { staleMs: 0, keepMs: 0 }, clock.now());
      expect(stands).toMatchObject({ addresses: ['10.0.0.1'], state: 'Stale', error: failed.message });
      expect(news).toHaveLength(2);
      servers.say(db, records(10, '10.0.0.2'));
      await clock.advance(MINUTE);
      expect(addresses(resolver, db)).toEqual(['10.0.0.2']);
      expect(news).toHaveLength(3);
    });

    it('from the start keeps the published records in use', async () => {
      servers.say(db, failed, SECOND);
      const resolver = resolverOf();
      resolver.follow('shop', [db], bounds);
      resolver.seed(db, { addresses: ['10.0.0.7'], services: [] });
      await clock.advance(10 * MINUTE);
      const stands = effectiveRecords(resolver.state(db), { staleMs: 0, keepMs: 0 }, clock.now());
      expect(stands).toMatchObject({ addresses: ['10.0.0.7'], state: 'Stale' });
    });

    it('delays 20,000 questions by only seconds after its end', async () => {
      const resolver = resolverOf({ random: Math.random });
      const all = names(20_000);
      servers.all = { answer: records(30, '10.0.0.1'), afterMs: 1 };
      resolver.follow('shop', all, bounds);
      await clock.advance(10 * SECOND);
      servers.all = { answer: failed, afterMs: 5 * SECOND };
      await clock.advance(2 * MINUTE);
      servers.all = { answer: records(30, '10.0.0.2'), afterMs: 1 };
      await clock.advance(10 * SECOND);
      expect(all.filter((name) => addresses(resolver, name)[0] !== '10.0.0.2')).toEqual([]);
    }, 60_000);
  });

  it('restores no records for a question without an owner, and notifies the other owners of restored records', async () => {
    const resolver = resolverOf({ ask: () => new Promise(() => undefined) });
    resolver.seed(db, { addresses: ['10.0.0.7'], services: [] });
    expect(resolver.state(db)).toBe(emptyNameState);
    resolver.follow('shop', [db], bounds);
    resolver.follow('bank', [db], bounds);
    resolver.seed(db, { addresses: ['10.0.0.7'], services: [] });
    await clock.advance(0);
    expect(news.map(({ owner }) => owner)).toEqual(['shop', 'bank']);
  });

  it('reports the results of its queries and their durations', async () => {
    const [two, three] = [a('two.example'), a('three.example')];
    servers.say(db, records(60, '10.0.0.1'), 3);
    servers.say(two, none, 4);
    servers.say(three, failed, 2_000);
    const resolver = resolverOf();
    resolver.follow('shop', [db, two, three], bounds);
    await clock.advance(3 * SECOND);
    expect(asked).toEqual([
      { result: 'Records', durationMs: 3 },
      { result: 'NoSuchName', durationMs: 4 },
      { result: 'Failed', durationMs: 2_000 },
    ]);
    expect(resolver.stats()).toEqual({ questions: 3, oldestAnswerMs: 2_997, inFlight: 0, waiting: 0 });
  });

  it('reports no oldest answer if none is in use', async () => {
    const resolver = resolverOf();
    servers.say(db, none);
    resolver.follow('shop', [db], bounds);
    await clock.advance(20 * SECOND);
    expect(resolver.stats().oldestAnswerMs).toBeUndefined();
  });

  it('treats an exception of the client as a failure, and goes on', async () => {
    servers.say(db, new RangeError('secret'));
    const resolver = resolverOf();
    resolver.follow('shop', [db], bounds);
    await clock.advance(6 * SECOND);
    expect(resolver.state(db).lastFailure).toEqual({ kind: 'failed', message: 'RangeError' });
    expect(errors).toHaveLength(2);
    servers.say(db, records(60, '10.0.0.1'));
    await clock.advance(6 * SECOND);
    expect(addresses(resolver, db)).toEqual(['10.0.0.1']);
  });

  it('goes on when a listener throws', async () => {
    const resolver = resolverOf({
      onNews: () => {
        throw new Error('no');
      },
    });
    resolver.follow('shop', [db], bounds);
    await clock.advance(55 * SECOND);
    expect(servers.queries).toHaveLength(2);
    expect(errors).toHaveLength(1);
    expect(resolver.stats().inFlight).toBe(0);
  });

  it('sends no query, notifies no owner and leaves no timer after it is closed', async () => {
    servers.all = { answer: records(5, '10.0.0.1'), afterMs: 2 * SECOND };
    const resolver = resolverOf();
    resolver.follow('shop', names(100), bounds);
    await clock.advance(SECOND);
    resolver.close();
    resolver.follow('bank', [db], bounds);
    const begun = servers.queries.length;
    await clock.advance(MINUTE);
    expect([servers.queries.length, news, resolver.stats().inFlight, clock.armed]).toEqual([begun, [], 0, 0]);
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
      clock = new ManualClock();
      servers = new ScriptedServers(clock);
      const world: World = { wishes: new Map(), since: new Map(), servers };
      const ask: DnsResolverOptions['ask'] = (question, options) => {
        check(world, question);
        return servers.ask(question, options);
      };
      const resolver = resolverOf({ ...limits, random: Math.random, ask });
      for (const each of commands) {
        if (each.say !== undefined) servers.say(each.say.question, each.say.answer, each.say.afterMs);
        if (each.follow !== undefined) {
          const { owner, questions, refresh } = each.follow;
          const before = new Set([...world.wishes.values()].flatMap((wish) => wish.questions));
          world.wishes.set(owner, each.follow);
          const now = new Set([...world.wishes.values()].flatMap((wish) => wish.questions));
          for (const key of now) if (!before.has(key)) world.since.set(key, clock.now());
          resolver.follow(owner, questions, { namespace: owner === 'bar' ? 'shop' : owner, ...refresh });
          expect(resolver.stats().questions).toBe(now.size);
        }
        await clock.advance(each.ms);
        check(world);
      }
      expect(errors).toEqual([]);
      resolver.close();
      await clock.advance(10 * SECOND);
      expect(clock.armed).toBe(0);
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
            expect(servers.peak.all).toBeLessThanOrEqual(3);
            expect(servers.peak.ofOne).toBeLessThanOrEqual(1);
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
              expect(clock.now() - last.endedAt).toBeGreaterThanOrEqual(0.9 * bounds.minMs - GRID);
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
              expect(clock.now() - last.endedAt).toBeLessThanOrEqual(most);
            }
          }),
        ),
        { numRuns: 30 },
      );
    }, 60_000);
  });
});
