import { describe, expect, it } from '@jest/globals';
import { hostCidr, parseCidr, type Cidr } from '../../../src/api/cidr.ts';
import { parseIp } from '../../../src/api/ip.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import { clusterNetworksOf } from '../../../src/core/resolution/cluster-networks.ts';
import { servicesOf } from '../../../src/core/publish/desired.ts';
import {
  externalIpsRemoval,
  admitExternalIps,
  refusedExternalIpText,
} from '../../../src/core/publish/external-ips.ts';
import { aBackend, aService, type SpecInput } from '../../support/builders/builders.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};
const host = (text: string): Cidr => {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is no IP`);
  return hostCidr(ip);
};
const [node, server] = ['10.0.0.5', '10.0.0.3'];
const policy = addressPolicy({
  denied: [cidr('10.8.0.0/16')],
  allowed: [cidr('10.8.1.7/32')],
  networksOf: clusterNetworksOf([
    { kind: 'services', cidr: cidr('10.96.0.0/16'), source: 'ServiceCIDR kubernetes' },
    { kind: 'pods', cidr: cidr('10.244.1.0/24'), source: 'Node n1' },
    { kind: 'node', cidr: host(node), source: 'Node n1' },
    { kind: 'apiServer', cidr: host(server), source: 'EndpointSlice of default/kubernetes', ports: [6443] },
  ]),
});
const auto = '--deny-cluster-networks=auto';

function judged(externalIPs: readonly string[], more: SpecInput = {}, ports = [{ port: 5432 }]) {
  const backend = aBackend({ ports, services: [{ name: 'db', externalIPs, ...more }] });
  const [service] = servicesOf(backend);
  if (service === undefined) throw new Error('no Service');
  return admitExternalIps(backend, service, 0, policy);
}

describe('an external IP', () => {
  it.each<readonly [what: string, ip: string, words: readonly string[]]>([
    ['of a Service', '10.96.0.10', ['10.96.0.0/16', 'ServiceCIDR kubernetes', auto]],
    ['of a pod', '10.244.1.7', ['10.244.1.0/24', 'Node n1', auto]],
    ['of the API server', server, ['an address of the Kubernetes API server', auto]],
    ['in --deny-cidr', '10.8.1.1', ['denied by --deny-cidr 10.8.0.0/16']],
    ['of IPv6 that leads to a Service', '64:ff9b::10.96.0.10', ['it leads to 10.96.0.10 (NAT64)', auto]],
    ['of IPv6 that leads to a metadata service', '64:ff9b::169.254.169.254', ['a link-local address']],
  ])('%s is refused with its field, the rule and the flag', (_, ip, words) => {
    const { spec, refused } = judged(['198.51.100.7', ip]);
    expect(spec.externalIPs).toEqual(['198.51.100.7']);
    const text = refused.map(refusedExternalIpText).join();
    for (const each of [`spec.services[0].externalIPs[1]: ${ip} is refused: `, ...words])
      expect(text).toContain(each);
  });

  it.each([
    ['of no network', '198.51.100.7', 5432],
    ['that --allow-cidr excepts', '10.8.1.7', 5432],
    ['of a Node, at a port of the Service that is not one of Kubernetes', node, 443],
  ])('%s may be used', (_, ip, port) => {
    expect(judged([ip], {}, [{ port }])).toMatchObject({ spec: { externalIPs: [ip] }, refused: [] });
  });

  it('of a Node is refused at a port of Kubernetes, whatever the port of the servers', () => {
    const ports = [{ port: 10250, targetPort: 5432 }];
    expect(judged([node], {}, ports).refused[0]?.why).toContain('port 10250 belongs to Kubernetes');
    expect(judged([node], {}, [{ port: 5432, targetPort: 10250 } as { port: number }]).refused).toEqual([]);
  });
});

describe('a Service without its refused external IPs', () => {
  it('has no empty list, and no policy for traffic from outside, which the API server refuses then', () => {
    const { spec } = judged(['10.96.0.10'], { externalTrafficPolicy: 'Local', labels: { a: 'b' } });
    expect(spec).not.toHaveProperty('externalIPs');
    expect(spec).not.toHaveProperty('externalTrafficPolicy');
    expect(spec.labels).toEqual({ a: 'b' });
  });

  it.each([
    ['another external IP', { externalIPs: ['10.96.0.10', '198.51.100.7'] }],
    ['its type', { externalIPs: ['10.96.0.10'], type: 'LoadBalancer' }],
  ])('keeps that policy where %s still brings traffic', (_, { externalIPs, ...more }) => {
    const { spec } = judged(externalIPs, { externalTrafficPolicy: 'Local', ...more });
    expect(spec.externalTrafficPolicy).toBe('Local');
  });
});

describe('a Service that is not written now', () => {
  const published = (externalIPs: readonly string[], applied?: readonly string[]) => ({
    ...aService({ ports: [{ port: 5432 }], externalIPs }),
    ...(applied && { applied }),
  });

  it('loses the external IPs that the operator set where one of them is refused', () => {
    const found = externalIpsRemoval(published(['198.51.100.7', '10.96.0.10'], ['externalIPs']), policy);
    expect(found?.action).toMatchObject({ op: 'setService', spec: { externalIPs: null } });
    expect(found?.text).toContain('10.96.0.10 is refused: it is in 10.96.0.0/16');
  });

  it('keeps those that may be used, and those that another client set', () => {
    expect(externalIpsRemoval(published(['198.51.100.7'], ['externalIPs']), policy)).toBeUndefined();
    expect(externalIpsRemoval(published(['10.96.0.10']), policy)).toBeUndefined();
  });
});
