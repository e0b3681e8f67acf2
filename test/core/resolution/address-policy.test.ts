import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hostCidr, parseCidr, type Cidr } from '../../../src/api/cidr.ts';
import { parseIp, type Ip } from '../../../src/api/ip.ts';
import {
  addressPolicy,
  kubernetesPorts,
  type AddressUse,
} from '../../../src/core/resolution/address-policy.ts';
import { clusterNetworksOf, type ClusterNetwork } from '../../../src/core/resolution/cluster-networks.ts';
import { embeddings } from '../../api/embeddings.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};
const ip = (text: string): Ip => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`${text} is no IP`);
  return parsed;
};
const host = (text: string): Cidr => hostCidr(ip(text));

const networks: readonly ClusterNetwork[] = [
  { kind: 'services', cidr: cidr('10.96.0.0/16'), source: 'ServiceCIDR kubernetes' },
  { kind: 'services', cidr: cidr('10.97.0.0/16'), source: '--service-cidr 10.97.0.0/16' },
  { kind: 'pods', cidr: cidr('10.244.1.0/24'), source: 'Node n1' },
  { kind: 'node', cidr: host('10.0.0.5'), source: 'Node n1' },
  { kind: 'node', cidr: host('10.244.1.9'), source: 'Node n2' },
  { kind: 'node', cidr: host('10.0.0.4'), source: 'Node control' },
  {
    kind: 'apiServer',
    cidr: host('10.0.0.4'),
    source: 'EndpointSlice of default/kubernetes',
    ports: [16443],
  },
  { kind: 'apiServer', cidr: host('10.0.0.3'), source: 'EndpointSlice of default/kubernetes', ports: [443] },
];
const networksOf = clusterNetworksOf(networks);
const policy = addressPolicy({ denied: [cidr('10.8.0.0/16')], networksOf });
const endpoints = (...ports: readonly number[]): AddressUse => ({ mode: 'Endpoints', ports });
const alias = (...ports: readonly number[]): AddressUse => ({ mode: 'ExternalName', ports });
const auto = '--deny-cluster-networks=auto';

describe('an address', () => {
  it.each<readonly [what: string, text: string, use: AddressUse, words: readonly string[]]>([
    ['of a forbidden range', '127.0.0.1', endpoints(5432), ['a loopback address']],
    ['of a forbidden range, of an alias', '169.254.169.254', alias(5432), ['a link-local address']],
    ['in --deny-cidr', '10.8.1.1', endpoints(5432), ['denied by --deny-cidr 10.8.0.0/16']],
    ['in --deny-cidr, of an alias', '10.8.1.1', alias(), ['denied by --deny-cidr 10.8.0.0/16']],
    [
      'of a Service',
      '10.96.0.7',
      endpoints(5432),
      ['10.96.0.0/16', 'ServiceCIDR kubernetes', auto, 'mode: ExternalName'],
    ],
    ['of a Service by the flag', '10.97.0.7', endpoints(5432), ['(--service-cidr 10.97.0.0/16)']],
    ['of a pod', '10.244.1.7', endpoints(5432), ['10.244.1.0/24', 'Node n1', auto, 'services[].selector']],
    ['of the API server', '10.0.0.3', endpoints(5432), ['an address of the Kubernetes API server', auto]],
    ['of the API server, of an alias', '10.0.0.3', alias(5432), ['an address of the Kubernetes API server']],
    [
      'of a Node at the port of the kubelet',
      '10.0.0.5',
      endpoints(5432, 10250),
      ['Node n1', 'port 10250', auto],
    ],
    [
      'of a Node at the port of the API server there',
      '10.0.0.4',
      endpoints(16443),
      ['Node control', 'port 16443'],
    ],
    ['of a Node at a port of Kubernetes, of an alias', '10.0.0.5', alias(2379), ['port 2379']],
    [
      'of a Node in a network of pods, at such a port',
      '10.244.1.9',
      endpoints(6443),
      ['Node n2', 'port 6443'],
    ],
    [
      'that leads to a Service',
      '64:ff9b::10.96.0.7',
      endpoints(5432),
      ['it leads to 10.96.0.7 (NAT64)', auto],
    ],
    [
      'that leads to the kubelet',
      '2002:a00:5::1',
      endpoints(10250),
      ['it leads to 10.0.0.5 (6to4)', 'port 10250'],
    ],
  ])('%s is refused: %s', (_, text, use, words) => {
    const found = policy(ip(text), use) ?? 'may be used';
    for (const each of words) expect(found).toContain(each);
  });

  it.each<readonly [what: string, text: string, use: AddressUse]>([
    ['of no network', '10.20.0.11', endpoints(5432, 10250)],
    ['of a Service, of an alias', '10.96.0.7', alias(5432)],
    ['of a pod, of an alias', '10.244.1.7', alias(5432)],
    ['of a Node at any other port', '10.0.0.5', endpoints(5432, 30000)],
    ['of a Node that has an API server, at any other port', '10.0.0.4', endpoints(5432)],
    ['of a Node in a network of pods', '10.244.1.9', endpoints(5432)],
    ['that leads to no network', '64:ff9b::10.20.0.11', endpoints(5432)],
  ])('%s may be used: %s', (_, text, use) => expect(policy(ip(text), use)).toBeUndefined());

  it.each(kubernetesPorts)('of a Node is refused at port %i', (port) =>
    expect(policy(ip('10.0.0.5'), endpoints(port))).toContain(`port ${port} belongs to Kubernetes`),
  );
});

describe('--allow-cidr', () => {
  const allowing = (...allowed: readonly string[]) =>
    addressPolicy({ denied: [cidr('0.0.0.0/0')], allowed: allowed.map(cidr), networksOf });

  it.each([
    ['10.96.0.0/16', '10.96.0.7', 5432],
    ['10.244.1.7/32', '10.244.1.7', 5432],
    ['10.0.0.3/32', '10.0.0.3', 443],
    ['10.0.0.5/32', '10.0.0.5', 10250],
    ['10.20.0.0/16', '10.20.0.11', 5432],
    ['10.20.0.0/16', '64:ff9b::10.20.0.11', 5432],
  ])('%s makes an exception for %s', (allowed, text, port) =>
    expect(allowing(allowed)(ip(text), endpoints(port))).toBeUndefined(),
  );

  it.each([
    ['10.0.0.0/8', '10.96.0.7', 5432],
    ['10.0.0.0/8', '10.244.1.7', 5432],
    ['10.0.0.0/8', '10.0.0.3', 5432],
    ['10.0.0.0/24', '10.0.0.5', 10250],
    ['0.0.0.0/0', '127.0.0.1', 5432],
    ['169.254.169.254/32', '169.254.169.254', 80],
    ['168.63.129.16/32', '168.63.129.16', 80],
    ['64:ff9b::/96', '64:ff9b::10.20.0.11', 5432],
  ])('%s makes no exception for %s', (allowed, text, port) =>
    expect(allowing(allowed)(ip(text), endpoints(port))).toBeDefined(),
  );
});

it.each(embeddings)('An address as $name is refused if and only if its IPv4 address is', ({ embed }) => {
  const texts = fc.constantFrom('10.96.0.1', '10.244.1.4', '10.0.0.5', '10.0.0.3', '10.8.4.4', '10.20.0.11');
  const ports = fc.constantFrom(5432, 10250);
  fc.assert(
    fc.property(fc.oneof(texts, fc.ipV4()), ports, (text, port) => {
      const inner = policy(ip(text), endpoints(port));
      expect(policy(ip(embed(text)), endpoints(port)) === undefined).toBe(inner === undefined);
    }),
  );
});
