import { group, plural } from './external-backend.ts';
import { externalIpsVerb } from './lent-powers.ts';

/** Name of the operator's ServiceAccount and namespace, and of its roles. */
const operator = 'external-backend-operator';

/**
 * What the operator may do: exactly what it does. `watched`: in every namespace with backends (a ClusterRole, or with
 * `--namespaces` a Role in each of them). `cluster`: of no namespace; with `--namespaces` only for who applies it. `own`: in the operator's namespace only. `secrets`: where backends are, but only
 * for who applies it: a role of its own.
 */
export interface Permission {
  readonly scope: 'watched' | 'cluster' | 'own' | 'secrets';
  readonly apiGroup: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly why: string;
}

const watched = (
  apiGroup: string,
  resources: readonly string[],
  verbs: readonly string[],
  why: string,
): Permission => ({
  scope: 'watched',
  apiGroup,
  resources,
  verbs,
  why,
});

export const permissions: readonly Permission[] = [
  watched(group, [plural], ['get', 'list', 'watch'], 'The backends themselves.'),
  watched(group, [`${plural}/status`], ['get', 'patch', 'update'], 'What it reports of them.'),
  watched(
    group,
    [`${plural}/finalizers`],
    ['update'],
    'To name a backend as the owner of its objects, where OwnerReferencesPermissionEnforcement is on (OpenShift).',
  ),
  watched(
    '',
    ['services'],
    ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'],
    'The Services it makes; those of others it reads, to leave them alone.',
  ),
  watched(
    'discovery.k8s.io',
    ['endpointslices'],
    ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'],
    'The addresses it publishes.',
  ),
  watched(
    '',
    ['endpoints'],
    ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'],
    'The same addresses for readers of the older API.',
  ),
  watched(
    'events.k8s.io',
    ['events'],
    ['create', 'patch', 'update'],
    'One Event for each change of an address.',
  ),
  {
    scope: 'cluster',
    apiGroup: 'networking.k8s.io',
    resources: ['servicecidrs'],
    verbs: ['list', 'watch'],
    why: 'Networks of Services, which are no targets (--deny-cluster-networks).',
  },
  {
    scope: 'cluster',
    apiGroup: '',
    resources: ['nodes'],
    verbs: ['list', 'watch'],
    why: 'Networks of pods, and ports of Nodes, which are no targets (--deny-cluster-networks).',
  },
  {
    scope: 'own',
    apiGroup: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
    why: 'Leader election: one operator writes.',
  },
  {
    scope: 'secrets',
    apiGroup: '',
    resources: ['secrets'],
    verbs: ['get'],
    why: 'Those that backends name in credentials and tls; one by one, never listed or watched.',
  },
];

export type Manifest = Readonly<Record<string, unknown>> & { readonly kind: string };

export interface ManifestFile {
  readonly path: string;
  /** Said on top of the file. */
  readonly note: string;
  readonly manifests: readonly Manifest[];
}

const rbac = 'rbac.authorization.k8s.io';
const ownNamespace = { namespace: operator };

type Scopes = readonly Permission['scope'][];

/** Scopes that a role of their own grants, or one role together. */
const roles: readonly Scopes[] = [['watched', 'cluster'], ['watched'], ['cluster'], ['own'], ['secrets']];

const permissionsOf = (scopes: Scopes): readonly Permission[] =>
  permissions.filter(({ scope }) => scopes.includes(scope));

const rulesOf = (...scopes: Scopes) =>
  permissionsOf(scopes).map(({ apiGroup, resources, verbs }) => ({
    apiGroups: [apiGroup],
    resources,
    verbs,
  }));

/** The reasons of the rules of a role, in their order; empty for other manifests. */
export const reasonsOf = (manifest: Manifest): readonly string[] =>
  roles
    .filter((scopes) => JSON.stringify(manifest.rules) === JSON.stringify(rulesOf(...scopes)))
    .flatMap((scopes) => permissionsOf(scopes).map(({ why }) => why));

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
  note: 'Who the operator is.',
  manifests: [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: operator, ...ownNamespace } }],
};

const ownRole: ManifestFile = {
  path: 'role.yaml',
  note: 'What the operator may do in its own namespace.',
  manifests: [role('Role', rulesOf('own'), ownNamespace), binding('Role', ownNamespace)],
};

const userRoles: ManifestFile = {
  path: 'user-roles.yaml',
  note: 'For people: bind them where they are wanted. They are not aggregated into view, edit and admin: whoever may write an ExternalBackend may point a Service at any address (CVE-2021-25740), which Kubernetes took out of edit for that reason. config/components/author-rights asks for external-backend-external-ips too, where services[].externalIPs is set.',
  manifests: [
    userRole('external-backend-viewer', read),
    userRole('external-backend-editor', [...read, 'create', 'update', 'patch', 'delete']),
    role('ClusterRole', [{ apiGroups: [group], resources: [plural], verbs: [externalIpsVerb] }], {
      name: 'external-backend-external-ips',
    }),
  ],
};

const networksName = `${operator}-networks`;

const secretsName = `${operator}-secrets`;

const secretsRole = (kind: 'Role' | 'ClusterRole', path: string, where: string): ManifestFile => ({
  path,
  note: `The operator may read Secrets ${where}: every one that a backend names. resourceNames in the rule bounds that.`,
  manifests: [role(kind, rulesOf('secrets'), { name: secretsName }), binding(kind, { name: secretsName })],
});

/** A Component is added to an installation, in its kustomization.yaml; a Kustomization is applied by itself. */
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

/** The files of a folder with its kustomization.yaml, which lists them. */
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

/** Every manifest made from the table. */
export function rbacFiles(): readonly ManifestFile[] {
  return [
    ...manifestFolder('config/rbac', 'The operator may work in all namespaces.', [
      serviceAccount,
      {
        path: 'cluster-role.yaml',
        note: 'What the operator may do in all namespaces.',
        manifests: [role('ClusterRole', rulesOf('watched', 'cluster')), binding('ClusterRole')],
      },
      ownRole,
      userRoles,
    ]),
    ...manifestFolder(
      'config/rbac-namespaced/operator',
      'For --namespaces: what the operator may do in its own namespace.',
      [serviceAccount, ownRole],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/watched',
      'For --namespaces: apply once in each of them, with kubectl apply -n NAMESPACE -k.',
      [
        {
          path: 'role.yaml',
          note: 'What the operator may do in a namespace that it watches.',
          manifests: [role('Role', rulesOf('watched')), binding('Role')],
        },
      ],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/networks',
      'For --namespaces: lets the operator read the networks of the cluster, so that they are refused as targets.',
      [
        {
          path: 'cluster-role.yaml',
          note: 'The operator may read Nodes and ServiceCIDRs.',
          manifests: [
            role('ClusterRole', rulesOf('cluster'), { name: networksName }),
            binding('ClusterRole', { name: networksName }),
          ],
        },
      ],
    ),
    ...manifestFolder(
      'config/rbac-namespaced/secrets',
      'For --namespaces: apply once in each of them that has backends with credentials or tls, with kubectl apply -n NAMESPACE -k.',
      [secretsRole('Role', 'role.yaml', 'in the namespace')],
    ),
    ...manifestFolder(
      'config/components/secrets',
      'Lets probes log in and verify certificates with the content of Secrets: add it to the components of config/default.',
      [secretsRole('ClusterRole', 'cluster-role.yaml', 'in all namespaces')],
      'Component',
    ),
  ];
}
