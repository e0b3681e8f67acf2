import { afterAll, beforeAll, expect, it } from '@jest/globals';
import process from 'node:process';

import { api } from '../controlplane/api.ts';
import { namespace as createNamespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { compareRegistries, outcomeOf } from '../support/cluster/compare-registries.ts';
import { FakeCluster } from '../support/fakes/fake-cluster.ts';

const admin = api(controlPlane());
let namespace: string;

beforeAll(async () => {
  namespace = await createNamespace(controlPlane(), 'registry');
});

afterAll(async () => {
  await admin.delete('Namespace', namespace);
});

// Two families: dual-stack.test.ts
it('the fake cluster accepts, refuses and fills in what the API server does, for any three specs applied one over the other', async () => {
  await compareRegistries({ admin, namespace, families: ['IPv4'], runs: Number(process.env['RUNS'] ?? 250) });
});

const nodePort = 30_060;
const tcp = { name: 'a', port: 1000, protocol: 'TCP', nodePort };

// initNodePorts allocates it for each port number, updateNodePorts once: registry/core/service/storage/alloc.go.
it.each([
  ['on a create by ports with the same number is accepted', [[tcp, { ...tcp, name: 'b', protocol: 'UDP' }]]],
  [
    'on a create by ports with other numbers is refused',
    [[tcp, { ...tcp, name: 'b', port: 2000, protocol: 'UDP' }]],
  ],
  [
    'on an update by ports with other numbers is accepted',
    [[{ ...tcp, nodePort: undefined }], [tcp, { ...tcp, name: 'b', port: 2000, protocol: 'UDP' }]],
  ],
] as const)(
  'a node port that is asked for twice %s, by the server and by the fake cluster',
  async (title, edits) => {
    const fake = new FakeCluster();
    const metadata = { name: 'twice', namespace };
    const found: (readonly string[])[] = [];
    for (const ports of edits) {
      const body = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { type: 'NodePort', ports },
      } as const;
      found.push([
        await outcomeOf(() => admin.apply(body, 'test')),
        await outcomeOf(() => fake.perform({ op: 'applyService', service: body })),
      ]);
    }
    await admin.delete('Service', 'twice', namespace).catch(() => undefined);
    const expected = title.includes('refused') ? 'refused' : 'accepted';
    expect(found.at(-1)).toEqual([expected, expected]);
  },
);
