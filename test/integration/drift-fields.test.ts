import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { hosts, plain } from '../support/builders/backends.ts';
import { openDriftClock, promisedMs } from '../support/cluster/drift.ts';
import type { DriftClock } from '../support/cluster/drift.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

let world: World;
let clock: DriftClock;

const ips = ['10.20.36.1', '10.20.36.2'];
const backends: Readonly<Record<string, Spec>> = {
  plain: plain(ips, {
    services: [
      {
        name: 'plain',
        labels: { team: 'orders' },
        annotations: { note: 'ours' },
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        internalTrafficPolicy: 'Local',
        trafficDistribution: 'PreferClose',
        externalIPs: ['198.51.100.7'],
        externalTrafficPolicy: 'Local',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
      },
    ],
  }),
  unnamed: plain(ips, { services: [{ name: 'unnamed' }] }),
  pair: plain(ips, {
    ports: [
      { name: 'a', port: 1000, appProtocol: 'http' },
      { name: 'b', port: 2000, targetPort: 2001 },
    ],
    services: [{ name: 'pair' }],
  }),
  node: plain(ips, {
    ports: [{ port: 5432, nodePort: 30_041 }],
    services: [{ name: 'node', type: 'NodePort' }],
  }),
  balanced: plain(ips, {
    services: [
      {
        name: 'balanced',
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        loadBalancerClass: 'example.com/lb',
        loadBalancerSourceRanges: ['198.51.100.0/24'],
      },
    ],
  }),
  headless: plain([...ips, 'fd00:20:36::1'], { services: [{ name: 'headless', headless: true }] }),
  selecting: plain(ips, { services: [{ name: 'selecting', selector: { app: 'none-yet' } }] }),
  alias: { mode: 'ExternalName', targets: hosts('db.example.com'), services: [{ name: 'alias' }] },
};

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'fielddrift' });
  clock = await openDriftClock(world);
  for (const [name, spec] of Object.entries(backends)) await world.publish(name, spec);
  for (const name of Object.keys(backends)) await clock.remember(name);
});

afterAll(async () => {
  clock.stop();
  await world.close();
});

const owner = (uid: string) => ({
  apiVersion: 'externalbackend.io/v1alpha1',
  kind: 'ExternalBackend',
  name: 'plain',
  uid,
  controller: true,
});

/** What another client merges into the Service. */
const edits: readonly (readonly [what: string, service: string, patch: object])[] = [
  ['the number of the only port', 'plain', { spec: { ports: [{ port: 9999, targetPort: 1 }] } }],
  ['the protocol of the only port', 'plain', { spec: { ports: [{ port: 5432, protocol: 'UDP' }] } }],
  ['the target port', 'plain', { spec: { ports: [{ port: 5432, targetPort: 1 }] } }],
  ['a target port with a name', 'plain', { spec: { ports: [{ port: 5432, targetPort: 'db' }] } }],
  ['a name where there was none', 'unnamed', { spec: { ports: [{ name: 'x', port: 5432 }] } }],
  ['an appProtocol', 'unnamed', { spec: { ports: [{ port: 5432, appProtocol: 'http' }] } }],
  [
    'a port beside an unnamed one',
    'unnamed',
    {
      spec: {
        ports: [
          { name: 'x', port: 5432 },
          { name: 'y', port: 9999 },
        ],
      },
    },
  ],
  ['a selector', 'unnamed', { spec: { selector: { app: 'x' } } }],
  ['the type NodePort', 'plain', { spec: { type: 'NodePort' } }],
  [
    'the type LoadBalancer with its fields',
    'plain',
    {
      spec: {
        type: 'LoadBalancer',
        loadBalancerClass: 'example.com/lb',
        loadBalancerSourceRanges: ['192.0.2.0/24'],
        allocateLoadBalancerNodePorts: false,
      },
    },
  ],
  [
    'the type ExternalName',
    'plain',
    { spec: { type: 'ExternalName', externalName: 'x.example.com', clusterIP: null, clusterIPs: null } },
  ],
  ['no session affinity', 'plain', { spec: { sessionAffinity: 'None', sessionAffinityConfig: null } }],
  ['another timeout', 'plain', { spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 7 } } } }],
  ['internalTrafficPolicy', 'plain', { spec: { internalTrafficPolicy: 'Cluster' } }],
  ['externalTrafficPolicy', 'plain', { spec: { externalTrafficPolicy: 'Cluster' } }],
  ['trafficDistribution', 'plain', { spec: { trafficDistribution: null } }],
  ['externalIPs', 'plain', { spec: { externalIPs: ['192.0.2.1'] } }],
  ['publishNotReadyAddresses', 'plain', { spec: { publishNotReadyAddresses: true } }],
  ['ipFamilyPolicy', 'plain', { spec: { ipFamilyPolicy: 'PreferDualStack' } }],
  ['a label of ours', 'plain', { metadata: { labels: { team: 'x' } } }],
  ['an annotation of ours', 'plain', { metadata: { annotations: { note: null } } }],
  ['the backend annotation', 'plain', { metadata: { annotations: { 'externalbackend.io/backend': 'x' } } }],
  ['the uid of the owner', 'plain', { metadata: { ownerReferences: [owner('another-life')] } }],
  [
    'the names of two ports exchanged',
    'pair',
    {
      spec: {
        ports: [
          { name: 'b', port: 1000 },
          { name: 'a', port: 2000 },
        ],
      },
    },
  ],
  [
    'the number of a named port',
    'pair',
    {
      spec: {
        ports: [
          { name: 'a', port: 1001, appProtocol: 'http' },
          { name: 'b', port: 2000, targetPort: 2001 },
        ],
      },
    },
  ],
  ['one of two ports alone', 'pair', { spec: { ports: [{ port: 1000 }] } }],
  ['another node port', 'node', { spec: { ports: [{ port: 5432, nodePort: 30_042 }] } }],
  ['another port that has our node port', 'node', { spec: { ports: [{ port: 5433, nodePort: 30_041 }] } }],
  ['the type ClusterIP', 'node', { spec: { type: 'ClusterIP', ports: [{ port: 5432 }] } }],
  ['loadBalancerSourceRanges', 'balanced', { spec: { loadBalancerSourceRanges: ['192.0.2.0/24'] } }],
  ['externalTrafficPolicy of a load balancer', 'balanced', { spec: { externalTrafficPolicy: 'Cluster' } }],
  [
    'the families of a headless Service',
    'headless',
    { spec: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] } },
  ],
  [
    'a selector of a headless Service',
    'headless',
    { spec: { selector: { app: 'x' }, ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] } },
  ],
  ['another selector', 'selecting', { spec: { selector: { app: 'x', tier: 'y' } } }],
  ['no selector', 'selecting', { spec: { selector: null } }],
  ['externalName', 'alias', { spec: { externalName: 'x.example.com' } }],
  [
    'an alias that becomes a ClusterIP',
    'alias',
    { spec: { type: 'ClusterIP', externalName: null, ports: [{ port: 1 }] } },
  ],
];

