import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contains, parseCidr, type Cidr } from '../../../src/api/cidr.ts';
import { parseIp, type Ip } from '../../../src/api/ip.ts';
import {
  clusterNetworksOf,
  isExcepted,
  type ClusterNetwork,
} from '../../../src/core/resolution/cluster-networks.ts';

const networks = fc
  .array(
    fc.oneof(
      fc.tuple(
        fc.constantFrom('10.96.0.0', '10.244.7.0', '10.244.8.128', '10.0.0.5'),
        fc.integer({ min: 0, max: 32 }),
      ),
      fc.tuple(fc.constantFrom('fd00::', 'fd00:1::8000', 'fd00::1'), fc.integer({ min: 0, max: 128 })),
    ),
    { maxLength: 12 },
  )
  .map((pairs) =>
    pairs.flatMap(([ip, bits]): readonly ClusterNetwork[] => {
      const cidr = parseCidr(`${ip}/${bits}`);
      return cidr === undefined ? [] : [{ kind: 'pods', cidr, source: `Node ${ip}` }];
    }),
  );

const addresses = fc
  .oneof(
    fc.constantFrom(
      '10.96.0.1',
      '10.244.7.255',
      '10.244.8.129',
      '10.0.0.5',
      '11.0.0.1',
      'fd00::1',
      'fd00:1::8001',
    ),
    fc.ipV4(),
    fc.ipV6(),
  )
  .map((text) => parseIp(text))
  .filter((ip): ip is Ip => ip !== undefined);

it('The index finds the same networks of an address as a search of all networks', () => {
  fc.assert(
    fc.property(networks, addresses, (all, ip) => {
      const found = clusterNetworksOf(all)(ip);
      expect(new Set(found)).toEqual(new Set(all.filter(({ cidr }) => contains(cidr, ip))));
      expect(found).toHaveLength(all.filter(({ cidr }) => contains(cidr, ip)).length);
    }),
    { numRuns: 500 },
  );
});

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};

it.each([
  ['10.96.0.0/16', '10.96.0.0/16', true],
  ['10.96.0.0/24', '10.96.0.0/16', true],
  ['10.96.0.7/32', '10.96.0.0/16', true],
  ['10.96.1.0/24', '10.96.0.0/16', false],
  ['10.0.0.0/8', '10.96.0.0/16', false],
  ['0.0.0.0/0', '10.96.0.0/16', false],
  ['fd00::/8', '10.96.0.0/16', false],
])('--allow-cidr %s excepts 10.96.0.7 from %s: %s', (allowed, network, is) => {
  const ip = parseIp('10.96.0.7');
  expect(ip && isExcepted([cidr(allowed)], ip, cidr(network))).toBe(is);
});
