import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';

import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import type { PlaneDetails } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { writes } from '../controlplane/requests.ts';
import { fullLife } from '../support/cluster/full-life.ts';

const config = join(import.meta.dirname, '../../config');
let own: Plane;
let plane: PlaneDetails;
let admin: Api;

beforeAll(async () => {
  own = await startPlane({ address: '10.99.2.1' });
  plane = own.details;
  admin = api(plane);
}, 60_000);

afterAll(() => own.stop());

const apply = (...args: readonly string[]) =>
  kubectl(plane, ['apply', '--server-side', '--force-conflicts', ...args]);

async function isNeverForbidden(ns: string, args: readonly string[]): Promise<void> {
  const operator = await startOperator(plane, {
    args: ['--leader-elect=true', '--log-level=debug', ...args],
  });
  await fullLife(admin, ns);
  await operator.stop();
  expect(operator.lines().filter((line) => /Forbidden|"status":403/.test(JSON.stringify(line)))).toEqual([]);
  expect((await writes(plane)).filter(({ code }) => code === 403)).toEqual([]);
  expect(await operatorLease()).toBe('');
}

/** Nobody holds it after a polite end. */
const operatorLease = async () =>
  (await admin.get('Lease', 'external-backend-operator', 'external-backend-operator')).spec.holderIdentity ??
  '';

describe('over a full life of backends the operator is forbidden nothing', () => {
  it('in one namespace, with Roles alone', async () => {
    await apply('-k', join(config, 'namespaced'));
    await admin.create({ kind: 'Namespace', metadata: { name: 'shop' } });
    await apply('-n', 'shop', '-k', join(config, 'rbac-namespaced/watched'));
    const clusterRoles = (await admin.list('ClusterRoleBinding')).filter(({ metadata }) =>
      metadata.name.includes('external-backend'),
    );
    expect(clusterRoles).toEqual([]);
    await isNeverForbidden('shop', ['--namespaces=shop', '--deny-cluster-networks=off']);
  }, 60_000);

  it('in one namespace, with the right to read the networks of the cluster', async () => {
    await admin.create({ kind: 'Namespace', metadata: { name: 'bank' } });
    await apply('-n', 'bank', '-k', join(config, 'rbac-namespaced/watched'));
    await apply('-k', join(config, 'rbac-namespaced/networks'));
    await isNeverForbidden('bank', ['--namespaces=bank']);
    await admin.delete('ClusterRoleBinding', 'external-backend-operator-networks');
  }, 60_000);

  it('in one namespace, without that right, but for the networks, of which it logs once', async () => {
    await admin.create({ kind: 'Namespace', metadata: { name: 'depot' } });
    await apply('-n', 'depot', '-k', join(config, 'rbac-namespaced/watched'));
    const operator = await startOperator(plane, { args: ['--leader-elect=true', '--namespaces=depot'] });
    await fullLife(admin, 'depot');
    const ready = await fetch(`${operator.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([200, expect.stringMatching(/^ok\s*$/)]);
    await operator.stop();
    const lines = operator.lines().filter(({ msg }) => String(msg).startsWith('networks of the cluster'));
    expect(lines.map(({ level, resource, reason }) => [level, resource, reason]).toSorted()).toEqual([
      ['warn', 'nodes', 'Forbidden'],
      ['warn', 'servicecidrs', 'Forbidden'],
    ]);
  }, 60_000);

  it('in the whole cluster, with config/default', async () => {
    await apply('-k', join(config, 'default'));
    await admin.create({ kind: 'Namespace', metadata: { name: 'elsewhere' } });
    await isNeverForbidden('elsewhere', []);
  }, 60_000);
});
