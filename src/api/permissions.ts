import { group, plural } from './external-backend.ts';

/** Name of the ServiceAccount and the namespace of the operator, of its roles and of its Lease. */
export const operatorRole = 'external-backend-operator';

export type PermissionScope = 'watched' | 'networks' | 'metrics' | 'own' | 'secrets';

/**
 * One permission of the operator. It has exactly those that it uses.
 *
 * | scope      | where                                | with `--namespaces`                         |
 * |------------|--------------------------------------|---------------------------------------------|
 * | `watched`  | every namespace                      | a Role in each of them                      |
 * | `networks` | resources without a namespace        | a ClusterRole, applied on request           |
 * | `metrics`  | resources without a namespace        | another ClusterRole, applied on request     |
 * | `own`      | the operator's namespace             | the same                                    |
 * | `secrets`  | every namespace, applied on request  | a Role in each of them, applied on request  |
 */
export interface Permission {
  readonly scope: PermissionScope;
  readonly apiGroup: string;
  readonly resources: readonly string[];
  /** Names of the objects that the permission is limited to. Default: all. */
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
  watched(group, [plural], ['get', 'list', 'watch'], 'Reads the ExternalBackends.'),
  watched(group, [`${plural}/status`], ['patch'], 'Writes the status of ExternalBackends.'),
  watched(
    group,
    [`${plural}/finalizers`],
    ['update'],
    'Sets an ExternalBackend as the owner of its objects, if OwnerReferencesPermissionEnforcement is enabled (OpenShift).',
  ),
  watched(
    '',
    ['services'],
    // A server-side apply of a Service that does not exist is a patch, and needs the verb create as well.
    ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    'Writes the Services of ExternalBackends. Reads other Services, to leave them unchanged.',
  ),
  watched(
    'discovery.k8s.io',
    ['endpointslices'],
    ['get', 'list', 'watch', 'create', 'update', 'delete'],
    'Writes the addresses of these Services.',
  ),
  watched(
    '',
    ['endpoints'],
    ['get', 'list', 'watch', 'create', 'update', 'delete'],
    'Writes the same addresses for clients that read Endpoints.',
  ),
  watched(
    'events.k8s.io',
    ['events'],
    ['create', 'patch'],
    'Creates an Event when the health of an address changes.',
  ),
  {
    scope: 'networks',
    apiGroup: 'networking.k8s.io',
    resources: ['servicecidrs'],
    verbs: ['list', 'watch'],
    why: 'Reads the networks of Services, which are refused as targets (--deny-cluster-networks).',
  },
  {
    scope: 'networks',
    apiGroup: '',
    resources: ['nodes'],
    verbs: ['list', 'watch'],
    why: 'Reads the networks of pods and the addresses of Nodes. The networks, and ports of Kubernetes on Nodes, are refused as targets (--deny-cluster-networks).',
  },
  {
    scope: 'metrics',
    apiGroup: 'authentication.k8s.io',
    resources: ['tokenreviews'],
    verbs: ['create'],
    why: 'Finds the user of the token that a client of /metrics presents.',
  },
  {
    scope: 'metrics',
    apiGroup: 'authorization.k8s.io',
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
    why: 'Checks that this user may read /metrics.',
  },
  {
    scope: 'own',
    apiGroup: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: ['create'],
    why: 'Creates the Lease of the leader election. RBAC cannot limit the name of an object that is created.',
  },
  {
    scope: 'own',
    apiGroup: 'coordination.k8s.io',
    resources: ['leases'],
    resourceNames: [operatorRole],
    verbs: ['get', 'update'],
    why: 'Reads and renews the Lease of --lease-name, and no other.',
  },
  {
    scope: 'own',
    apiGroup: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: ['list', 'watch', 'patch', 'delete'],
    why: 'Has a Lease for each replica, in which the replicas ask each other about silent addresses (--second-opinion).',
  },
  {
    scope: 'secrets',
    apiGroup: '',
    resources: ['secrets'],
    verbs: ['get'],
    why: 'Reads the Secrets that ExternalBackends name in credentials and tls, one by one. It never lists or watches Secrets.',
  },
];
