import { priorities } from '../src/kube/client/priority-limiter.ts';
import { pathOf, resources } from '../src/kube/client/resources.ts';
import type { Resource } from '../src/kube/client/resources.ts';
import { record } from '../test/controlplane/recorder.ts';
import { countOf, requestCounts } from '../test/controlplane/requests.ts';
import { createClient } from './in-process.ts';
import type { Bench } from './report.ts';
import { address, port } from './targets.ts';
import { backend, createNamespace, inParallel, openWorld, pause, until } from './world.ts';

const count = 1_000;

/** Measures many new backends at once, as after `kubectl apply` of a whole repository. */
export const bringUp: Bench = {
  name: 'bring-up',
  title: '1,000 backends created at once: all published',
  run: async () => {
    const world = await openWorld();
    const client = createClient(world.plane);
    try {
      await createNamespace(world.admin, 'bare');
      await createNamespace(world.admin, 'bring-up');
      await bareWrites(client, 50); // the server's first writes of a kind are slow
      await pause(1_000);
      const bare = await bareWrites(client, count, 1_000);
      await world.startOperator('--namespaces=bring-up'); // the operator must not reconcile the bare ones
      await pause(2_000);
      const before = await writes(world);
      const ours = await withOperator(world);
      const written = (await writes(world)) - before;
      return [
        {
          what: 'all published (Service, slice, Endpoints, status)',
          value: ours,
          unit: 's',
          baseline: { what: 'the same writes, bare', value: bare },
          goal: { most: 1.5 },
        },
        {
          what: 'writes of a backend, its creation included (5 are needed)',
          value: written / count,
          unit: '',
        },
      ];
    } finally {
      await client.close();
      await world.stop();
    }
  },
};

async function writes({ plane }: Awaited<ReturnType<typeof openWorld>>): Promise<number> {
  const counts = await requestCounts(plane);
  const resources = ['externalbackends', 'services', 'endpointslices', 'endpoints', 'events'];
  return resources.reduce((sum, each) => sum + countOf(counts, each, ['POST', 'PUT', 'PATCH', 'APPLY']), 0);
}

/** Returns the time from the first resource to the last status, in seconds. */
async function withOperator(world: Awaited<ReturnType<typeof openWorld>>): Promise<number> {
  const backends = await record(world.plane, 'ExternalBackend', { namespace: 'bring-up' });
  const endpoints = await record(world.plane, 'Endpoints', { namespace: 'bring-up' });
  const started = performance.now();
  const creating = inParallel(count, 32, (n) => world.admin.create(backend(n, 'bring-up')));
  // Checks from time to time, because a check after each event would take CPU from the measured processes.
  const all = () => [...backends.objects.values()].every(({ status }) => status?.summary === '3/3');
  await until(
    () => backends.objects.size === count && endpoints.objects.size === count && all(),
    120_000,
    100,
  );
  await creating;
  backends.stop();
  endpoints.stop();
  return (performance.now() - started) / 1000;
}

/** Writes resources with Service, slice, Endpoints and status as fast as one client can. Returns the seconds. */
async function bareWrites(client: ReturnType<typeof createClient>, n: number, from = 0): Promise<number> {
  const write = (
    verb: 'create' | 'apply' | 'patch',
    resource: Resource,
    name: string,
    body: object,
    more: { readonly sub?: string; readonly contentType?: string } = {},
  ) =>
    client.request({
      verb,
      resource: resource.plural,
      path: verb === 'create' ? pathOf(resource, 'bare') : pathOf(resource, 'bare', name, more.sub),
      body: { apiVersion: resource.apiVersion, kind: resource.kind, ...body },
      priority: priorities.slice,
      ...(more.contentType !== undefined && { contentType: more.contentType }),
      ...(verb === 'apply' && { query: { fieldManager: 'bare', force: true } }),
    });
  const started = performance.now();
  await inParallel(n, 32, async (i) => {
    const name = `b${from + i}`;
    const metadata = { name, namespace: 'bare' };
    const ips = [0, 1, 2].map((k) => address(3 * i + k));
    await write('create', resources.ExternalBackend, name, backend(from + i, 'bare'));
    const spec = { ports: [{ port, protocol: 'TCP', targetPort: port }] };
    await write(
      'apply',
      resources.Service,
      name,
      { metadata, spec },
      { contentType: 'application/apply-patch+yaml' },
    );
    await write('create', resources.EndpointSlice, name, {
      metadata: {
        ...metadata,
        labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'bare' },
      },
      addressType: 'IPv4',
      ports: [{ name: '', port, protocol: 'TCP' }],
      endpoints: ips.map((ip) => ({
        addresses: [ip],
        conditions: { ready: true, serving: true, terminating: false },
      })),
    });
    await write('create', resources.Endpoints, name, {
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port, protocol: 'TCP' }] }],
    });
    const status = { summary: '3/3', readyAddresses: 3, totalAddresses: 3, observedGeneration: 1 };
    const contentType = 'application/merge-patch+json';
    await write('patch', resources.ExternalBackend, name, { status }, { sub: 'status', contentType });
  });
  return (performance.now() - started) / 1000;
}
