import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { plain } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

// The unit test `family-edits` tries every pair of these forms against a fake API server.
const selector = { app: 'x' };
const [four, both] = [['IPv4'], ['IPv4', 'IPv6']] as const;
/** Services that the API server accepts with both families, also in a cluster of one. */
const free: readonly Spec[] = [{}, { ipFamilies: four, ipFamilyPolicy: 'PreferDualStack' }];
const other: readonly Spec[] = [
  { selector },
  { selector, ipFamilies: four },
  { selector, ipFamilyPolicy: 'SingleStack' },
  { selector, ipFamilyPolicy: 'PreferDualStack' },
  { selector, ipFamilies: four, ipFamilyPolicy: 'PreferDualStack' },
  { selector, ipFamilies: both, ipFamilyPolicy: 'PreferDualStack' },
  { selector, ipFamilies: four, ipFamilyPolicy: 'RequireDualStack' },
];

let dual: Plane;

beforeAll(async () => {
  const range = '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108';
  dual = await startPlane({ address: '10.99.1.5', flags: [range] });
}, 120_000);

afterAll(() => dual.stop());

const headless = (name: string, service: Spec): Spec =>
  plain(['10.20.94.1', 'fd00:20:94::1'], { services: [{ name, headless: true, ...service }] });

/** Applies a Service. Returns status and reason of Ready when it is published or refused. */
async function put(world: World, name: string, service: Spec): Promise<string> {
  const { metadata } = await world.apply(name, headless(name, service));
  return world.backends.until(
    (now) => {
      const ready = conditionOf(now.get(name), 'Ready');
      const isDecided = ready?.status === 'True' || ready?.reason === 'Invalid';
      const isCurrent = (ready?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
      return isDecided && isCurrent ? `${ready.status} ${ready.reason}` : undefined;
    },
    20_000,
    `${name} is published or refused: ${JSON.stringify(service)}`,
  );
}

/** Applies Services one after another. Returns what the last one became. */
async function result(world: World, name: string, services: readonly Spec[]): Promise<unknown> {
  let ready = '';
  for (const service of services) ready = await put(world, name, service);
  if (ready !== 'True Published') return ready;
  const { ipFamilies, ipFamilyPolicy } = (await world.admin.get('Service', name, world.ns)).spec;
  return { ready, ipFamilies, ipFamilyPolicy };
}

it.each([
  ['in a cluster with one IP family', () => controlPlane()],
  ['in a cluster with two', () => dual.details],
])(
  'a headless Service of both families that gets a selector has the families of a new one: %s',
  async (_, plane) => {
    const world = await openWorld(plane(), { prefix: 'families' });
    const outcomes = await Promise.all(
      other.map(async (last, i) => ({
        last,
        fresh: await result(world, `fresh-${i}`, [last]),
        edited: await Promise.all(free.map((first, j) => result(world, `e${j}-${i}`, [first, last]))),
        // The selector was removed by a patch, which then has families of its own.
        back: await result(world, `back-${i}`, [{ selector }, {}, last]),
      })),
    );
    await world.close();
    expect(outcomes).toEqual(
      outcomes.map(({ last, fresh }) => ({ last, fresh, edited: [fresh, fresh], back: fresh })),
    );
  },
  120_000,
);

it.each([
  ['in a cluster with one IP family', () => controlPlane(), ['IPv4']],
  ['in a cluster with two', () => dual.details, ['IPv4', 'IPv6']],
])(
  'a headless Service that is adopted with a selector keeps the families that the cluster has: %s',
  async (_, plane, families) => {
    const world = await openWorld(plane(), { prefix: 'adopted-families' });
    const metadata = { name: 'adopted', namespace: world.ns };
    const spec = { clusterIP: 'None', ports: [{ port: 5432 }] };
    const created = await world.admin.create({ kind: 'Service', metadata, spec });
    expect(created.spec.ipFamilies).toEqual(['IPv4', 'IPv6']);
    expect(await result(world, 'adopted', [{ selector, adopt: true }])).toMatchObject({
      ready: 'True Published',
      ipFamilies: families,
    });
    await world.close();
  },
  60_000,
);

describe('a Service that must be replaced', () => {
  const service = (more: Spec, port: Spec = {}): Spec => ({
    ...plain(['10.20.94.2'], { services: [{ name: 'kept', ...more }] }),
    ports: [{ port: 5432, ...port }],
  });

  /** Publishes a Service, edits it, and waits for a reason of Ready. Returns its UID before and after. */
  async function replaced(world: World, from: Spec, to: Spec, reason: string) {
    await world.publish('kept', from);
    const { uid } = (await world.admin.get('Service', 'kept', world.ns)).metadata;
    const { metadata } = await world.apply('kept', to);
    const ready = await world.backends.until(
      (now) => {
        const found = conditionOf(now.get('kept'), 'Ready');
        const isCurrent = (found?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
        return isCurrent && found?.reason === reason ? found : undefined;
      },
      20_000,
      `kept is ${reason}`,
    );
    const after = await world.admin.find('Service', 'kept', world.ns);
    return { isSame: after?.metadata.uid === uid, message: ready.message };
  }

  it.each([
    [{ ipFamilies: ['IPv6'] }, 'ipFamilies'],
    [{ ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'RequireDualStack' }, 'ipFamil'],
    [{ clusterIP: '192.0.2.1' }, 'clusterIP'],
  ])(
    'remains with its addresses when the API server refuses the new one: %j',
    async (more, field) => {
      const world = await openWorld(controlPlane(), { prefix: 'kept' });
      const { isSame, message } = await replaced(world, service({}), service(more), 'ReplacementRefused');
      expect([isSame, message]).toEqual([true, expect.stringContaining(field)]);
      await world.serves('kept', ['10.20.94.2'], 1_000);
      await world.publish('kept', service({}));
      await world.close();
    },
    60_000,
  );

  it('is replaced although it fills the quota of its namespace and has the node port of the new one', async () => {
    const world = await openWorld(controlPlane(), { prefix: 'quota' });
    const quota = { name: 'one', namespace: world.ns };
    const spec = { hard: { services: '1', 'count/services': '1' } };
    await world.admin.create({ kind: 'ResourceQuota', metadata: quota, spec });
    const balanced = (name: string) =>
      service({ type: 'LoadBalancer', loadBalancerClass: `example.com/${name}` }, { nodePort: 30_077 });
    expect(await replaced(world, balanced('a'), balanced('b'), 'Published')).toMatchObject({ isSame: false });
    await world.close();
  }, 90_000);
});
