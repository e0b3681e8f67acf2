import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { api, ApiError } from '../controlplane/api.ts';
import { namespace as createNamespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { OperatorError } from '../../src/core/errors.ts';
import type { Service } from '../../src/core/objects.ts';
import { FakeCluster } from '../support/fake-cluster.ts';

const admin = api(controlPlane());
let ns: string;

beforeAll(async () => {
  ns = await createNamespace(controlPlane(), 'registry');
});

afterAll(async () => {
  await admin.delete('Namespace', ns);
});

const families = fc.constantFrom(undefined, ['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']);
const policy = fc.constantFrom(undefined, 'SingleStack', 'PreferDualStack', 'RequireDualStack');
const port = fc.record(
  {
    name: fc.constantFrom('a', 'b'),
    port: fc.constantFrom(1000, 2000),
    protocol: fc.constantFrom('TCP', 'UDP'),
    targetPort: fc.constantFrom(1000, 3000),
    nodePort: fc.constantFrom(30_051, 30_052, 29_000),
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
  .map(({ headless, more, type, ...fields }) => ({
    type,
    ...(headless && { clusterIP: 'None' }),
    ...(type === 'ExternalName' && { externalName: 'db.example.com' }),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    ...more,
  }));

/** What is compared: addresses and ports that were allocated are only there or not. */
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
        nodePort: nodePort > 30_999 || nodePort < 30_000 ? nodePort > 0 : nodePort,
      }))
      .toSorted((a, b) =>
        JSON.stringify([a.port, a.protocol]).localeCompare(JSON.stringify([b.port, b.protocol])),
      ),
  };
}

const outcomeOf = async (act: () => Promise<unknown>): Promise<string> => {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (error instanceof OperatorError || error instanceof ApiError) return 'refused';
    throw error;
  }
};

it('the fake cluster accepts, refuses and fills in what the API server does, for any three specs applied one over the other', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { minLength: 2, maxLength: 3 }), async (specs) => {
      const fake = new FakeCluster();
      const name = `r${(run += 1)}`;
      const outcomes: string[] = [];
      for (const wanted of specs) {
        const body = {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name, namespace: ns },
          spec: wanted,
        } as const;
        const [is, should] = [
          await outcomeOf(() => fake.perform({ op: 'applyService', service: body })),
          await outcomeOf(() => admin.apply(body, 'test')),
        ];
        outcomes.push(`${is}/${should}`);
        expect([JSON.stringify(wanted), is]).toEqual([JSON.stringify(wanted), should]);
        if (should === 'refused') continue;
        const found = fake.service(ns, name);
        expect(found && essence(found)).toEqual(essence(await admin.get('Service', name, ns)));
      }
      await admin.delete('Service', name, ns).catch(() => undefined);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 250), seed: 12 },
  );
});
