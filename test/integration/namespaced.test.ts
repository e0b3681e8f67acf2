import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { api } from '../controlplane/api.ts';
import { readyAddresses } from '../controlplane/endpoints.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import type { PlaneDetails } from '../controlplane/details.ts';
import { record } from '../controlplane/recorder.ts';

const folder = (path: string): string => fileURLToPath(new URL(`../../config/${path}`, import.meta.url));

let own: Plane;
let plane: PlaneDetails;
let operator: RunningOperator;

beforeAll(async () => {
  own = await startPlane({ address: '10.99.7.1', dataPath: false });
  plane = own.details;
  const apply = (...args: readonly string[]) => kubectl(plane, ['apply', '--server-side', ...args]);
  await apply('-k', folder('namespaced'));
  await kubectl(plane, ['create', 'namespace', 'shop']);
  await apply('-n', 'shop', '-k', folder('rbac-namespaced/watched'));
  operator = await startOperator(plane, { args: ['--namespaces=shop', '--leader-elect=true'] });
}, 60_000);

afterAll(async () => {
  await operator.stop();
  await own.stop();
});

it('serves a namespace with the Role alone, Lease included, and is forbidden nothing', async () => {
  const slices = await record(plane, 'EndpointSlice', { namespace: 'shop' });
  const spec = { targets: [{ host: '10.20.77.1' }], ports: [{ port: 5432 }], probe: { disabled: {} } };
  await api(plane).create({ kind: 'ExternalBackend', metadata: { name: 'db', namespace: 'shop' }, spec });
  await slices.until((now) => readyAddresses(now.values(), 'db').length === 1);
  slices.stop();
  const lease = await kubectl(plane, ['get', 'lease', '-n', 'external-backend-operator', '-o', 'name']);
  expect(lease.trim()).toBe('lease.coordination.k8s.io/external-backend-operator');
  expect(operator.lines().filter((line) => JSON.stringify(line).includes('Forbidden'))).toEqual([]);
});
