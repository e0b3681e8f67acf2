import { expect } from '@jest/globals';
import fc from 'fast-check';

import type { Family, Service } from '../../../src/core/kubernetes/objects.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import { ApiError } from '../../controlplane/api.ts';
import type { Api } from '../../controlplane/api.ts';
import { FakeCluster } from '../fakes/fake-cluster.ts';

const families = fc.constantFrom(undefined, ['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']);
const policy = fc.constantFrom(undefined, 'SingleStack', 'PreferDualStack', 'RequireDualStack');
/** The server never allocates these by itself. */
const fixedPorts: readonly number[] = [30_051, 30_052];

const port = fc.record(
  {
    name: fc.constantFrom('a', 'b'),
    port: fc.constantFrom(1000, 2000),
    protocol: fc.constantFrom('TCP', 'UDP'),
    targetPort: fc.constantFrom(1000, 3000),
    nodePort: fc.constantFrom(...fixedPorts, 29_000),
  },
  { requiredKeys: ['port'] },
);
const spec = fc
  .record({
    type: fc.constantFrom('ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
    headless: fc.boolean(),
    ipFamilies: families,
    ipFamilyPolicy: policy,
    ports: fc.array(port, { minLength: 1, maxLength: 2 }),
    selector: fc.constantFrom(undefined, undefined, { app: 'x' }),
    more: fc.constantFrom<object>(
      {},
      {},
      { externalTrafficPolicy: 'Local' },
      { sessionAffinity: 'ClientIP' },
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
      { sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
      { loadBalancerClass: 'example.com/a' },
      { loadBalancerClass: 'example.com/b' },
      { loadBalancerSourceRanges: ['198.51.100.0/24'] },
      { externalIPs: ['198.51.100.7'] },
      { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose' },
      { allocateLoadBalancerNodePorts: false },
    ),
  })
  .map(({ headless, more, type, ports, ...families }) => ({
    ...{ type, ports },
    ...(headless && { clusterIP: 'None' }),
    // An alias with families, or headless, is refused. Every other draw has one.
    ...(type === 'ExternalName' && { externalName: 'db.example.com' }),
    ...((type !== 'ExternalName' || headless) &&
      Object.fromEntries(Object.entries(families).filter(([, value]) => value !== undefined))),
    ...more,
  }));

/** Returns what is compared: for allocated addresses and ports, whether they exist. */
function essence(found: { readonly spec: object }): unknown {
  const { clusterIP, clusterIPs, ports, healthCheckNodePort, ...fields } = found.spec as Service['spec'] & {
    readonly healthCheckNodePort?: number;
  };
  const allocated = (ip: string | undefined) => (ip === undefined || ip === 'None' ? ip : 'an address');
  return {
    ...fields,
    clusterIP: allocated(clusterIP),
    clusterIPs: clusterIPs?.map(allocated),
    hasCheckPort: (healthCheckNodePort ?? 0) > 0,
    ports: (ports ?? [])
      .map(({ nodePort = 0, ...each }) => ({
        ...each,
        nodePort: fixedPorts.includes(nodePort) ? nodePort : nodePort > 0,
      }))
      .toSorted((a, b) =>
        JSON.stringify([a.port, a.protocol]).localeCompare(JSON.stringify([b.port, b.protocol])),
      ),
  };
}

/**
 * The handler of Kubernetes 1.36 panics when a Service of one family becomes headless in place with
 * PreferDualStack.
 */
const isHangUp = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ECONNRESET';

/** Returns whether the API server, or the fake cluster, accepts a write. */
export const outcomeOf = async (act: () => Promise<unknown>): Promise<string> => {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (error instanceof OperatorError || error instanceof ApiError || isHangUp(error)) return 'refused';
    throw error;
  }
};

export interface Comparison {
  readonly admin: Api;
  readonly namespace: string;
  /** Families of the real cluster; the first is its default. */
  readonly families: readonly Family[];
  readonly runs: number;
}

/**
 * Applies any three specs one after another to the real API server and to the fake cluster. Both must accept,
 * refuse and fill in the same.
 */
export async function compareRegistries({
  admin,
  namespace,
  families: served,
  runs,
}: Comparison): Promise<void> {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { minLength: 2, maxLength: 3 }), async (specs) => {
      const fake = new FakeCluster();
      fake.families = served;
      const name = `r${(run += 1)}`;
      try {
        for (const wanted of specs) {
          const metadata = { name, namespace };
          const body = { apiVersion: 'v1', kind: 'Service', metadata, spec: wanted } as const;
          const [is, should] = [
            await outcomeOf(() => fake.perform({ op: 'applyService', service: body })),
            await outcomeOf(() => admin.apply(body, 'test')),
          ];
          expect([JSON.stringify(wanted), is]).toEqual([JSON.stringify(wanted), should]);
          if (should === 'refused') continue;
          const found = fake.service(namespace, name);
          expect(found && essence(found)).toEqual(essence(await admin.get('Service', name, namespace)));
        }
      } finally {
        // Also after a difference: a Service that is left holds its node ports, and the shorter histories that are
        // then tried would be refused because of them.
        await admin.delete('Service', name, namespace).catch(() => undefined);
      }
    }),
    { numRuns: runs, seed: 12 },
  );
}
