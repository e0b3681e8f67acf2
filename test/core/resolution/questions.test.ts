import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emptyNameState, questionKey, type NameState } from '../../../src/core/resolution/name-state.ts';
import { maxQuestions, questionSet, unqueriedTexts } from '../../../src/core/resolution/questions.ts';
import { resolve } from '../../../src/core/resolution/resolve-host.ts';
import { defaultDns } from '../../../src/api/dns.ts';
import { after, gives, knowing, leadsTo, service } from '../../support/builders/lookups.ts';

const both = ['IPv4', 'IPv6'] as const;
const record = (i: number): string => `_pg._tcp.r${i}.example.com`;
const plain = (count: number): string[] => Array.from({ length: count }, (_, i) => `db${i}.example.com`);
/** Returns an SRV record with this number of hosts. */
const withHosts = (count: number, of = 'h'): NameState =>
  after(leadsTo(...Array.from({ length: count }, (_, i) => service(`${of}${String(i).padStart(4, '0')}.`))));

const keysOf = (hosts: readonly string[], states: Readonly<Record<string, NameState>> = {}): string[] =>
  questionSet(hosts, [...both], knowing(states)).questions.map(questionKey);

describe('the DNS queries of a backend', () => {
  it('are those of its names in both families, each once, and none for addresses', () => {
    expect(keysOf(['10.0.0.1', 'db.example.com', 'DB.example.com.', 'fd00::1'])).toEqual([
      'A db.example.com',
      'AAAA db.example.com',
    ]);
  });

  it('are at most 512: the first family of every name, and the second family of as many as fit', () => {
    const keys = keysOf(plain(512).concat('10.0.0.1'));
    expect(keys).toEqual(plain(512).map((name) => `A ${name}`));
    const of400 = keysOf(plain(400));
    expect(of400.slice(400)).toEqual(plain(112).map((name) => `AAAA ${name}`));
  });

  it('include the first host of every SRV record before any second host', () => {
    const states = { [`SRV ${record(0)}`]: withHosts(64, 'a'), [`SRV ${record(1)}`]: withHosts(2, 'b') };
    const keys = keysOf([record(0), record(1), 'db.example.com'], states);
    expect(keys.slice(0, 4)).toEqual([
      `SRV ${record(0)}`,
      `SRV ${record(1)}`,
      'A db.example.com',
      'AAAA db.example.com',
    ]);
    expect(keys.slice(4, 10)).toEqual(
      ['a0000.', 'b0000.', 'a0001.'].flatMap((host) => [`A ${host}`, `AAAA ${host}`]),
    );
    expect(keys).toHaveLength(4 + 2 * 66);
  });

  it('are 512 where 64 SRV records have 64 KiB of hosts each', () => {
    const records = Array.from({ length: 64 }, (_, i) => record(i));
    const state = withHosts(2_784);
    expect(state.services).toHaveLength(64);
    expect(state.hasMoreHosts).toBe(true);
    const hosts = Object.fromEntries(records.map((each) => [`SRV ${each}`, state]));
    expect(keysOf(records, hosts)).toHaveLength(64 + 2 * 64);
    const different = Object.fromEntries(
      records.map((each, i) => [`SRV ${each}`, withHosts(2_784, `h${i}-`)]),
    );
    expect(keysOf(records, different)).toHaveLength(maxQuestions);
  });

  it('are the same whatever the order of the records in an answer, never more than 512, and the first of each name', () => {
    const hosts = fc.uniqueArray(fc.nat({ max: 900 }), { maxLength: 300 });
    fc.assert(
      fc.property(fc.array(hosts, { maxLength: 6 }), fc.nat({ max: 500 }), (records, names) => {
        const of = records.map((_, i) => record(i));
        const all = [...of, ...plain(names)];
        const statesOf = (turn: (ids: readonly number[]) => readonly number[]) =>
          Object.fromEntries(
            records.map((ids, i) => [
              `SRV ${record(i)}`,
              ids.length === 0
                ? emptyNameState
                : after(leadsTo(...turn(ids).map((id) => service(`h${id}.`)))),
            ]),
          );
        const forwards = keysOf(
          all,
          statesOf((ids) => ids),
        );
        const backwards = keysOf(
          all,
          statesOf((ids) => ids.toReversed()),
        );
        expect(new Set(forwards)).toEqual(new Set(backwards));
        expect(forwards.length).toBeLessThanOrEqual(maxQuestions);
        for (const host of all.slice(0, maxQuestions))
          expect(forwards.some((key) => key.endsWith(` ${host}`))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a query that is not made', () => {
  const asked = (hosts: readonly string[], states: Readonly<Record<string, NameState>> = {}) =>
    questionSet(hosts, [...both], knowing(states));

  it('is reported, and its records do not count', () => {
    const names = plain(512);
    const lookup = knowing({ 'A db511.example.com': after(gives('10.0.0.1')) });
    const found = resolve('db511.example.com', defaultDns, lookup, 10_000, asked(names));
    expect(found).toMatchObject({ addresses: [{ ip: '10.0.0.1' }], state: 'Answered', error: undefined });
    expect(found.unqueried).toEqual([
      'AAAA records of this name are not queried: an ExternalBackend has at most 512 DNS queries, one for each name and family; set dns.families to one family, or split the targets over several ExternalBackends',
    ]);
  });

  it('of an SRV record with too many hosts is reported, and the first 64 are used', () => {
    const states = {
      [`SRV ${record(0)}`]: withHosts(100),
      ...Object.fromEntries(
        Array.from({ length: 100 }, (_, i) => [
          `A h${String(i).padStart(4, '0')}.`,
          after(gives(`10.0.0.${i}`)),
        ]),
      ),
    };
    const found = resolve(record(0), defaultDns, knowing(states), 10_000, asked([record(0)], states));
    expect(found.addresses).toHaveLength(64);
    expect(found.unqueried).toEqual([
      'the SRV record has more than 64 hosts or 512 records: only the first ones are used, ordered by priority and name',
    ]);
  });

  it('of many SRV records is reported by the number of hosts', () => {
    const records = Array.from({ length: 8 }, (_, i) => record(i));
    const states = Object.fromEntries(records.map((each, i) => [`SRV ${each}`, withHosts(64, `h${i}-`)]));
    const texts = unqueriedTexts(record(0), [...both], knowing(states), asked(records, states));
    expect(texts).toEqual([
      'A and AAAA records of 32 of its hosts are not queried: an ExternalBackend has at most 512 DNS queries, one for each name and family; set dns.families to one family, or split the targets over several ExternalBackends',
    ]);
  });

  it('does not exist for an ordinary backend', () => {
    expect(
      unqueriedTexts('db.example.com', [...both], () => emptyNameState, asked(['db.example.com'])),
    ).toEqual([]);
  });
});
