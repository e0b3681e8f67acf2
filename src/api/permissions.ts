import { group, plural } from './external-backend.ts';

/** Name of the operator's ServiceAccount and namespace, of its roles and of its Lease. */
export const operatorRole = 'external-backend-operator';

export type PermissionScope = 'watched' | 'networks' | 'metrics' | 'own' | 'secrets';

/**
 * What the operator may do: exactly what it does.
 *
 * | scope      | where                                | with `--namespaces`                         |
 * |------------|--------------------------------------|---------------------------------------------|
 * | `watched`  | every namespace                      | a Role in each of them                      |
 * | `networks` | resources that are in no namespace   | a ClusterRole, applied on request           |
 * | `metrics`  | resources that are in no namespace   | another ClusterRole, applied on request     |
 * | `own`      | the operator's namespace             | the same                                    |
 * | `secrets`  | every namespace, applied on request  | a Role in each of them, applied on request  |
 */
export interface Permission {
  readonly scope: PermissionScope;
  readonly apiGroup: string;
  readonly resources: readonly string[];
  /** Only objects of these names. Default: all. */
  readonly resourceNames?: readonly string[];
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
  watched(group, [`${plural}/status`], ['patch'], 'What it reports of them.'),
  watched(
    group,
    [`${plural}/finalizers`],
    ['update'],
    'To name a backend as the owner of its objects, where OwnerReferencesPermissionEnforcement is on (OpenShift).',
  ),
  watched(
    '',
    ['services'],
    // A server-side apply of a Service that does not exist is a patch that needs the right to create as well.
    ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    'The Services it makes; those of others it reads, to leave them alone.',
  ),
  watched(
    'discovery.k8s.io',
    ['endpointslices'],
    ['get', 'list', 'watch', 'create', 'update', 'delete'],
    'The addresses it publishes.',
  ),
  watched(
    '',
    ['endpoints'],
    ['get', 'list', 'watch', 'create', 'update', 'delete'],
    'The same addresses for readers of the older API.',
  ),
  watched('events.k8s.io', ['events'], ['create', 'patch'], 'One Event for each change of an address.'),
  {
    scope: 'networks',
    apiGroup: 'networking.k8s.io',
    resources: ['servicecidrs'],
    verbs: ['list', 'watch'],
    why: 'Networks of Services, which are no targets (--deny-cluster-networks).',
  },
  {
    scope: 'networks',
    apiGroup: '',
    resources: ['nodes'],
    verbs: ['list', 'watch'],
    why: 'Networks of pods, and ports of Nodes, which are no targets (--deny-cluster-networks).',
  },
  {
    scope: 'metrics',
    apiGroup: 'authentication.k8s.io',
    resources: ['tokenreviews'],
    verbs: ['create'],
    why: 'Whose token a client of /metrics presents.',
  },
  {
    scope: 'metrics',
    apiGroup: 'authorization.k8s.io',
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
    why: 'Whether that user may read /metrics.',
  },
  {
    scope: 'own',
    apiGroup: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: ['create'],
    why: 'Leader election: one operator writes. The name of what is created cannot be bounded.',
  },
  {
    scope: 'own',
    apiGroup: 'coordination.k8s.io',
    resources: ['leases'],
    resourceNames: [operatorRole],
    verbs: ['get', 'update'],
    why: 'The Lease of --lease-name and no other.',
  },
  {
    scope: 'secrets',
    apiGroup: '',
    resources: ['secrets'],
    verbs: ['get'],
    why: 'Those that backends name in credentials and tls; one by one, never listed or watched.',
  },
];
