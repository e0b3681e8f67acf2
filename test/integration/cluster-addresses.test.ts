import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { startTarget } from '../controlplane/targets.ts';
import { quick } from '../support/builders/backends.ts';
import { targetOf, toldOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

const server = '10.20.66.1';
let world: World;

const backendOf = (targets: readonly string[], more: Spec = {}): Spec => ({
  targets: targets.map((host) => ({ host })),
  ports: [{ port: 5432 }],
  probe: quick,
  ...more,
});

/** A Service of somebody else that leads nowhere; returns its cluster IP. */
async function service(name: string, spec: object = {}): Promise<string> {
  const metadata = { name, namespace: world.ns };
  const created = await world.admin.create({
    kind: 'Service',
    metadata,
    spec: { ports: [{ port: 5431, protocol: 'TCP' }], ...spec },
  });
  return (created as unknown as { readonly spec: { readonly clusterIP: string } }).spec.clusterIP;
}

beforeAll(async () => {
  await startTarget({ address: server, port: 5432 });
  world = await openWorld(controlPlane(), {
    prefix: 'cluster-ip',
    args: ['--service-cidr=10.20.99.0/24', '--deny-cluster-networks=off'],
  });
});

afterAll(() => world.close());

const message = (name: string, host: string): string =>
  targetOf(world.backends.objects.get(name), host)?.message ?? '';

describe('A target that is the cluster IP of a Service', () => {
  it('is refused with the way out, and the other targets are published', async () => {
    const ip = await service('theirs');
    await world.publish('mixed', backendOf([ip, server]));
    await world.serves('mixed', [server]);
    await toldOf(world, 'mixed', ip, (target) => target.message !== undefined);
    expect(message('mixed', ip)).toContain(
      `${ip} is refused: it is the cluster IP of Service ${world.ns}/theirs`,
    );
    expect(message('mixed', ip)).toContain(`theirs.${world.ns}.svc.cluster.local`);
  });

  it('is looked at again when the Service comes and goes', async () => {
    const ip = await service('passing');
    await world.admin.delete('Service', 'passing', world.ns);
    await world.publish('waits', backendOf([ip]));
    await toldOf(world, 'waits', ip, ({ addresses }) => addresses.length === 1);
    await service('passing', { clusterIP: ip });
    await toldOf(world, 'waits', ip, ({ addresses }) => addresses.length === 0);
    await world.admin.delete('Service', 'passing', world.ns);
    await toldOf(world, 'waits', ip, ({ addresses }) => addresses.length === 1);
  });

  it('is a target like any other of headless Services alone, whose clients connect to it directly', async () => {
    const ip = await service('direct');
    await world.publish('headless', backendOf([ip], { services: [{ name: 'headless', headless: true }] }));
    await toldOf(world, 'headless', ip, ({ addresses }) => addresses.length === 1);
    expect(message('headless', ip)).toBe('');
  });
});

it('A target in --service-cidr is refused, and names the flag', async () => {
  await world.publish('flag', backendOf(['10.20.99.7']));
  await toldOf(world, 'flag', '10.20.99.7', ({ addresses }) => addresses.length === 0);
  expect(message('flag', '10.20.99.7')).toContain('--service-cidr 10.20.99.0/24');
});

it.each([
  ['an external IP', { externalIPs: [server] }],
  ['a load balancer address', { type: 'LoadBalancer' }],
])(
  'A target that is %s of a Service is published, and the status reports where its probes go',
  async (what, spec) => {
    const name = what.replaceAll(' ', '-').toLowerCase();
    await service(`${name}-theirs`, spec);
    const ingress = [{ ip: server }];
    if ('type' in spec)
      await world.admin.patchStatus('Service', `${name}-theirs`, world.ns, {
        status: { loadBalancer: { ingress } },
      });
    await world.publish(name, backendOf([server]));
    await world.serves(name, [server]);
    await toldOf(
      world,
      name,
      server,
      (target) => target.message?.includes(`${server} is ${what} of Service`) === true,
    );
    await world.admin.delete('Service', `${name}-theirs`, world.ns);
    await toldOf(world, name, server, (target) => target.message === undefined);
  },
);
