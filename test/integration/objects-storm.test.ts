import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { controlPlane } from '../controlplane/details.ts';
import { comparedAfresh } from '../support/cluster/afresh.ts';
import { hosts, plain, unprobed } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'storm' });
});

afterAll(() => world.close());

/**
 * One of IPv4 at least: the first family of a headless Service cannot be changed, so with IPv6 alone the end would depend on
 * whether the operator saw an earlier spec or not.
 */
const addresses = fc
  .tuple(
    fc.subarray(['10.20.45.1', '10.20.45.2', '10.20.45.3'], { minLength: 1 }),
    fc.subarray(['fd00:20:45::1', 'fd00:20:45::2']),
  )
  .map((families) => families.flat());
const ports = fc.constantFrom(
  [{ port: 5432 }],
  [{ name: 'pg', port: 5432, targetPort: 6432 }],
  [
    { name: 'pg', port: 5432 },
    { name: 'web', port: 8080 },
  ],
  [
    { name: 'web', port: 5432 },
    { name: 'pg', port: 8080, probe: unprobed },
  ],
);
const service = fc.constantFrom<Spec>(
  {},
  { headless: true },
  { type: 'NodePort' },
  { type: 'LoadBalancer', labels: { team: 'orders' } },
  { publishNotReadyAddresses: true, annotations: { note: 'x' } },
  { sessionAffinity: 'ClientIP' },
);
const managed = fc
  .record({ addresses, ports, service })
  .map(
    (each) => (name: string) =>
      plain(each.addresses, { ports: each.ports, services: [{ name, ...each.service }] }),
  );
const alias = fc.constant((name: string) => ({
  mode: 'ExternalName',
  targets: hosts('db.example.com'),
  services: [{ name }],
}));
const spec = fc.oneof({ weight: 5, arbitrary: managed }, { weight: 1, arbitrary: alias });

type Edit = 'delete Service' | 'delete Endpoints' | 'delete slices' | 'empty slices' | 'selector';
const edit = fc.constantFrom<Edit>(
  'delete Service',
  'delete Endpoints',
  'delete slices',
  'empty slices',
  'selector',
);
const step = fc.record({ spec, edit: fc.option(edit) });
const story = fc.array(step, { minLength: 4, maxLength: 8 });

/** What a careless person does; that there is nothing to do it to is fine. */
async function careless(name: string, what: Edit): Promise<void> {
  const { admin, ns } = world;
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const done: Promise<unknown> = {
    'delete Service': () => admin.delete('Service', name, ns),
    'delete Endpoints': () => admin.delete('Endpoints', name, ns),
    'delete slices': () => admin.deleteAll('EndpointSlice', ns, { labelSelector }),
    'empty slices': async () => {
      for (const { metadata } of await admin.list('EndpointSlice', ns, { labelSelector }))
        await admin.patch('EndpointSlice', metadata.name, ns, { endpoints: [] });
    },
    selector: () => admin.patch('Service', name, ns, { spec: { selector: { app: 'stray' } } }),
  }[what]();
  await done.catch(() => undefined);
}

it('After changes without a pause and edits by other clients the end is that of the last spec', async () => {
  const stories = fc.sample(story, { numRuns: 12, seed: 3 });
  await Promise.all(
    stories.map(async (steps, i) => {
      for (const each of steps) {
        await world.apply(`s${i}`, each.spec(`s${i}`));
        if (each.edit !== null) await careless(`s${i}`, each.edit);
      }
    }),
  );
  await world.operator().kill();
  await world.start();
  const ends = await Promise.all(
    stories.map(async (steps, i) => {
      const last = steps[steps.length - 1]?.spec ?? ((name) => plain([], { services: [{ name }] }));
      await world.ready(`s${i}`);
      return {
        steps: JSON.stringify(steps.map((each) => [each.spec('x'), each.edit])),
        ...(await comparedAfresh(world, `s${i}`, last)),
      };
    }),
  );
  expect(ends.map(({ steps, is }) => ({ steps, is }))).toEqual(
    ends.map(({ steps, should }) => ({ steps, is: should })),
  );
}, 60_000);
