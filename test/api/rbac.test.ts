import { describe, expect, it } from '@jest/globals';
import { permissions } from '../../src/api/permissions.ts';
import { rbacFiles, reasonsOf, type Manifest } from '../../src/api/rbac.ts';

const manifests = (folder: string): readonly Manifest[] =>
  rbacFiles()
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .flatMap((file) => file.manifests);

const kinds = (folder: string): readonly string[] => manifests(folder).map(({ kind }) => kind);

describe('the roles', () => {
  it('grant no wildcards, and have a reason for each permission', () => {
    expect(JSON.stringify(permissions)).not.toContain('"*"');
    expect(permissions.every(({ why }) => why.endsWith('.'))).toBe(true);
  });

  it('allow reading Secrets only in the opt-in components, and never allow listing them', () => {
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

  it('need no ClusterRole if the operator serves named namespaces only', () => {
    expect(kinds('config/rbac-namespaced/operator')).not.toContain('ClusterRole');
    expect(kinds('config/rbac-namespaced/watched')).toEqual(['Role', 'RoleBinding', 'Kustomization']);
  });

  it('have names of their own, so that the namespace of the operator may be one that it serves', () => {
    const names = ['operator', 'watched', 'secrets'].flatMap((folder) =>
      manifests(`config/rbac-namespaced/${folder}`)
        .filter(({ kind }) => kind === 'Role')
        .map(({ metadata }) => (metadata as { readonly name: string }).name),
    );
    expect(names).toHaveLength(3);
    expect(new Set(names).size).toBe(3);
  });

  it('allow a reader of the metrics nothing else', () => {
    const reader = manifests('config/rbac').find(({ metadata }) =>
      (metadata as { readonly name: string }).name.endsWith('-metrics-reader'),
    );
    expect(reader?.rules).toEqual([{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]);
    expect(kinds('config/rbac-namespaced/metrics')).toEqual([
      ...['ClusterRole', 'ClusterRoleBinding', 'ClusterRole', 'Kustomization'],
    ]);
  });

  it('are not aggregated into edit, because they let a user point a Service at any address', () => {
    expect(JSON.stringify(rbacFiles())).not.toContain('aggregate-to');
  });

  it('have the reason of every rule as a comment', () => {
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
