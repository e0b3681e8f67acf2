import { describe, expect, it } from '@jest/globals';
import { permissions, rbacFiles, reasonsOf, type Manifest } from '../../src/api/rbac.ts';

const manifests = (folder: string): readonly Manifest[] =>
  rbacFiles()
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .flatMap((file) => file.manifests);

const kinds = (folder: string): readonly string[] => manifests(folder).map(({ kind }) => kind);

describe('the roles', () => {
  it('grant no wildcards, no secrets and nothing of other operators', () => {
    const text = JSON.stringify(permissions);
    expect(text).not.toContain('"*"');
    expect(text).not.toContain('secrets');
    expect(permissions.every(({ why }) => why.endsWith('.'))).toBe(true);
  });

  it('need no ClusterRole where namespaces are named', () => {
    expect(kinds('config/rbac-namespaced/operator')).not.toContain('ClusterRole');
    expect(kinds('config/rbac-namespaced/watched')).toEqual(['Role', 'RoleBinding', 'Kustomization']);
  });

  it('are not aggregated into edit, for they let a user point a Service anywhere', () => {
    expect(JSON.stringify(rbacFiles())).not.toContain('aggregate-to');
  });

  it('give every rule of the operator its reason', () => {
    const roles = manifests('config/rbac').filter((manifest) => reasonsOf(manifest).length > 0);
    expect(roles.map(({ kind }) => kind)).toEqual(['ClusterRole', 'Role']);
    for (const role of roles) expect(role.rules).toHaveLength(reasonsOf(role).length);
  });
});
