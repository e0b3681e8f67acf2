import { isDeepStrictEqual } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { plain } from '../support/builders/backends.ts';
import { eventually } from '../support/eventually.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer } from '../support/servers/name-servers.ts';
import { named, targetOf, toldOf } from '../support/cluster/names.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

// Nodes that come and go are of interest to other tests: this file has a control plane of its own.
let plane: Plane;
let names: NameServer;
let world: World;

const podNetwork = '10.20.97.0/24';
const pod = '10.20.97.3';
const nodeAddress = '10.20.96.5';
const outside = '10.20.95.1';
const zone = {
  'db.outside.test': [`A ${outside}`, `A ${pod}`, 'AAAA 64:ff9b::10.20.97.3'],
  'only.outside.test': [`A ${pod}`],
  '_pg._tcp.outside.test': ['SRV 0 0 5432 db.outside.test.'],
};

beforeAll(async () => {
  plane = await startPlane({ address: '10.99.2.9' });
  names = await startCoreDns({ address: '10.20.94.53', port: 53, names: zone });
  const args = [
    `--dns-servers=${names.endpoint}`,
    '--allow-cidr=10.20.97.200/32',
    '--alias-deny=*.denied.test',
    '--deny-cidr=10.20.92.0/24',
  ];
  world = await openWorld(plane.details, { prefix: 'networks', args });
  await addNode('pods-1', podNetwork);
}, 60_000);

afterAll(async () => {
  await world.close();
  await names.remove();
  await plane.stop();
});

async function addNode(name: string, podCIDR: string): Promise<void> {
  await world.admin.apply({ kind: 'Node', metadata: { name }, spec: { podCIDR, podCIDRs: [podCIDR] } });
  await world.admin.patchStatus('Node', name, undefined, {
    status: { addresses: [{ type: 'InternalIP', address: nodeAddress }] },
  });
}

const refused = (name: string, host: string) =>
  toldOf(
    world,
    name,
    host,
    ({ addresses, message = '' }) => addresses.length === 0 && message.includes('refused'),
  );

const headless = (name: string) => ({ services: [{ name, headless: true }] });

describe('A target in a network of the cluster', () => {
  it.each([
    ['services', '10.96.0.77', ['10.96.0.0/16', 'ServiceCIDR kubernetes', 'mode: ExternalName']],
    ['pods', pod, [podNetwork, 'Node pods-1', 'services[].selector']],
    ['pods-by-nat64', '64:ff9b::10.20.97.3', ['it leads to 10.20.97.3 (NAT64)', podNetwork]],
    ['pods-by-6to4', '2002:a14:6103::1', ['it leads to 10.20.97.3 (6to4)']],
    ['pods-by-teredo', '2001:0:808:808:0:0:f5eb:9efc', ['it leads to 10.20.97.3 (Teredo)']],
    ['pods-compatible', '::10.20.97.3', ['it leads to 10.20.97.3 (IPv4-compatible)']],
    ['server', '10.99.2.9', ['an address of the Kubernetes API server']],
  ])(
    'is refused with the network and the flag, and the others are published: %s',
    async (name, host, words) => {
      await world.apply(name, plain([host, outside], headless(name)));
      const { message = '' } = await refused(name, host);
      for (const each of ['is refused: it ', '--deny-cluster-networks=auto', ...words])
        expect(message).toContain(each);
      await world.serves(name, [outside]);
      const { status } = await world.backends.until((now) => {
        const backend = now.get(name);
        return conditionOf(backend, 'Degraded')?.reason === 'TargetsRefused' ? backend : undefined;
      });
      expect(status?.summary).toBe('1/1');
    },
  );

  it('is published where --allow-cidr excepts it', async () => {
    await world.publish('excepted', plain(['10.20.97.200']));
    await world.serves('excepted', ['10.20.97.200']);
  });

  it('leaves when the network appears, and returns when it is gone', async () => {
    await world.publish('later', plain(['10.20.98.7', outside]));
    await world.serves('later', ['10.20.98.7', outside]);
    await world.admin.create({
      kind: 'ServiceCIDR',
      metadata: { name: 'more' },
      spec: { cidrs: ['10.20.98.0/24'] },
    });
    await world.serves('later', [outside]);
    expect((await refused('later', '10.20.98.7')).message).toContain('ServiceCIDR more');
    await world.admin.delete('ServiceCIDR', 'more');
    await world.serves('later', ['10.20.98.7', outside]);
  });

  it('leaves when a Node brings the network, and returns when that is gone', async () => {
    await world.publish('node', plain(['10.20.93.7', outside]));
    await world.serves('node', ['10.20.93.7', outside]);
    await addNode('pods-2', '10.20.93.0/24');
    await world.serves('node', [outside]);
    await world.admin.delete('Node', 'pods-2');
    await world.serves('node', ['10.20.93.7', outside]);
  });
});

