import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Status } from '../../../src/api/external-backend.ts';
import { parseIp } from '../../../src/api/ip.ts';
import { addressesOf } from '../../../src/core/resolution/addresses.ts';
import {
  annotationKeysOf,
  indexNames,
  indexStatus,
  encodeNames,
  decodeNames,
  namesFromStatus,
} from '../../../src/core/resolution/names-annotation.ts';
import { questionKey } from '../../../src/core/resolution/name-state.ts';
import type { ServiceRecord } from '../../../src/core/resolution/srv-records.ts';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import { annotations } from '../../../src/core/kubernetes/ownership.ts';
import type { HostAddress, Resolution } from '../../../src/core/resolution/resolve-host.ts';
import { aSlice, aTarget, resolved } from '../../support/builders/builders.ts';
import { service } from '../../support/builders/lookups.ts';

const record = '_postgres._tcp.example.com';

const slice = (ips: readonly string[], text: string | undefined, port = 5432): EndpointSlice => ({
  ...aSlice(ips, 'external-backend-operator', {
    annotations: text === undefined ? {} : { [annotations.names]: text },
  }),
  addressType: ips[0]?.includes(':') === true ? 'IPv6' : 'IPv4',
  ports: [{ name: '', port, protocol: 'TCP' }],
});

const read = (host: string, ...slices: readonly EndpointSlice[]) =>
  Object.fromEntries(
    decodeNames(host, indexNames(slices)).map(({ question, records: { addresses, services } }) => [
      questionKey(question),
      question.type === 'SRV'
        ? services.map((each) => `${each.host}:${each.port}`).toSorted()
        : addresses.toSorted(),
    ]),
  );

/** Writes slices: one for each family and port, with the names of its addresses. */
function written(hosts: ReadonlyMap<string, readonly HostAddress[]>): readonly EndpointSlice[] {
  const targets = [...hosts.keys()].map((host) => aTarget({ host }));
  const resolve = (host: string): Resolution => ({
    ...resolved({ addresses: [], state: 'Answered' }),
    addresses: hosts.get(host) ?? [],
  });
  const all = addressesOf(targets, resolve, forbiddenRule).flatMap(({ addresses }) => addresses);
  const sets = Map.groupBy(all, ({ family, port }) => `${family} ${port}`);
  return [...sets.values()].map((set) => {
    const names = new Map(
      set.flatMap((each) => {
        const all = annotationKeysOf(each);
        return all.length === 0 ? [] : [[each.ip, all] as const];
      }),
    );
    const ips = set.map(({ ip }) => ip);
    return slice(ips, encodeNames(ips, names), set[0]?.port);
  });
}

const given = (ip: string, host: string, srv?: ServiceRecord): HostAddress => ({
  ip,
  host,
  kept: false,
  ...(srv && { record: srv }),
});

const ipOf = (n: number): string => (n % 2 === 0 ? `10.0.0.${n + 1}` : `fd00::${n.toString(16)}`);
const someIps = (base: number) =>
  fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 8 }).map((all) => all.map((n) => ipOf(base + n)));

