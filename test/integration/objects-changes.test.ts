import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlane } from '../controlplane/details.ts';
import { hosts, plain, unprobed } from '../support/builders/backends.ts';
import { comparedAfresh } from '../support/cluster/afresh.ts';
import { brief, openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'fields' });
});

afterAll(() => world.close());

const ips = ['10.20.31.1', '10.20.31.2'];
const one = (name: string, more: Spec = {}): Spec => ({ services: [{ name, ...more }] });

async function isAsMadeAfresh(name: string, spec: (service: string) => Spec): Promise<void> {
  const { is, should } = await comparedAfresh(world, name, spec);
  expect(is).toEqual(should);
}

const changes: readonly (readonly [
  what: string,
  before: (name: string) => Spec,
  after: (name: string) => Spec,
])[] = [
  [
    'every optional field of the Service is set, then removed',
    (name) =>
      plain(
        ips,
        one(name, {
          labels: { team: 'orders' },
          annotations: { note: 'x' },
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
          internalTrafficPolicy: 'Cluster',
          trafficDistribution: 'PreferClose',
          externalIPs: ['198.51.100.7'],
          publishNotReadyAddresses: true,
        }),
      ),
    (name) => plain(ips, one(name)),
  ],
  [
    'the fields are removed and then set',
    (name) => plain(ips, one(name)),
    (name) =>
      plain(
        ips,
        one(name, { labels: { a: 'b' }, sessionAffinity: 'ClientIP', externalIPs: ['198.51.100.8'] }),
      ),
  ],
  [
    'one of two labels is removed',
    (name) => plain(ips, one(name, { labels: { a: '1', b: '2' } })),
    (name) => plain(ips, one(name, { labels: { b: '2' } })),
  ],
  [
    'ClusterIP becomes headless',
    (name) => plain(ips, one(name)),
    (name) => plain(ips, one(name, { headless: true })),
  ],
  [
    'headless becomes ClusterIP',
    (name) => plain(ips, one(name, { headless: true })),
    (name) => plain(ips, one(name)),
  ],
  [
    'ClusterIP becomes NodePort',
    (name) => plain(ips, one(name)),
    (name) => plain(ips, one(name, { type: 'NodePort' })),
  ],
  [
    'NodePort becomes ClusterIP',
    (name) => plain(ips, one(name, { type: 'NodePort' })),
    (name) => plain(ips, one(name)),
  ],
  [
    'NodePort becomes LoadBalancer',
    (name) => plain(ips, one(name, { type: 'NodePort' })),
    (name) => plain(ips, one(name, { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] })),
  ],
  [
    'LoadBalancer becomes ClusterIP',
    (name) => plain(ips, one(name, { type: 'LoadBalancer' })),
    (name) => plain(ips, one(name)),
  ],
  [
    'NodePort becomes headless',
    (name) => plain(ips, one(name, { type: 'NodePort' })),
    (name) => plain(ips, one(name, { headless: true })),
  ],
  [
    'Endpoints become an alias',
    (name) => plain(ips, one(name)),
    (name) => ({ mode: 'ExternalName', targets: hosts('db.example.com'), ...one(name) }),
  ],
  [
    'an alias becomes Endpoints',
    (name) => ({ mode: 'ExternalName', targets: hosts('db.example.com'), ...one(name) }),
    (name) => plain(ips, one(name)),
  ],
  [
    'an alias becomes headless',
    (name) => ({
      mode: 'ExternalName',
      targets: hosts('db.example.com'),
      ports: [{ port: 5432 }],
      ...one(name),
    }),
    (name) => plain(ips, one(name, { headless: true })),
  ],
  [
    'headless becomes an alias',
    (name) => plain(ips, one(name, { headless: true })),
    (name) => ({ mode: 'ExternalName', targets: hosts('Db.Example.com.'), ...one(name) }),
  ],
  [
    'a port is renamed',
    (name) => plain(ips, { ports: [{ name: 'pg', port: 5432 }], ...one(name) }),
    (name) => plain(ips, { ports: [{ name: 'postgres', port: 5432 }], ...one(name) }),
  ],
  [
    'two ports exchange their names',
    (name) =>
      plain(ips, {
        ports: [
          { name: 'a', port: 1000 },
          { name: 'b', port: 2000 },
        ],
        ...one(name),
      }),
    (name) =>
      plain(ips, {
        ports: [
          { name: 'b', port: 1000 },
          { name: 'a', port: 2000 },
        ],
        ...one(name),
      }),
  ],
  [
    'two ports become one without a name',
    (name) =>
      plain(ips, {
        ports: [
          { name: 'a', port: 1000, appProtocol: 'http' },
          { name: 'b', port: 2000 },
        ],
        ...one(name),
      }),
    (name) => plain(ips, { ports: [{ port: 1000 }], ...one(name) }),
  ],
  [
    'the protocol changes',
    (name) => plain(ips, { ports: [{ port: 53 }], ...one(name) }),
    (name) => plain(ips, { ports: [{ port: 53, protocol: 'UDP' }], ...one(name) }),
  ],
  [
    'the target port changes',
    (name) => plain(ips, one(name)),
    (name) => plain(ips, { ports: [{ port: 5432, targetPort: 6432 }], ...one(name) }),
  ],
  [
    'a target gets a port of its own',
    (name) => plain(ips, one(name)),
    (name) =>
      plain([], { targets: [{ host: '10.20.31.1', port: 7000 }, { host: '10.20.31.2' }], ...one(name) }),
  ],
  [
    'a target gets a name and a zone',
    (name) => plain(ips, one(name, { headless: true })),
    (name) =>
      plain([], {
        targets: [{ host: '10.20.31.1', name: 'a', zone: 'z1' }, { host: '10.20.31.2' }],
        ...one(name, { headless: true }),
      }),
  ],
  [
    'the name and the zone go',
    (name) => plain([], { targets: [{ host: '10.20.31.1', name: 'a', zone: 'z1' }], ...one(name) }),
    (name) => plain(['10.20.31.1'], one(name)),
  ],
  [
    'one of two targets is drained',
    (name) => plain(ips, one(name)),
    (name) =>
      plain([], { targets: [{ host: '10.20.31.1', drain: true }, { host: '10.20.31.2' }], ...one(name) }),
  ],
  [
    'an IPv6 target is added',
    (name) => plain(ips, one(name)),
    (name) => plain([...ips, 'fd00:20:31::1'], one(name)),
  ],
  [
    'the IPv4 targets go',
    (name) => plain([...ips, 'fd00:20:31::1'], one(name)),
    (name) => plain(['fd00:20:31::1'], one(name)),
  ],
  [
    'a headless Service gets IPv6 addresses too',
    (name) => plain(ips, one(name, { headless: true })),
    (name) => plain([...ips, 'fd00:20:31::1'], one(name, { headless: true })),
  ],
  [
    'a port gets a probe of its own',
    (name) =>
      plain(ips, {
        ports: [
          { name: 'a', port: 1000 },
          { name: 'b', port: 2000 },
        ],
        ...one(name),
      }),
    (name) =>
      plain(ips, {
        ports: [
          { name: 'a', port: 1000 },
          { name: 'b', port: 2000, probe: unprobed },
        ],
        ...one(name),
      }),
  ],
];

describe('the objects are those of a new backend when', () => {
  it.each(changes)('%s', async (what, before, after) => {
    const name = `x${changes.findIndex(([text]) => text === what)}`;
    await world.publish(name, before(name));
    await world.publish(name, after(name));
    await isAsMadeAfresh(name, after);
  });
});

it('Nothing of this namespace changes any more in the end', async () => {
  const before = (await world.writes()).length;
  await world.publish('last', plain(ips));
  expect((await world.writes(before)).filter(({ name }) => !name.startsWith('last')).map(brief)).toEqual([]);
});
