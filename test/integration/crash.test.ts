import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import { startProxy } from '../support/cluster/proxy.ts';
import { plain, unprobed } from '../support/builders/backends.ts';
import { published } from '../support/cluster/published.ts';
import { conditionOf } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec } from '../support/cluster/world.ts';

const plane = controlPlane();
const admin = api(plane);
type When = 'before' | 'after';

const two = [
  { name: 'pg', port: 5432 },
  { name: 'web', port: 8080, probe: unprobed },
];
const ips = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `10.20.40.${from + i}`);

/** Two slices, a Service, Endpoints. */
const created = plain(ips(3), { ports: two, services: [{ name: 'db' }] });
const first = plain(ips(3), { ports: two, services: [{ name: 'db' }, { name: 'other', headless: true }] });
/** Ports, targets, type and list of Services change: creates, updates and deletes of every kind. */
const second = plain([...ips(2, 3), 'fd00:20:40::1'], {
  ports: [{ name: 'pg', port: 5432, targetPort: 6432 }],
  // The family is said, for what a new Service carries is known only after it is made.
  services: [
    { name: 'db', type: 'NodePort' },
    { name: 'third', ipFamilies: ['IPv4'] },
  ],
});
const adopting = { ...created, services: [{ name: 'db', adopt: true }] };
const names = ['db', 'other', 'third'];

/** A Service with a selector, which Kubernetes' own controllers have written slices and Endpoints for. */
async function serviceOfPods(ns: string): Promise<void> {
  const ports = [{ name: 'pg', port: 5432, protocol: 'TCP' }];
  const metadata = { name: 'db', namespace: ns };
  await admin.create({ kind: 'Service', metadata, spec: { ports, selector: { app: 'none' } } });
  const made = async () =>
    (await admin.find('Endpoints', 'db', ns)) && (await admin.list('EndpointSlice', ns))[0];
  await eventually(made, (slice) => slice !== undefined);
}

/** The mark that leftovers of a selector are still looked for. */
const isSwept = async (ns: string): Promise<boolean> => {
  const service = await admin.find('Service', 'db', ns);
  return service?.metadata.annotations?.['externalbackend.io/pending-slice-cleanup'] === undefined;
};

interface Case {
  readonly ns: string;
  readonly what: string;
}

const apply = (ns: string, spec: Spec) =>
  admin.apply({ kind: 'ExternalBackend', metadata: { name: 'db', namespace: ns }, spec });

async function settled(ns: string): Promise<void> {
  const look = async () => {
    const backend = await admin.get('ExternalBackend', 'db', ns);
    return isObserved(backend, backend.metadata.generation ?? 0) && (await isSwept(ns));
  };
  await eventually(look, (done) => done, { deadlineMs: 20_000 });
  // What a Service carries is known only after it is made, so a last write may follow the status.
  let seen = '';
  let same = 0;
  const state = async () => JSON.stringify(await stateOf(ns));
  await eventually(state, (now) => {
    same = now === seen ? same + 1 : 0;
    seen = now;
    return same === 5;
  });
}

/** Everything behind the three names, without what differs from namespace to namespace. */
async function stateOf(ns: string): Promise<unknown> {
  const all = await Promise.all(names.map((name) => published(admin, ns, name)));
  const text = JSON.stringify(all).replace(/"(uid|externalbackend.io\/applied)":"[^"]*"/g, '"$1":""');
  return JSON.parse(text);
}

/** Lets an operator see `spec`, and kills it around its n-th write. Tells whether it came to that write. */
async function killAt(ns: string, spec: Spec, n: number, when: When): Promise<boolean> {
  const proxy = await startProxy(plane);
  const operator = await startOperator(plane, { namespace: ns, kubeconfig: proxy.kubeconfig });
  let killed = false;
  proxy.cutAt(n, when, async () => {
    killed = true;
    await operator.kill();
  });
  const { metadata } = await apply(ns, spec);
  const isOver = async () =>
    killed ||
    (isObserved(await admin.get('ExternalBackend', 'db', ns), metadata.generation ?? 0) &&
      (await isSwept(ns)));
  await eventually(isOver, (done) => done, { deadlineMs: 20_000 });
  await operator.kill();
  await proxy.close();
  return killed;
}

const isObserved = (backend: Awaited<ReturnType<typeof apply>>, generation: number): boolean => {
  const ready = conditionOf(backend, 'Ready');
  return ready?.status === 'True' && (ready.observedGeneration ?? 0) >= generation;
};

/** How many writes a change takes where nobody is killed. */
async function writesOf(ns: string, specs: readonly Spec[]): Promise<readonly string[]> {
  const proxy = await startProxy(plane);
  const operator = await startOperator(plane, { namespace: ns, kubeconfig: proxy.kubeconfig });
  let before = 0;
  for (const spec of specs) {
    before = proxy.writes.length;
    await apply(ns, spec);
    await settled(ns);
  }
  await operator.kill();
  await proxy.close();
  return proxy.writes.slice(before);
}

beforeAll(() => applyRbac(plane));

const nothing = (): Promise<void> => Promise.resolve();
const spaces: string[] = [];
const newSpace = async (): Promise<string> => {
  const ns = await namespace(plane, 'crash');
  spaces.push(ns);
  return ns;
};

afterAll(async () => {
  for (const ns of spaces) await admin.delete('Namespace', ns);
});

describe.each([
  ['create', nothing, [created]],
  ['update', nothing, [first, second]],
  ['take-over', serviceOfPods, [adopting]],
] as const)('an operator killed between every two writes of a %s', (_, prepare, specs) => {
  const last = specs[specs.length - 1] ?? created;

  it('and started again brings about the same end state', async () => {
    const model = await newSpace();
    await prepare(model);
    const writes = await writesOf(model, specs);
    const wanted = await stateOf(model);
    expect(writes.length).toBeGreaterThan(4);

    const cases = await Promise.all(
      // Each state between two writes is that before the second of them; but for the last one.
      [...writes.map((_, i) => [i + 1, 'before'] as const), [writes.length, 'after'] as const].map(
        async ([n, when]) => ({
          ns: await newSpace(),
          what: `killed ${when} write ${n} (${writes[n - 1]})`,
          n,
          when,
        }),
      ),
    );
    const all = cases.map(({ ns }) => ns).join();
    await Promise.all(cases.map(({ ns }) => prepare(ns)));
    if (specs.length > 1) {
      const operator = await startOperator(plane, { namespace: all });
      await Promise.all(cases.map(({ ns }) => apply(ns, first)));
      await Promise.all(cases.map(({ ns }) => settled(ns)));
      await operator.kill();
    }
    await inParallel(3, cases, async ({ ns, n, when, what }) => {
      if (!(await killAt(ns, last, n, when))) throw new Error(`never came to be ${what}`);
    });

    const operator = await startOperator(plane, { namespace: all });
    await Promise.all(cases.map(({ ns }) => settled(ns)));
    const ends = await Promise.all(
      cases.map(async (each: Case) => ({ what: each.what, state: await settledState(each.ns, wanted) })),
    );
    await operator.stop();
    expect(ends).toEqual(cases.map(({ what }) => ({ what, state: wanted })));
  }, 180_000);
});

async function settledState(ns: string, wanted: unknown): Promise<unknown> {
  const same = (state: unknown) => JSON.stringify(state) === JSON.stringify(wanted);
  return eventually(() => stateOf(ns), same, { deadlineMs: 5_000 }).catch(() => stateOf(ns));
}

/** So many at a time, in order. */
async function inParallel<T>(
  width: number,
  items: readonly T[],
  run: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
