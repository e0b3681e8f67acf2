import { describe, expect, it } from '@jest/globals';
import { permissions } from '../../src/api/permissions.ts';
import { rbacFiles, reasonsOf, type Manifest } from '../../src/api/rbac.ts';

const manifests = (folder: string): readonly Manifest[] =>
  rbacFiles()
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .flatMap((file) => file.manifests);

const kinds = (folder: string): readonly string[] => manifests(folder).map(({ kind }) => kind);

describe('the roles', () => {
  it('grant no wildcards and nothing of other operators', () => {
    expect(JSON.stringify(permissions)).not.toContain('"*"');
    expect(permissions.every(({ why }) => why.endsWith('.'))).toBe(true);
  });

  it('let no Secret be read but by who asks for it, and none be listed', () => {
    const granting = rbacFiles().filter(({ manifests }) =>
      JSON.stringify(manifests.map(({ rules }) => rules)).includes('secrets'),
    );
    expect(granting.map(({ path }) => path)).toEqual([
      'config/components/secrets/cluster-role.yaml',
      'config/rbac-namespaced/secrets/role.yaml',
    ]);
    for (const { manifests } of granting)
      expect(manifests.flatMap(({ rules }) => rules ?? [])).toEqual([
        { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
      ]);
    expect(kinds('config/components/secrets')).toEqual(['ClusterRole', 'ClusterRoleBinding', 'Component']);
    expect(kinds('config/rbac-namespaced/secrets')).toEqual(['Role', 'RoleBinding', 'Kustomization']);
  });

  it('are bound by name to the ServiceAccount of the operator', () => {
    const bindings = rbacFiles()
      .flatMap(({ manifests }) => manifests)
      .filter(({ kind }) => kind.endsWith('Binding'));
    for (const { metadata, roleRef, subjects } of bindings) {
      expect(roleRef).toMatchObject({ name: (metadata as { readonly name: string }).name });
      expect(subjects).toMatchObject([{ kind: 'ServiceAccount', name: 'external-backend-operator' }]);
    }
  });

  it('need no ClusterRole where namespaces are named', () => {
    expect(kinds('config/rbac-namespaced/operator')).not.toContain('ClusterRole');
    expect(kinds('config/rbac-namespaced/watched')).toEqual(['Role', 'RoleBinding', 'Kustomization']);
  });

  it('let who reads the metrics read nothing else', () => {
    const reader = manifests('config/rbac').find(({ metadata }) =>
      (metadata as { readonly name: string }).name.endsWith('-metrics-reader'),
    );
    expect(reader?.rules).toEqual([{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]);
    expect(kinds('config/rbac-namespaced/metrics')).toEqual([
      ...['ClusterRole', 'ClusterRoleBinding', 'ClusterRole', 'Kustomization'],
    ]);
  });

  it('are not aggregated into edit, for they let a user point a Service anywhere', () => {
    expect(JSON.stringify(rbacFiles())).not.toContain('aggregate-to');
  });

  it('give every rule of the operator its reason', () => {
    const reasons = manifests('config/rbac')
      .map(reasonsOf)
      .filter((each) => each.some((why) => why !== ''));
    expect(reasons.flat().toSorted()).toEqual(
      permissions
        .filter(({ scope }) => scope !== 'secrets')
        .map(({ why }) => why)
        .toSorted(),
    );
  });
});