describe('the names annotation of slices', () => {
  it('restores the addresses of host names', () => {
    fc.assert(
      fc.property(someIps(0), someIps(100), (first, second) => {
        const slices = written(
          new Map([
            ['A.Example.com.', first.map((ip) => given(ip, 'a.example.com'))],
            ['b.', second.map((ip) => given(ip, 'b.'))],
            ['10.9.9.9', [given('10.9.9.9', '10.9.9.9')]],
          ]),
        );
        for (const [host, name, ips] of [
          ['a.example.COM', 'a.example.com', first],
          ['b.', 'b.', second],
        ] as const) {
          const [six, four] = [true, false].map((is) =>
            ips.filter((ip) => ip.includes(':') === is).toSorted(),
          );
          expect(read(host, ...slices)).toEqual({
            ...(four?.length && { [`A ${name}`]: four }),
            ...(six?.length && { [`AAAA ${name}`]: six }),
          });
        }
        expect(read('b', ...slices)).toEqual({});
        expect(read(record, ...slices)).toEqual({});
      }),
    );
  });

  it('restores SRV records with their ports', () => {
    const hosts = fc.uniqueArray(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 8,
      selector: ([n]) => n,
    });
    fc.assert(
      fc.property(hosts, (pairs) => {
        const all = pairs.map(([n, port]) => given(ipOf(n), `db${n}.`, service(`db${n}.`, { port })));
        const found = read(record, ...written(new Map([[record, all]])));
        expect(found[`SRV ${record}`]).toEqual(pairs.map(([n, port]) => `db${n}.:${port}`).toSorted());
        for (const [n] of pairs) expect(found[`${n % 2 === 0 ? 'A' : 'AAAA'} db${n}.`]).toEqual([ipOf(n)]);
      }),
    );
  });

  it('restores the priorities of SRV records, and takes an edited one for 0', () => {
    const all = [0, 10, 65_535].map((priority, i) =>
      given(ipOf(2 * i), `db${i}.`, service(`db${i}.`, { port: 5432, priority })),
    );
    const slices = written(new Map([[record, all]]));
    const priorities = (of: typeof slices) =>
      decodeNames(record, indexNames(of))
        .flatMap(({ records }) => records.services)
        .map(({ host, priority }) => `${host} ${priority}`)
        .toSorted();
    expect(priorities(slices)).toEqual(['db0. 0', 'db1. 10', 'db2. 65535']);
    const edited = slices.map((each) => ({
      ...each,
      metadata: {
        ...each.metadata,
        annotations: Object.fromEntries(
          Object.entries(each.metadata.annotations ?? {}).map(([key, text]) => [
            key,
            text.replaceAll(/ 10"/g, ' ten"'),
          ]),
        ),
      },
    }));
    expect(priorities(edited)).toEqual(['db0. 0', 'db1. 0', 'db2. 65535']);
  });

  it('has the same text for the same names in any order', () => {
    const names = new Map([
      ['10.0.0.2', ['b.example.com']],
      ['10.0.0.1', ['a.example.com']],
      ['10.0.0.3', ['a.example.com']],
    ]);
    const text = '{"a.example.com":["10.0.0.1","10.0.0.3"],"b.example.com":["10.0.0.2"]}';
    const ips = ['10.0.0.3', '10.0.0.9', '10.0.0.1', '10.0.0.2'];
    expect([encodeNames(ips, names), encodeNames(ips.toReversed(), names)]).toEqual([text, text]);
  });

  it.each([
    ['no names', ['10.0.0.1'], undefined],
    ['literal addresses only', ['10.0.0.1'], new Map([['10.0.0.2', ['db.']]])],
    ['no address', [], new Map([['10.0.0.2', ['db.']]])],
  ])('is absent when no address has a name: %s', (_, ips, names) => {
    expect(encodeNames(ips, names)).toBeUndefined();
  });

  it('is absent when it would be larger than an object may be', () => {
    const long = (n: number) => `${`${n}`.padStart(4, 'n')}.${'x'.repeat(240)}`;
    const ips = Array.from({ length: 1_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    const names = (count: number) => new Map(ips.slice(0, count).map((ip, n) => [ip, [long(n)]]));
    expect(encodeNames(ips, names(700))?.length).toBeLessThanOrEqual(200_000);
    expect(encodeNames(ips, names(1_000))).toBeUndefined();
  });

  const ips = ['10.0.0.1', '10.0.0.2'];
  it.each([
    ['is not there', undefined],
    ['is empty', ''],
    ['is no JSON', '{"db.":'],
    ['is null', 'null'],
    ['is a text', '"db."'],
    ['is a list', '["db."]'],
    ['has a text for a list', '{"db.":"10.0.0.1"}'],
    ['has an object for a list', '{"db.":{"0":"10.0.0.1"}}'],
    ['has no texts in the list', '{"db.":[1,null,["10.0.0.1"]]}'],
    ['has no addresses in the list', '{"db.":["nonsense","10.0.0.256",""]}'],
    ['has addresses that are not in the slice', '{"db.":["10.9.9.9","169.254.169.254"]}'],
  ])('restores nothing when the annotation %s', (_, text) => {
    expect(decodeNames('db.', indexNames([slice(ips, text)]))).toEqual([]);
    const srv = text?.replaceAll('db.', `${record} db.`);
    expect(decodeNames(record, indexNames([slice(ips, srv)]))).toEqual([]);
  });

  it('restores the readable part of a damaged annotation', () => {
    const text = '{"db.":["10.0.0.1","nonsense",7,"10.0.0.1"],"x":3}';
    expect(read('db.', slice(ips, text))).toEqual({ 'A db.': ['10.0.0.1'] });
  });

  it('never throws, whatever the text of the annotation', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const { records } of decodeNames('db.', indexNames([slice(ips, text)])))
          for (const ip of records.addresses) expect(parseIp(ip)).toBeDefined();
      }),
    );
  });
});

describe('namesFromStatus', () => {
  const status = (host: string, ...all: readonly string[]): Status => ({
    targets: [
      { host, addresses: all.map((ip) => ({ ip, ready: true, health: 'healthy', reason: 'Connected' })) },
      { host: 'other.example.com', addresses: [] },
    ],
  });

  it('restores the addresses of an alias from its status', () => {
    const said = namesFromStatus(
      'db.example.com',
      indexStatus(status('db.example.com', '10.0.0.1', 'fd00::1')),
    );
    expect(said.map(({ question, records }) => [questionKey(question), records.addresses])).toEqual([
      ['A db.example.com', ['10.0.0.1']],
      ['AAAA db.example.com', ['fd00::1']],
    ]);
  });

  it('finds a name in another spelling', () => {
    expect(
      namesFromStatus('db.example.com', indexStatus(status('DB.Example.com.', '10.0.0.1'))),
    ).toHaveLength(1);
  });

  it('returns nothing for a name that the status does not contain', () => {
    expect(namesFromStatus('db.example.com', indexStatus(undefined))).toEqual([]);
    expect(namesFromStatus('other.example.com', indexStatus(status('db.example.com', '10.0.0.1')))).toEqual(
      [],
    );
  });
});
