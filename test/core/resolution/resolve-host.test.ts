import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultDns, type Dns } from '../../../src/api/dns.ts';
import {
  applyAnswer,
  emptyNameState,
  questionKey,
  type NameState,
} from '../../../src/core/resolution/name-state.ts';
import { normalizeName, questionsOf } from '../../../src/core/resolution/questions.ts';
import { resolve } from '../../../src/core/resolution/resolve-host.ts';
import {
  after,
  at,
  before,
  denies,
  epoch,
  fails,
  gives,
  gone,
  knowing,
  leadsTo,
  service,
  since,
} from '../../support/builders/lookups.ts';

const dns = (over: Partial<Dns> = {}): Dns => ({ ...defaultDns, ...over });
const name = 'db.example.com';
const record = '_postgres._tcp.example.com';
type States = Readonly<Record<string, NameState>>;
const of = (host: string, states: States, over: Partial<Dns> = {}, now = 10_000) =>
  resolve(host, dns(over), knowing(states), now);
const ask = (host: string, states: States = {}, families: Dns['families'] = ['IPv4', 'IPv6']) =>
  questionsOf(host, families, knowing(states)).map(questionKey);

describe('nameOf', () => {
  it.each([
    ['DB.Example.COM.', 'db.example.com'],
    ['db.example.com', 'db.example.com'],
    ['DB', 'db'],
    ['db.', 'db.'],
    ['_Postgres._TCP.Example.com.', '_postgres._tcp.example.com'],
  ])('%s is %s', (host, is) => expect(normalizeName(host)).toBe(is));
});

describe('questionsOf', () => {
  it.each<readonly [string, string, Dns['families'], readonly string[]]>([
    ['nothing for an IPv4 address', '10.0.0.1', ['IPv4'], []],
    ['nothing for an IPv6 address', 'FD00::1', ['IPv4'], []],
    ['both families', 'DB.Example.com.', ['IPv4', 'IPv6'], [`A ${name}`, `AAAA ${name}`]],
    ['one family', name, ['IPv6'], [`AAAA ${name}`]],
    ['an absolute name of one label', 'db.', ['IPv4'], ['A db.']],
    ['an SRV record, while its hosts are not known', record, ['IPv4'], [`SRV ${record}`]],
  ])('%s', (_, host, families, questions) => expect(ask(host, {}, families)).toEqual(questions));

  it('contains each host of an SRV record once', () => {
    const answer = leadsTo(
      service('db0.example.com'),
      service('db0.example.com', { port: 1 }),
      service('db1.'),
    );
    expect(ask(record, { [`SRV ${record}`]: after(answer) }, ['IPv4'])).toEqual([
      `SRV ${record}`,
      'A db0.example.com',
      'A db1.',
    ]);
  });
});

