import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { expect, it } from '@jest/globals';
import { addressesOf } from '../../../src/core/resolution/addresses.ts';
import {
  addressesOfService,
  clusterAddress,
  type ClusterAddress,
} from '../../../src/core/resolution/cluster-addresses.ts';
import { aService, aTarget, literal } from '../../support/builders/builders.ts';

const ip = '10.96.0.7';
const service = 'shop/db';

const rows: readonly (readonly [ClusterAddress | undefined, boolean, string | undefined])[] = [
  [undefined, true, undefined],
  [{ kind: 'clusterIP', service }, false, 'the cluster IP of Service shop/db'],
  [{ kind: 'externalIP', service }, true, 'an external IP of Service shop/db'],
  [{ kind: 'loadBalancer', service }, true, 'a load balancer address of Service shop/db'],
];

it.each(rows)('A target that is %j: published %p, message %p', (address, isPublished, words) => {
  const targets = [aTarget({ host: ip }), aTarget({ host: '10.20.0.1' })];
  const of = (each: string) => (each === ip ? address : undefined);
  const [found, other] = addressesOf(targets, literal, forbiddenRule, [], 10, of);
  expect(found?.addresses).toHaveLength(isPublished ? 1 : 0);
  expect(found?.refused).toBe(isPublished ? undefined : true);
  if (words === undefined) expect(found).not.toHaveProperty('message');
  else expect(found?.message).toContain(words);
  expect(other?.addresses).toHaveLength(1);
});

it('The kind of each address of a Service that kube-proxy translates is known', () => {
  const all = {
    ...aService({ clusterIP: ip, clusterIPs: [ip, 'fd00::7'], externalIPs: ['10.1.0.1'] }),
    ingress: ['10.2.0.1'],
  };
  const kinds = addressesOfService(all).map((each) => clusterAddress(each, all).kind);
  expect(kinds).toEqual(['clusterIP', 'clusterIP', 'externalIP', 'loadBalancer']);
});

it.each([
  { clusterIP: 'None', clusterIPs: ['None'] },
  { type: 'ExternalName' as const, clusterIP: '' },
])('A Service without addresses has no translated address: %j', (spec) =>
  expect(addressesOfService(aService(spec))).toEqual([]),
);
