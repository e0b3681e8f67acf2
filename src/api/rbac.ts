import { group, plural } from './external-backend.ts';
import { operatorRole as operator, permissions } from './permissions.ts';
import type { Permission, PermissionScope } from './permissions.ts';
import { externalIpsVerb } from './delegated-powers.ts';

export type Manifest = Readonly<Record<string, unknown>> & { readonly kind: string };

export interface ManifestFile {
  readonly path: string;
  /** Comment at the top of the file. */
  readonly note: string;
  readonly manifests: readonly Manifest[];
}

const rbac = 'rbac.authorization.k8s.io';
const ownNamespace = { namespace: operator };

const ruleOf = ({ apiGroup, resources, resourceNames, verbs }: Permission) => ({
  apiGroups: [apiGroup],
  resources,
  ...(resourceNames === undefined ? {} : { resourceNames }),
  verbs,
});

const rulesOf = (...scopes: readonly PermissionScope[]) =>
  permissions.filter(({ scope }) => scopes.includes(scope)).map(ruleOf);

/**
 * Returns the reasons of the rules of a role of the operator, in the order of the rules; empty for other
 * manifests.
 */
export function reasonsOf({ kind, metadata, rules }: Manifest): readonly string[] {
  const { name = '' } = (metadata ?? {}) as { readonly name?: string };
  if (!kind.endsWith('Role') || !name.startsWith(operator) || !Array.isArray(rules)) return [];
  const reasons = new Map(
    permissions.map((permission) => [JSON.stringify(ruleOf(permission)), permission.why]),
  );
  return rules.map((rule) => reasons.get(JSON.stringify(rule)) ?? '');
}

const role = (kind: 'Role' | 'ClusterRole', rules: unknown, metadata: object = {}): Manifest => ({
  apiVersion: `${rbac}/v1`,
  kind,
  metadata: { name: operator, ...metadata },
  rules,
});

const binding = (
  kind: 'Role' | 'ClusterRole',
  { name = operator, ...metadata }: { readonly name?: string; readonly namespace?: string } = {},
): Manifest => ({
  apiVersion: `${rbac}/v1`,
  kind: `${kind}Binding`,
  metadata: { name, ...metadata },
  roleRef: { apiGroup: rbac, kind, name },
  subjects: [{ kind: 'ServiceAccount', name: operator, ...ownNamespace }],
});

const userRole = (name: string, verbs: readonly string[]): Manifest =>
  role(
    'ClusterRole',
    [
      { apiGroups: [group], resources: [plural], verbs },
      { apiGroups: [group], resources: [`${plural}/status`], verbs: ['get'] },
    ],
    { name },
  );

const read = ['get', 'list', 'watch'];

const serviceAccount: ManifestFile = {
  path: 'service-account.yaml',
  note: 'ServiceAccount of the operator.',
  manifests: [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: operator, ...ownNamespace } }],
};

const ownRole: ManifestFile = {
  path: 'role.yaml',
  note: 'Permissions of the operator in its own namespace.',
  manifests: [role('Role', rulesOf('own'), ownNamespace), binding('Role', ownNamespace)],
};

const userRoles: ManifestFile = {
  path: 'user-roles.yaml',
  note: 'Roles for users: bind them in the namespaces where they are needed. They are not aggregated into view, edit and admin, because a user who may write an ExternalBackend may point a Service at any address. Kubernetes removed this right from edit for the same reason (CVE-2021-25740). With config/components/author-rights, services[].externalIPs also needs external-backend-external-ips.',
  manifests: [
    userRole('external-backend-viewer', read),
    userRole('external-backend-editor', [...read, 'create', 'update', 'patch', 'delete']),
    role('ClusterRole', [{ apiGroups: [group], resources: [plural], verbs: [externalIpsVerb] }], {
      name: 'external-backend-external-ips',
    }),
  ],
};

const metricsReader: ManifestFile = {
  path: 'metrics-reader.yaml',
  note: 'Role for Prometheus: bind its ServiceAccount to it, so that its token may read /metrics.',
  manifests: [
    role('ClusterRole', [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }], {
      name: `${operator}-metrics-reader`,
    }),
  ],
};