describe('A name that leads there', () => {
  it.each([
    ['db.outside.test', [outside], [pod, '64:ff9b::a14:6103']],
    ['_pg._tcp.outside.test', [outside], [pod, '64:ff9b::a14:6103']],
    ['only.outside.test', [], [pod]],
  ])('%s loses these answers and no other', async (host, ready, left) => {
    const name = host.replaceAll(/[^a-z]/g, '');
    await world.apply(name, named([host], { probe: { disabled: {} } }));
    const { message = '' } = await toldOf(world, name, host, (target) => target.message !== undefined);
    for (const each of left) expect(message).toContain(`${each} is refused`);
    await world.serves(name, ready);
  });

  it('may be an alias, whose clients use the name themselves', async () => {
    const alias = named(['only.outside.test'], { mode: 'ExternalName', probe: { disabled: {} } });
    await world.publish('alias', alias);
    const backend = await world.admin.get('ExternalBackend', 'alias', world.ns);
    expect(targetOf(backend, 'only.outside.test')?.addresses.map(({ ip }) => ip)).toEqual([pod]);
  });
});

describe('An alias', () => {
  const pointsTo = async (name: string) =>
    (await world.admin.get('Service', name, world.ns)).spec.externalName;
  const alias = (...hosts: readonly string[]) =>
    named(hosts, { mode: 'ExternalName', probe: { disabled: {} } });

  it('of a host that --alias-deny forbids leads to the next one', async () => {
    await world.publish('next', alias('db.denied.test', 'only.outside.test'));
    expect(await pointsTo('next')).toBe('only.outside.test');
  });

  it('of such a host alone is not published, and is removed where it was', async () => {
    await world.publish('denied', alias('only.outside.test'));
    await world.apply('denied', alias('db.denied.test'));
    await world.ready('denied', 'False', 'TargetsRefused');
    expect(await pointsTo('denied')).toBe('only.outside.test');
    await world.operator().kill();
    const args = ['--alias-deny=*.outside.test,*.denied.test', '--deny-cidr=10.20.92.0/24'];
    await world.start([`--dns-servers=${names.endpoint}`, ...args]);
    await eventually(
      async () => (await world.admin.list('Service', world.ns)).map(({ metadata }) => metadata.name),
      (left) => !left.includes('denied'),
      { fact: 'the Service is removed' },
    );
    await world.ready('denied', 'False', 'TargetsRefused');
  });
});

describe('A Node', () => {
  it('may be a target at any port but those of Kubernetes', async () => {
    await world.publish('home', plain([nodeAddress]));
    await world.serves('home', [nodeAddress]);
    const ports = [{ name: 'kubelet', port: 443, targetPort: 10250 }];
    await world.apply('kubelet', { ...plain([nodeAddress, outside]), ports });
    expect((await refused('kubelet', nodeAddress)).message).toContain('port 10250 belongs to Kubernetes');
    await world.serves('kubelet', [outside]);
  });

  it('may not be probed at these ports either', async () => {
    await world.apply('scan', plain([nodeAddress], { probe: { tcpSocket: {}, port: 2379 } }));
    expect((await refused('scan', nodeAddress)).message).toContain('port 2379 belongs to Kubernetes');
  });
});