describe('within one second the Service is as it was after another client has set', () => {
  it.each(edits)('%s (%s)', async (_, name, patch) => {
    const edit = () => world.admin.patch('Service', name, world.ns, patch);
    expect(await clock.repairMs(name, edit)).toBeLessThan(promisedMs);
  });

  it.each([
    ['clusterIP None', 'plain', { clusterIP: 'None', ports: [{ port: 5432 }] }],
    ['a cluster IP', 'headless', { ports: [{ port: 5432 }] }],
  ])('%s, by deleting and creating it (%s)', async (_, name, spec) => {
    const { metadata } = await world.admin.get('Service', name, world.ns);
    const { labels = {}, annotations = {}, ownerReferences = [] } = metadata;
    const theirs = { name, namespace: world.ns, labels, annotations, ownerReferences };
    const edit = async () => {
      await world.admin.delete('Service', name, world.ns);
      // The operator may be quicker: then its Service is there.
      await world.admin.create({ kind: 'Service', metadata: theirs, spec }).catch(() => undefined);
    };
    expect(await clock.repairMs(name, edit)).toBeLessThan(promisedMs);
  });

  it('of all these edits none is left to do', async () => {
    const before = (await world.writes()).length;
    await world.publish('last', plain(ips));
    expect((await world.writes(before)).filter(({ name }) => !name.startsWith('last'))).toEqual([]);
  });
});

describe('within one second the slice is as it was after another client has set', () => {
  const slice = async () => {
    const [found] = await world.admin.list('EndpointSlice', world.ns, {
      labelSelector: 'kubernetes.io/service-name=pair',
    });
    return found ?? { metadata: { name: '' }, endpoints: [] };
  };
  it.each<readonly [string, object]>([
    ['its endpoints', { endpoints: [{ addresses: ['10.20.36.9'] }] }],
    ['its conditions', { endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: false } })) }],
    ['its ports', { ports: [{ name: 'a', port: 1, protocol: 'TCP' }] }],
    ['its Service name', { metadata: { labels: { 'kubernetes.io/service-name': 'x' } } }],
    ['its manager', { metadata: { labels: { 'endpointslice.kubernetes.io/managed-by': 'x' } } }],
    ['its owner', { metadata: { ownerReferences: null } }],
  ])('%s', async (_, patch) => {
    const { metadata } = await slice();
    const edit = () => world.admin.patch('EndpointSlice', metadata.name, world.ns, patch);
    expect(await clock.repairMs('pair', edit)).toBeLessThan(promisedMs);
  });

  it('fields of an endpoint that the operator does not write, and they stay', async () => {
    const found = await slice();
    const hints = { forZones: [{ name: 'z1' }] };
    const endpoints = (found.endpoints ?? []).map((endpoint) => ({ ...endpoint, hints, nodeName: 'n9' }));
    await world.admin.patch('EndpointSlice', found.metadata.name, world.ns, { endpoints });
    const more = [...ips, '10.20.36.3'];
    await world.publish('pair', { ...backends['pair'], targets: hosts(...more) });
    await world.serves('pair', more);
    const kept = (await slice()).endpoints ?? [];
    expect(kept.filter((endpoint) => endpoint.hints !== undefined)).toHaveLength(2);
  });
});
