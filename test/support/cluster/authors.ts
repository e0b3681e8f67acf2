import { join } from 'node:path';

import { api, ApiError, impersonate } from '../../controlplane/api.ts';
import type { Api } from '../../controlplane/api.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import { pathOf } from '../../controlplane/kinds.ts';
import { kubectl } from '../../controlplane/kubectl.ts';
import { applyRbac } from '../../controlplane/operator.ts';
import { eventually } from '../eventually.ts';
import type { Spec } from './world.ts';

/** Rights of an author in addition to `external-backend-editor`. */
export const authorRules = {
  'get Secret db-login': {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get'],
    resourceNames: ['db-login'],
  },
  'update Service theirs': {
    apiGroups: [''],
    resources: ['services'],
    verbs: ['update'],
    resourceNames: ['theirs'],
  },
  'create Services': { apiGroups: [''], resources: ['services'], verbs: ['create'] },
  'use external IPs': {
    apiGroups: ['externalbackend.io'],
    resources: ['externalbackends'],
    verbs: ['use-external-ips'],
  },
} as const;

export type AuthorRight = keyof typeof authorRules;

const policyFile = join(import.meta.dirname, '../../../config/components/author-rights/policy.yaml');
const policyName = 'author-rights.externalbackend.io';

/** Creates an editor of ExternalBackends in one namespace, with further rights there. */
export async function author(
  plane: PlaneDetails,
  ns: string,
  name: string,
  rights: readonly AuthorRight[],
): Promise<Api> {
  const admin = api(plane);
  const user = `${name}.${ns}`;
  const bind = (roleRef: object, binding: string) =>
    admin.apply({
      kind: 'RoleBinding',
      metadata: { name: binding, namespace: ns },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...roleRef },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    });
  await bind({ kind: 'ClusterRole', name: 'external-backend-editor' }, `${name}-edits`);
  const rules = rights.map((right) => authorRules[right]);
  await admin.apply({ kind: 'Role', metadata: { name, namespace: ns }, rules });
  await bind({ kind: 'Role', name }, name);
  return impersonate(plane, { user });
}

/** Returns the policy's own message of a refused request; `''` if the API server accepts it. */
export const refusalOf = async (request: Promise<unknown>): Promise<string> => {
  try {
    await request;
    return '';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const [, own] = error.message.split(`'${policyName}' denied request: `);
    return own ?? `${error.status} ${error.message}`;
  }
};

/** Sends a backend that is judged and not stored. */
export const tryCreate = (as: Api, ns: string, spec: Spec, name = 'db'): Promise<string> =>
  refusalOf(
    as.send('POST', `${pathOf('ExternalBackend', ns)}?dryRun=All`, {
      apiVersion: 'externalbackend.io/v1alpha1',
      kind: 'ExternalBackend',
      metadata: { name, namespace: ns },
      spec,
    }),
  );

/** Changes a stored backend by a merge patch that is judged and not stored. */
export const tryPatch = (as: Api, ns: string, name: string, patch: object): Promise<string> =>
  refusalOf(
    as.send(
      'PATCH',
      `${pathOf('ExternalBackend', ns, name)}?dryRun=All`,
      patch,
      'application/merge-patch+json',
    ),
  );

/** Installs the policy and waits until the API server applies it. */
export async function installAuthorRights(plane: PlaneDetails, ns: string): Promise<void> {
  await applyRbac(plane);
  await kubectl(plane, ['apply', '--server-side', '--force-conflicts', '-f', policyFile]);
  const probe = await author(plane, ns, 'nobody', []);
  const spec = {
    targets: [{ host: '192.0.2.1' }],
    ports: [{ port: 5432 }],
    credentials: { secretName: 'db-login' },
  };
  await eventually(
    () => tryCreate(probe, ns, spec),
    (refusal) => refusal.includes('credentials'),
    { fact: 'the policy is applied' },
  );
}

/** Removes the policy, because it is an object of the cluster and other tests run without it. */
export async function removeAuthorRights(plane: PlaneDetails): Promise<void> {
  for (const kind of ['ValidatingAdmissionPolicyBinding', 'ValidatingAdmissionPolicy'] as const)
    await api(plane).delete(kind, policyName);
}