describe('resolve', () => {
  it('resolves a literal address to itself, in canonical form and without a state', () => {
    expect(of('FD00:0::1', {})).toEqual({
      addresses: [{ ip: 'fd00::1', host: 'fd00::1', kept: false }],
      state: undefined,
      resolvedWall: undefined,
      error: undefined,
      nextAt: undefined,
    });
  });

  it('joins both families, under the name in lower case without the dot', () => {
    const states = { [`A ${name}`]: after(gives('10.0.0.1')), [`AAAA ${name}`]: after(gives('fd00::1')) };
    expect(of('DB.Example.com.', states)).toMatchObject({
      addresses: [
        { ip: '10.0.0.1', host: name, kept: false },
        { ip: 'fd00::1', host: name, kept: false },
      ],
      state: 'Answered',
      resolvedWall: epoch,
    });
  });

  it('ignores a family that is not queried', () => {
    const states = { [`A ${name}`]: after(gives('10.0.0.1')), [`AAAA ${name}`]: after(fails) };
    expect(of(name, states, { families: ['IPv4'] })).toMatchObject({ state: 'Answered', error: undefined });
    expect(of(name, states, { families: ['IPv6'] })).toMatchObject({ addresses: [], state: 'Failed' });
  });

  const a = gives('10.0.0.1');
  const b = gives('fd00::1');
  const nobody = 'no answer';
  const nodata = 'the name has no record of this type (NODATA)';
  const nx = 'no such name (NXDOMAIN)';
  it.each<readonly [string, NameState, NameState, readonly string[], string, string | undefined]>([
    ['neither is answered', emptyNameState, emptyNameState, [], 'Pending', undefined],
    ['one is answered', after(a), emptyNameState, ['10.0.0.1'], 'Answered', undefined],
    ['one gives nothing, one is not answered', after(...gone()), emptyNameState, [], 'Pending', `A: ${nx}`],
    ['one family only', after(a), after(...gone('NoAddress')), ['10.0.0.1'], 'Answered', undefined],
    [
      'one family only, not believed yet',
      after(a),
      after(denies('NoAddress')),
      ['10.0.0.1'],
      'Answered',
      undefined,
    ],
    ["one family's server fails", after(a), after(fails), ['10.0.0.1'], 'Answered', `AAAA: ${nobody}`],
    [
      "one family's server fails after an answer",
      after(a, fails, fails),
      after(b),
      ['10.0.0.1', 'fd00::1'],
      'Stale',
      `A: ${nobody}`,
    ],
    [
      'one is denied after an answer',
      after(a),
      after(b, denies(), denies()),
      ['10.0.0.1', 'fd00::1'],
      'Unconfirmed',
      `AAAA: ${nx}`,
    ],
    ['published before', before('10.0.0.1'), emptyNameState, ['10.0.0.1'], 'Restored', undefined],
    [
      'published before, one answered since',
      since(before('10.0.0.1'), a),
      before('fd00::1'),
      ['10.0.0.1', 'fd00::1'],
      'Restored',
      undefined,
    ],
    [
      'both fail after answers',
      after(a, fails, fails),
      after(b, fails, fails),
      ['10.0.0.1', 'fd00::1'],
      'Stale',
      `A: ${nobody}; AAAA: ${nobody}`,
    ],
    [
      'one fails, one gives nothing',
      after(fails),
      after(...gone('NoAddress')),
      [],
      'Failed',
      `A: ${nobody}; AAAA: ${nodata}`,
    ],
    ['no such name', after(...gone()), after(...gone()), [], 'NoSuchName', `A: ${nx}; AAAA: ${nx}`],
    [
      'no address',
      after(...gone('NoAddress')),
      after(...gone('NoAddress')),
      [],
      'NoAddress',
      `A: ${nodata}; AAAA: ${nodata}`,
    ],
    [
      'confirmed negative answers with different reasons',
      after(...gone('NoAddress')),
      after(...gone()),
      [],
      'NoSuchName',
      `A: ${nodata}; AAAA: ${nx}`,
    ],
  ])('both families: %s', (_, four, six, ips, rule, error) => {
    const found = of(name, { [`A ${name}`]: four, [`AAAA ${name}`]: six });
    expect(found.addresses.map(({ ip }) => ip)).toEqual(ips);
    expect(found).toMatchObject({ state: rule, error });
  });

  it('removes the addresses when the name servers have failed for staleSeconds, and reports when that is', () => {
    const states = { [`A ${name}`]: after(gives('10.0.0.1'), fails, fails) };
    const over = { staleSeconds: 60, families: ['IPv4' as const] };
    const stale = of(name, states, over, 60_999);
    expect(stale).toMatchObject({ state: 'Stale', nextAt: 61_000 });
    expect(stale.addresses).toHaveLength(1);
    expect(of(name, states, over, 61_000)).toMatchObject({ addresses: [], state: 'Expired' });
    expect(of(name, states, { ...over, staleSeconds: 0 }, 1e12)).toMatchObject({
      state: 'Stale',
      nextAt: undefined,
    });
  });

  it('reports an expired family when the other one is answered', () => {
    const states = { [`A ${name}`]: after(gives('10.0.0.1')), [`AAAA ${name}`]: after(b, fails, fails) };
    const found = of(name, states, { staleSeconds: 1 });
    expect(found).toMatchObject({
      addresses: [{ ip: '10.0.0.1' }],
      state: 'Answered',
      error: 'AAAA: no answer',
    });
  });

  it('keeps a removed address for keepSeconds, and reports when that ends', () => {
    const states = { [`A ${name}`]: after(gives('10.0.0.1'), gives('10.0.0.2')) };
    const found = of(name, states, { keepSeconds: 30 });
    expect(found.addresses).toEqual([
      { ip: '10.0.0.2', host: name, kept: false },
      { ip: '10.0.0.1', host: name, kept: true },
    ]);
    expect(found.nextAt).toBe(31_000);
    expect(of(name, states, { keepSeconds: 30 }, 31_000).addresses).toHaveLength(1);
    expect(of(name, states).addresses).toHaveLength(1);
  });

  it('resolves an SRV record to its hosts, each with its own port', () => {
    const db0 = service('db0.example.com', { port: 5433, weight: 7 });
    const db1 = service('db1.example.com', { port: 5434, priority: 1 });
    const found = of(record, {
      [`SRV ${record}`]: after(leadsTo(db0, db1)),
      'A db0.example.com': after(gives('10.0.0.1')),
      'A db1.example.com': after(gives('10.0.0.2')),
      'AAAA db1.example.com': after(gives('fd00::2')),
    });
    expect(found).toMatchObject({ state: 'Answered', error: undefined });
    expect(found.addresses).toEqual([
      { ip: '10.0.0.1', host: 'db0.example.com', kept: false, record: db0 },
      { ip: '10.0.0.2', host: 'db1.example.com', kept: false, record: db1 },
      { ip: 'fd00::2', host: 'db1.example.com', kept: false, record: db1 },
    ]);
  });

  it('returns the same list for an answer in any order', () => {
    const a = (...ips: readonly string[]) => ({ [`A ${name}`]: after(gives(...ips)) });
    expect(of(name, a('10.0.0.2', '10.0.0.1'))).toEqual(of(name, a('10.0.0.1', '10.0.0.2')));
    const all = [service('b.', { priority: 1 }), service('c.'), service('a.', { port: 2 }), service('a.')];
    const hosts = Object.fromEntries(
      ['A a.', 'A b.', 'A c.'].map((key, i) => [key, after(gives(`10.0.0.${i}`))]),
    );
    const srv = (records: typeof all) =>
      of(record, { ...hosts, [`SRV ${record}`]: after(leadsTo(...records)) });
    expect(srv(all).addresses.map(({ ip }) => ip)).toEqual(['10.0.0.0', '10.0.0.0', '10.0.0.2', '10.0.0.1']);
    expect(srv(all.toReversed())).toEqual(srv(all));
  });

  const one = after(gives('10.0.0.1'));
  const leads = after(leadsTo(service('db0.'), service('db1.')));
  it.each<readonly [string, NameState, NameState, NameState, number, string, string | undefined]>([
    ['all answered', leads, one, one, 2, 'Answered', undefined],
    ['the record is not answered', emptyNameState, emptyNameState, emptyNameState, 0, 'Pending', undefined],
    ['a host is not answered', leads, one, emptyNameState, 1, 'Pending', undefined],
    ['a host fails', leads, one, after(fails), 1, 'Failed', 'db1. A: no answer'],
    ['a host is gone', leads, one, after(...gone()), 1, 'NoSuchName', `db1. A: ${nx}`],
    ['a host keeps its last answer', leads, one, after(a, fails, fails), 2, 'Stale', 'db1. A: no answer'],
    ['the record fails', after(fails), one, one, 0, 'Failed', 'SRV: no answer'],
    ['the record is gone', after(...gone()), one, one, 0, 'NoSuchName', `SRV: ${nx}`],
    ['the record keeps its last answer', since(leads, fails, fails), one, one, 2, 'Stale', 'SRV: no answer'],
  ])('SRV: %s', (_, srv, db0, db1, count, rule, error) => {
    const states = { [`SRV ${record}`]: srv, 'A db0.': db0, 'A db1.': db1 };
    const found = of(record, states, { families: ['IPv4'] });
    expect(found.addresses).toHaveLength(count);
    expect(found).toMatchObject({ state: rule, error });
  });

  const ips = ['10.0.0.1', '10.0.0.2', '169.254.169.254', '127.0.0.1'];
  const answer = fc.oneof(
    fc.uniqueArray(fc.constantFrom(...ips), { minLength: 1 }).map((some) => gives(...some)),
    fc.constantFrom(fails, denies(), denies('NoAddress')),
  );

  it('returns only addresses that are known for the name', () => {
    fc.assert(
      fc.property(fc.array(answer), fc.nat(40_000), fc.nat(30), fc.nat(30), (answers, ms, stale, keep) => {
        const state = after(...answers);
        const now = answers.length * 1_000 + ms;
        const over = { families: ['IPv4' as const], staleSeconds: stale, keepSeconds: keep };
        const found = of(name, { [`A ${name}`]: state }, over, now);
        for (const { ip, kept } of found.addresses)
          expect(kept ? state.removedAddresses.map((each) => each.ip) : state.addresses).toContain(ip);
        expect(new Set(found.addresses.map(({ ip }) => ip)).size).toBe(found.addresses.length);
        if (found.nextAt !== undefined) expect(found.nextAt).toBeGreaterThan(now);
      }),
    );
  });

  it('does not change before the instant that it reports', () => {
    fc.assert(
      fc.property(fc.array(answer), fc.nat(9), fc.nat(9), fc.nat(40_000), (answers, stale, keep, ms) => {
        const states = { [`A ${name}`]: after(...answers) };
        const over = { families: ['IPv4' as const], staleSeconds: stale, keepSeconds: keep };
        const now = answers.length * 1_000;
        const found = of(name, states, over, now);
        const later = Math.min(now + ms, (found.nextAt ?? Infinity) - 1);
        expect(of(name, states, over, later)).toEqual(found);
      }),
    );
  });

  it('loses no address of an answer because of a failure', () => {
    fc.assert(
      fc.property(fc.array(answer), (answers) => {
        const state = after(...answers);
        const failed = applyAnswer(state, fails, at(60_000));
        const ipsOf = (known: NameState) => of(name, { [`A ${name}`]: known }).addresses;
        expect(ipsOf(failed)).toEqual(ipsOf(state));
      }),
    );
  });
});
