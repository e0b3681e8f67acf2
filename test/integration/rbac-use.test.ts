import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';

import { permissions } from '../../src/api/permissions.ts';
import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { usedVerbs } from '../controlplane/requests.ts';
import { startTarget } from '../controlplane/targets.ts';
import { plain, probed } from '../support/builders/backends.ts';
import { fullLife } from '../support/cluster/full-life.ts';
import { startProxy } from '../support/cluster/proxy.ts';
import type { ApiProxy } from '../support/cluster/proxy.ts';
import { conditionOf } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec } from '../support/cluster/world.ts';

const manifests = join(import.meta.dirname, '../support/cluster/manifests/secrets');
const ns = 'shop';

/** Granted verbs that are no request of their own, so that no audit log has them. A test below shows that each is needed. */
const askedAlong = ['/services create', 'externalbackend.io/externalbackends/finalizers update'];

let own: Plane;
let admin: Api;
let proxy: ApiProxy;
let operator: RunningOperator;

beforeAll(async () => {
  const flags = ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'];
  own = await startPlane({ address: '10.99.2.32', auditUser: 'operator', flags });
  admin = api(own.details);
  await kubectl(own.details, ['apply', '--server-side', '--force-conflicts', '-k', manifests]);
  await admin.create({ kind: 'Namespace', metadata: { name: ns } });
  proxy = await startProxy(own.details);
  operator = await startOperator(own.details, {
    kubeconfig: proxy.kubeconfig,
    args: ['--leader-elect=true', '--metrics-auth=token'],
  });
}, 60_000);

afterAll(async () => {
  await operator.kill();
  await proxy.close();
  await own.stop();
});

const put = (name: string, spec: Spec) =>
  admin.apply({ kind: 'ExternalBackend', metadata: { name, namespace: ns }, spec });

const is = (name: string, reason: string, summary = '') =>
  eventually(
    async () => {
      const backend = await admin.get('ExternalBackend', name, ns);
      const ready = conditionOf(backend, 'Ready');
      return `${ready?.observedGeneration === backend.metadata.generation} ${ready?.reason} ${backend.status?.summary ?? ''}`;
    },
    (now) => now.startsWith(`true ${reason} ${summary}`),
    { deadlineMs: 20_000 },
  );

/** Lets `change` happen in the API server while a write of the operator is on its way. */
async function overtake(write: string, cause: () => Promise<unknown>, change: () => Promise<unknown>) {
  const hold = proxy.hold(write);
  await cause();
  await eventually(
    () => Promise.resolve(hold.held()),
    (held) => held > 0,
  );
  await change();
  hold.release();
}

/** A slice that another client changed meanwhile, and a backend that was deleted and created again meanwhile. */
async function conflicts(): Promise<void> {
  const target = await startTarget({ address: '10.20.45.1', port: 5432 });
  await put('raced', probed(['10.20.45.1']));
  await is('raced', 'Published', '1/1');
  const labelled = {
    labelSelector:
      'kubernetes.io/service-name=raced,endpointslice.kubernetes.io/managed-by!=endpointslicemirroring-controller.k8s.io',
  };
  const edit = async () => {
    for (const { metadata } of await admin.list('EndpointSlice', ns, labelled))
      await admin.patch('EndpointSlice', metadata.name, ns, { metadata: { annotations: { edited: 'yes' } } });
  };
  await overtake('PUT endpointslices', () => target.refuse(), edit);
  await is('raced', 'Published', '0/1');
  await overtake(
    'PATCH externalbackends/status',
    () => put('raced', plain(['10.20.45.2'])),
    async () => {
      await admin.delete('ExternalBackend', 'raced', ns);
      await put('raced', plain(['10.20.45.3']));
    },
  );
  await is('raced', 'Published', '1/1');
  await target.close();
}

/** An Event that is repeated, and a Secret that is read. */
async function repeats(): Promise<void> {
  const target = await startTarget({ address: '10.20.45.4', port: 5432 });
  await admin.create({
    kind: 'Secret',
    metadata: { name: 'login', namespace: ns },
    stringData: { username: 'prober', password: 'opensesame' },
  });
  await put('repeated', probed(['10.20.45.4'], { credentials: { secretName: 'login' } }));
  for (const { act, summary } of [
    { act: () => Promise.resolve(), summary: '1/1' },
    { act: () => target.refuse(), summary: '0/1' },
    { act: () => target.listen(), summary: '1/1' },
    { act: () => target.refuse(), summary: '0/1' },
  ]) {
    await act();
    await is('repeated', 'Published', summary);
  }
  await target.close();
}

/** Where the API server offers no watch of all, each watch begins with a list. */
async function listsOfOldServers(): Promise<void> {
  const old = await startProxy(own.details, { watchOfAll: false });
  const second = await startOperator(own.details, {
    kubeconfig: old.kubeconfig,
    args: ['--leader-elect=true'],
  });
  await second.stop();
  await old.close();
}

const granted = (): ReadonlySet<string> =>
  new Set(
    permissions.flatMap(({ apiGroup, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${apiGroup}/${resource} ${verb}`)),
    ),
  );

describe('the rights of the operator', () => {
  it('are exactly those that it is seen to use', async () => {
    await fullLife(admin, ns);
    await conflicts();
    await repeats();
    await listsOfOldServers();
    const headers = { authorization: `Bearer ${own.details.tokens.admin}` };
    expect((await fetch(operator.metricsUrl, { headers })).status).toBe(200);
    const expected = [...granted()].filter((each) => !askedAlong.includes(each)).toSorted();
    expect([...(await usedVerbs(own.details, 'operator'))].toSorted()).toEqual(expected);
  }, 120_000);

  it.each([
    ['', 'services', 'create'],
    ['externalbackend.io', 'externalbackends/finalizers', 'update'],
  ])(
    'are not enough without %s/%s %s, which the API server asks for along with a write',
    async (group, resource, verb) => {
      const role = await admin.get('ClusterRole', 'external-backend-operator');
      const { rules } = role as unknown as { readonly rules: readonly Rule[] };
      const without = rules.map((rule) =>
        rule.apiGroups?.[0] === group && rule.resources?.includes(resource) === true
          ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) }
          : rule,
      );
      await admin.patch('ClusterRole', 'external-backend-operator', undefined, {
        rules: without.filter(({ verbs }) => verbs.length > 0),
      });
      const name = `without-${resource.replace(/\W/g, '-')}`;
      await put(name, plain(['10.20.45.5']));
      await is(name, 'Forbidden');
      await admin.patch('ClusterRole', 'external-backend-operator', undefined, { rules });
    },
    60_000,
  );
});

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
}