/** Returns a ClusterRole with the permissions of one scope, for an installation with `--namespaces`. */
function clusterRole(scope: 'networks' | 'metrics', note: string): ManifestFile {
  const name = `${operator}-${scope}`;
  const manifests = [role('ClusterRole', rulesOf(scope), { name }), binding('ClusterRole', { name })];
  return { path: 'cluster-role.yaml', note, manifests };
}

/** Differs from the Role for the operator's own namespace, which may be one of those that it serves. */
const watchedName = `${operator}-watched`;

const secretsName = `${operator}-secrets`;

const secretsRole = (kind: 'Role' | 'ClusterRole', path: string, where: string): ManifestFile => ({
  path,
  note: `The operator may read all Secrets ${where}. It reads only those that an ExternalBackend names. Add resourceNames to the rule to limit them.`,
  manifests: [role(kind, rulesOf('secrets'), { name: secretsName }), binding(kind, { name: secretsName })],
});

/**
 * A Component is added to the kustomization.yaml of an installation. A Kustomization is applied by itself.
 */
type Kustomize = 'Kustomization' | 'Component';

const kustomization = (files: readonly ManifestFile[], note: string, kind: Kustomize): ManifestFile => ({
  path: 'kustomization.yaml',
  note,
  manifests: [
    {
      apiVersion: `kustomize.config.k8s.io/${kind === 'Component' ? 'v1alpha1' : 'v1beta1'}`,
      kind,
      resources: files.map(({ path }) => path),
    },
  ],
});

/** Returns the files of a folder with its kustomization.yaml, which lists them. */
export function manifestFolder(
  path: string,
  note: string,
  files: readonly ManifestFile[],
  kind: Kustomize = 'Kustomization',
): readonly ManifestFile[] {
  return [...files, kustomization(files, note, kind)].map((file) => ({
    ...file,
    path: `${path}/${file.path}`,
  }));
}

/** Returns all files that are generated from the table of permissions. */
export const rbacFiles = (): readonly ManifestFile[] => [...wholeClusterFiles(), ...namespacedFiles()];

function wholeClusterFiles(): readonly ManifestFile[] {
  return [
    ...manifestFolder('config/rbac', 'Permissions for an operator that serves all namespaces.', [
      serviceAccount,
      {
        path: 'cluster-role.yaml',
        note: 'Permissions of the operator in all namespaces.',
        manifests: [role('ClusterRole', rulesOf('watched', 'networks', 'metrics')), binding('ClusterRole')],
      },
      ownRole,
      metricsReader,
      userRoles,
    ]),
    ...manifestFolder(
      'config/components/secrets',
      'Lets probes log in and verify certificates with the content of Secrets. Add it to the components of config/default.',
      [secretsRole('ClusterRole', 'cluster-role.yaml', 'in all namespaces')],
      'Component',
    ),
  ];
}

function namespacedFiles(): readonly ManifestFile[] {
  return [
    ...manifestFolder(
      'config/rbac-namespaced/operator',
      'For --namespaces: permissions of the operator in its own namespace.',
      [serviceAccount, ownRole],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/watched',
      'For --namespaces: apply once in each of these namespaces, with kubectl apply -n NAMESPACE -k.',
      [
        {
          path: 'role.yaml',
          note: 'Permissions of the operator in a namespace that it serves.',
          manifests: [
            role('Role', rulesOf('watched'), { name: watchedName }),
            binding('Role', { name: watchedName }),
          ],
        },
      ],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/networks',
      'For --namespaces: lets the operator read the networks of the cluster, so that it can refuse them as targets.',
      [clusterRole('networks', 'Lets the operator read Nodes and ServiceCIDRs.')],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/metrics',
      'For --namespaces: a user who may create ClusterRoles applies it once. Without it, /metrics needs --metrics-auth=none.',
      [
        clusterRole(
          'metrics',
          'Lets the operator find the user of a token that a client of /metrics presents, and check the rights of this user.',
        ),
        metricsReader,
      ],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/secrets',
      'For --namespaces: apply once in each of these namespaces that has ExternalBackends with credentials or tls, with kubectl apply -n NAMESPACE -k.',
      [secretsRole('Role', 'role.yaml', 'in the namespace')],
    ),
  ];
}