describe('An external IP', () => {
  const withIps = (name: string, externalIPs: readonly string[], more: Spec = {}): Spec =>
    plain([outside], { services: [{ name, externalIPs, ...more }] });
  const free = '198.51.100.7';
  const ipsOf = async (name: string) => (await world.admin.get('Service', name, world.ns)).spec.externalIPs;
  const becomes = (name: string, ips: readonly string[] | undefined) =>
    eventually(
      () => ipsOf(name),
      (now) => isDeepStrictEqual(now, ips),
      { fact: `external IPs of ${name}: ${ips?.join() ?? 'none'}` },
    );
  const refusal = async (name: string) =>
    conditionOf(await world.ready(name, 'False', 'ExternalIPsRefused'), 'Ready')?.message ?? '';

  it.each([
    ['of-services', '10.96.0.77', ['10.96.0.0/16', 'ServiceCIDR kubernetes', '--deny-cluster-networks=auto']],
    ['of-pods', pod, [podNetwork, 'Node pods-1']],
    ['of-server', '10.99.2.9', ['an address of the Kubernetes API server']],
    ['embedded', '64:ff9b::10.20.97.3', ['it leads to 10.20.97.3 (NAT64)']],
    ['of-flag', '10.20.92.1', ['denied by --deny-cidr 10.20.92.0/24']],
  ])('that steals traffic is left out, and the Service is published: %s', async (name, ip, words) => {
    await world.apply(name, withIps(name, [ip, free]));
    const message = await refusal(name);
    for (const each of [`spec.services[0].externalIPs[0]: ${ip} is refused`, ...words])
      expect(message).toContain(each);
    expect(await ipsOf(name)).toEqual([free]);
    await world.serves(name, [outside]);
  });

  it('is left out with the policy for traffic from outside, which the API server refuses without it', async () => {
    await world.apply('policy', withIps('policy', [pod], { externalTrafficPolicy: 'Local' }));
    await refusal('policy');
    expect((await world.admin.get('Service', 'policy', world.ns)).spec.externalTrafficPolicy).toBeUndefined();
    await world.serves('policy', [outside]);
  });

  it('may be an address of a Node, except at a port of Kubernetes', async () => {
    await world.publish('node-ip', withIps('node-ip', [nodeAddress]));
    expect(await ipsOf('node-ip')).toEqual([nodeAddress]);
    const ports = [{ port: 10250, targetPort: 5432 }];
    await world.apply('node-ip', { ...withIps('node-ip', [nodeAddress]), ports });
    expect(await refusal('node-ip')).toContain('port 10250 belongs to Kubernetes');
    expect(await ipsOf('node-ip')).toBeUndefined();
  });

  it('leaves when the network appears, also of a suspended backend, and returns when it is gone', async () => {
    const stolen = '10.20.91.7';
    await world.publish('taken', withIps('taken', [stolen, free]));
    await world.publish('paused', withIps('paused', [stolen, free]));
    await world.apply('paused', { ...withIps('paused', [stolen, free]), suspend: true });
    await world.ready('paused', 'True', 'Suspended');
    const metadata = { name: 'late' };
    await world.admin.create({ kind: 'ServiceCIDR', metadata, spec: { cidrs: ['10.20.91.0/24'] } });
    await becomes('taken', [free]);
    expect(await refusal('taken')).toContain('ServiceCIDR late');
    await becomes('paused', undefined);
    await world.apply('paused', withIps('paused', [stolen, free]));
    await becomes('paused', [free]);
    await world.admin.delete('ServiceCIDR', 'late');
    for (const name of ['taken', 'paused']) await becomes(name, [stolen, free]);
    await world.ready('taken', 'True', 'Published');
    for (const name of ['taken', 'paused']) await world.publish(name, withIps(name, [free]));
    for (const name of ['taken', 'paused']) expect(await ipsOf(name)).toEqual([free]);
    for (const name of ['taken', 'paused']) await world.publish(name, plain([outside]));
    for (const name of ['taken', 'paused']) expect(await ipsOf(name)).toBeUndefined();
  });

  it('that another client set on the Service remains', async () => {
    await world.publish('shared', plain([outside]));
    await world.admin.patch('Service', 'shared', world.ns, { spec: { externalIPs: [pod] } });
    await world.publish('shared', plain([outside], { services: [{ name: 'shared', labels: { a: 'b' } }] }));
    expect(await ipsOf('shared')).toEqual([pod]);
  });
});
