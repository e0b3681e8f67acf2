import { afterAll, beforeAll, it } from '@jest/globals';
import process from 'node:process';

import { api } from '../controlplane/api.ts';
import { namespace as createNamespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { compareRegistries } from '../support/cluster/compare-registries.ts';

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
