import { describe, expect, it } from '@jest/globals';
import type { Family, Service } from '../../../src/core/kubernetes/objects.ts';
import type { HostAddress } from '../../../src/core/resolution/resolve-host.ts';
import { needsRecreation } from '../../../src/core/publish/service-diff.ts';
import { aBackend, aService, type SpecInput } from '../../support/builders/builders.ts';
import { service } from '../../support/builders/lookups.ts';
import { gave, named } from '../../support/builders/named.ts';

const name = 'db.example.com';
const one = { targets: [{ host: name }] };
const [four, six] = ['10.0.0.1', 'fd00::1'] as const;

const theDesired = (spec: SpecInput, ips: readonly (string | HostAddress)[], standing?: Service) => {
  const { desired } = named(aBackend(spec), { [name]: gave(ips) }, standing && { standing });
  const [first] = desired;
  if (first === undefined) throw new Error('a backend has at least one Service');
  return first;
};
const headless = (more: object = {}): SpecInput => ({
  ...one,
  services: [{ name: 'orders-db', headless: true, ...more }],
});
const stood = (...ipFamilies: readonly Family[]) => aService({ clusterIP: 'None', ipFamilies });

describe('a host name published by a Service', () => {
  it('is recorded for each of its addresses, and not for literal ones', () => {
    const { desired } = named(aBackend({ targets: [{ host: name }, { host: '10.0.9.9' }] }), {
      [name]: gave([four]),
    });
    expect(desired[0]?.groups.map(({ names }) => [...(names ?? [])])).toEqual([[[four, [name]]]]);
    const literals = named(aBackend(), {}).desired[0];
    expect(literals?.groups[0]).not.toHaveProperty('names');
  });

  it('of an SRV record makes a group of endpoints for each port, under both names', () => {
    const host = '_postgres._tcp.example.com';
    const member = (ip: string, port: number): HostAddress => ({
      ip,
      host: 'db0.',
      kept: false,
      record: service('db0.', { port }),
    });
    const records = gave([member('10.0.0.1', 5432), member('10.0.0.1', 5433), member('10.0.0.2', 5433)]);
    const { desired } = named(aBackend({ targets: [{ host }] }), { [host]: records });
    expect(
      desired[0]?.groups.map(({ ports, endpoints, names }) => [
        ports[0]?.port,
        endpoints.flatMap(({ addresses }) => addresses),
        [...new Set([...(names?.values() ?? [])].flat())],
      ]),
    ).toEqual([
      [5432, ['10.0.0.1'], [`${host} db0.`]],
      [5433, ['10.0.0.1', '10.0.0.2'], [`${host} db0.`]],
    ]);
  });

  const both: readonly Family[] = ['IPv4', 'IPv6'];
  const single = { services: [{ name: 'orders-db', ipFamilies: ['IPv6'] }] };
  const dual = {
    services: [{ name: 'orders-db', ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }],
  };
  it.each<readonly [string, SpecInput, Service | undefined, readonly Family[]]>([
    ['to be made, by no families of the spec', one, undefined, both],
    ['to be made, single-stack by the spec', { ...one, ...single }, undefined, ['IPv6']],
    ['to be made, dual-stack by the spec', { ...one, ...dual }, undefined, both],
    ['existing with one family', one, aService({ ipFamilies: ['IPv4'] }), ['IPv4']],
    ['existing with both', one, aService({ ipFamilies: both }), both],
    [
      'existing with another family than the spec',
      { ...one, ...single },
      aService({ ipFamilies: ['IPv4'] }),
      ['IPv6'],
    ],
    ['existing as an alias', one, aService({ type: 'ExternalName', ipFamilies: ['IPv4'] }), both],
    ['headless', headless(), undefined, both],
    ['headless, existing with one family', headless(), stood('IPv4'), both],
    ['headless, with a family of the spec', headless({ ipFamilies: ['IPv6'] }), undefined, ['IPv6']],
  ])('is published in the families of its Service: %s', (_, spec, standing, families) => {
    const found = theDesired(spec, [four, six], standing);
    expect(found.groups.map(({ family }) => family)).toEqual(families);
    expect(found.addresses.length).toBe(families.length);
    expect([...found.excluded.values()]).toEqual(families.length === 2 ? [] : ['FamilyNotServed']);
  });

  it.each<readonly [string, readonly string[], Service | undefined, readonly Family[], string]>([
    ['no answer yet', [], undefined, ['IPv4'], 'SingleStack'],
    ['IPv6 alone', [six], undefined, ['IPv6'], 'SingleStack'],
    ['both', [six, four], undefined, ['IPv4', 'IPv6'], 'RequireDualStack'],
    ['IPv6 alone, existing with IPv4', [six], stood('IPv4'), ['IPv6'], 'SingleStack'],
    ['both, existing with IPv6', [six, four], stood('IPv6'), ['IPv4', 'IPv6'], 'RequireDualStack'],
    ['no longer any, existing with IPv6', [], stood('IPv6'), ['IPv6'], 'SingleStack'],
    ['IPv4 alone, existing with both', [four], stood('IPv4', 'IPv6'), ['IPv4'], 'SingleStack'],
  ])(
    'sets the families of a headless Service without recreating it: %s',
    (_, ips, standing, families, policy) => {
      const { body } = theDesired(headless(), ips, standing);
      expect(body.spec).toMatchObject({ ipFamilies: families, ipFamilyPolicy: policy });
      if (standing !== undefined) expect(needsRecreation(standing, body)).toBe(false);
    },
  );

  it.each<readonly [string, readonly string[], Service | undefined, readonly Family[]]>([
    ['new: IPv4 of both', [six, four], undefined, ['IPv4']],
    ['new: the family of the addresses', [six], undefined, ['IPv6']],
    ['existing: its own family', [six, four], stood('IPv6'), ['IPv6']],
    ['existing: the family of the addresses, when none has its own family', [four], stood('IPv6'), ['IPv4']],
    ['existing: its own family, without any address', [], stood('IPv6'), ['IPv6']],
  ])('adds no second family to a single-stack headless Service: %s', (_, ips, standing, families) => {
    const found = theDesired(headless({ ipFamilyPolicy: 'SingleStack' }), ips, standing);
    expect(found.body.spec).toMatchObject({ ipFamilies: families, ipFamilyPolicy: 'SingleStack' });
    expect(found.groups.map(({ family }) => family)).toEqual(
      families.filter((family) => ips.some((ip) => ip.includes(':') === (family === 'IPv6'))),
    );
  });

  it('makes a Service without an address not available', () => {
    expect(theDesired(one, [])).toMatchObject({ available: false, addresses: [], groups: [] });
  });
});
