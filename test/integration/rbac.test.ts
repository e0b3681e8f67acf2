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
import { startTarget } from '../controlplane/targets.ts';
import { hosts, plain, probed } from '../support/backends.ts';
import { conditionOf, eventually } from '../support/world.ts';
import type { Spec } from '../support/world.ts';

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

/** Everything that the operator ever does: each verb of its rules is used at least once. */
async function fullLife(ns: string): Promise<void> {
  const put = (name: string, spec: Spec) =>
    admin.apply({ kind: 'ExternalBackend', metadata: { name, namespace: ns }, spec });
  const says = async (name: string, text: string) => {
    const said = async () => {
      const backend = await admin.get('ExternalBackend', name, ns);
      const ready = conditionOf(backend, 'Ready');
      const current = ready?.observedGeneration === backend.metadata.generation;
      return current ? `${ready?.reason} ${backend.status?.summary ?? ''}` : '';
    };
    await eventually(said, (now) => now.startsWith(text), 15_000);
  };
  const target = await startTarget({ address: '10.20.44.1', port: 5432 });

  await put('db', probed(['10.20.44.1']));
  await says('db', 'Published 1/1');
  await target.refuse();
  await says('db', 'Published 0/1');
  await target.listen();
  await says('db', 'Published 1/1');
  await put(
    'db',
    plain(['10.20.44.1', '10.20.44.2'], { services: [{ name: 'db', headless: true }, { name: 'more' }] }),
  );
  await says('db', 'Published 2/2');
  await put('db', plain(['10.20.44.2'], { services: [{ name: 'db' }] }));
  await says('db', 'Published 1/1');
  await eventually(
    () => admin.find('Service', 'more', ns),
    (service) => service === undefined,
  );

  const ports = [{ port: 5432, protocol: 'TCP' }];
  await admin.create({
    kind: 'Service',
    metadata: { name: 'theirs', namespace: ns },
    spec: { ports, selector: { a: 'b' } },
  });
  await put('theirs', plain(['10.20.44.1']));
  await says('theirs', 'Conflict');
  await put('theirs', plain(['10.20.44.1'], { services: [{ name: 'theirs', adopt: true }] }));
  await says('theirs', 'Published 1/1');
  await put('alias', { mode: 'ExternalName', targets: hosts('db.example.com') });
  await says('alias', 'Published');
  await eventually(
    async () => (await admin.list('Event', ns)).map(({ reason }) => reason),
    (all) => ['Refused', 'Connected', 'Conflict'].every((reason) => all.includes(reason)),
  );

  for (const name of ['db', 'theirs', 'alias']) await admin.delete('ExternalBackend', name, ns);
  await target.close();
}

async function isNeverForbidden(ns: string, args: readonly string[]): Promise<void> {
  const operator = await startOperator(plane, {
    args: ['--leader-elect=true', '--log-level=debug', ...args],
  });
  await fullLife(ns);
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
    await fullLife('depot');
    const ready = await fetch(`${operator.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([200, expect.stringMatching(/^ok\s*$/)]);
    await operator.stop();
    const lines = operator.lines().filter(({ msg }) => String(msg).startsWith('Networks of the cluster'));
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
