/**
 * All settings of the operator. The flags, the environment variables, `--help` and docs/configuration.md are
 * derived from them. The key `leaseDuration` gives the flag `--lease-duration` and the variable
 * EXTERNAL_BACKEND_LEASE_DURATION. `env` names a second variable. `prefault` is the default as a user would
 * write it; a setting without one may be absent.
 */
import { z } from 'zod';
import { serviceFeatures } from '../api/delegated-powers.ts';
import * as v from './values.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

const scope = {
  namespaces: v.namespaceNames.prefault('').meta({
    description: 'Namespaces to serve. Empty: all namespaces of the cluster (needs the ClusterRole). With a list, a Role in each namespace is enough.',
  }),
  excludeNamespaces: v.namespaceNames.prefault('kube-system,kube-public,kube-node-lease').meta({
    description:
      'Namespaces that are not served. The status of an ExternalBackend there has the reason NamespaceExcluded, and nothing is probed or written. None of them may be in --namespaces.',
  }),
  serviceFeatures: v.anyOf(serviceFeatures).prefault(serviceFeatures.join(',')).meta({
    description:
      'Service features that ExternalBackends may use, in addition to Services of type ClusterIP and headless Services. A Service that uses another feature is not created. An existing one remains unchanged, and its addresses still follow the probes. ForeignMetadata: labels and annotations with a domain in the key, except app.kubernetes.io. Adopt: taking over Services and endpoints of other owners. ExternalName: aliases.',
  }),
  denyCidr: v.cidrs.prefault('').meta({
    description:
      'Networks that are refused as target addresses, in addition to unspecified, loopback, link-local, multicast and reserved addresses and the metadata services of clouds. May be repeated.',
  }),
  allowCidr: v.cidrs.prefault('').meta({
    description:
      'Networks that are allowed although --deny-cidr or --deny-cluster-networks contains them, if the denied network is as large or larger. Metadata services and the other addresses that are always refused are never allowed. May be repeated.',
  }),
  denyClusterNetworks: v.oneOf(['auto', 'off']).prefault('auto').meta({
    description:
      "auto: targets may not be in a network of the cluster's Services (ServiceCIDR objects) or pods (podCIDRs of Nodes), and may not be the API server, or a Node with a port of Kubernetes (2379, 2380, 6443, 10250, 10255 to 10259, 22623, 22624). With --namespaces it needs config/rbac-namespaced/networks. off: no such check.",
  }),
  aliasDeny: v.namePatterns.prefault('').meta({
    description:
      'Host names that are refused in an alias (mode: ExternalName), such as *.svc.cluster.local: a name, or *. and a name for all names below it. localhost, and names that clients read as an IP address, are always refused. May be repeated.',
  }),
  serviceCidr: v.cidrs.prefault('').meta({
    description:
      "Networks of the cluster's Services, whose addresses are refused as targets. Needed if --deny-cluster-networks=auto cannot read them. May be repeated.",
  }),
  legacyEndpoints: v.boolean.prefault('true').meta({
    description: 'Also write the deprecated Endpoints object of each Service, for clients that still read it.',
  }),
  maxEndpointsPerSlice: v.integer(1, 1000).prefault('100').meta({
    description: 'Maximum number of addresses in one EndpointSlice. A smaller value gives smaller writes, a larger value gives fewer objects.',
  }),
};

const leadership = {
  leaderElect: v.boolean.prefault('true').meta({
    description: 'Work only while this replica holds the Lease. Set false only if there can never be a second replica.',
  }),
  leaseName: v.objectName.prefault('external-backend-operator').meta({ description: 'Name of the Lease. The Role contains it too: change both.' }),
  leaseNamespace: v.namespaceName.prefault('external-backend-operator').meta({
    description: 'Namespace of the Lease.',
    env: 'POD_NAMESPACE',
  }),
  identity: v.identity.optional().meta({
    description:
      'Name of this replica in Events. In the Lease it is followed by a random part for each process. Default: the host name.',
    env: 'POD_NAME',
  }),
  leaseDuration: v.duration.prefault('15s').meta({
    description: 'Time after the last renewal of the Lease during which no other replica takes over.',
  }),
  renewDeadline: v.duration.prefault('10s').meta({
    description: 'Time for which the leader tries to renew the Lease before it stops leading. Less than --lease-duration.',
  }),
  retryPeriod: v.duration.prefault('2s').meta({
    description: 'Pause between two attempts to get or renew the Lease. Less than --renew-deadline.',
  }),
};

const replicas = {
  secondOpinion: v.boolean.prefault('true').meta({
    description:
      'Ask the other replicas before a silent address is removed, and let one of them lead that reaches hosts that the leader does not. Each replica has a Lease of its own for it, named after --lease-name and the replica. Without --leader-elect there are no other replicas.',
  }),
};

const serving = {
  healthAddress: v.listenAddress.prefault(':8081').meta({
    description: 'Address that serves /livez and /readyz, for the kubelet.',
  }),
  metricsAddress: v.listenAddress.prefault(':8080').meta({
    description: 'Address that serves /metrics, for Prometheus.',
  }),
  metricsAuth: v.oneOf(['token', 'none']).prefault('token').meta({
    description:
      'Access to /metrics. token: a client needs a bearer token of a user who may get the non-resource URL /metrics. none: every client that reaches the port.',
  }),
  metricsCertFile: v.text.optional().meta({
    description:
      'PEM file with a certificate and its chain. With it, /metrics is served over HTTPS. Read again every 30 s. Needs --metrics-key-file.',
  }),
  metricsKeyFile: v.text.optional().meta({ description: 'PEM file with the key of --metrics-cert-file.' }),
  metricsPerBackend: v.boolean.prefault('true').meta({
    description: 'Export the ready and total addresses of each backend.',
  }),
  metricsMaxBackends: v.integer(0, 100_000).prefault('1000').meta({
    description: 'Maximum number of backends with their own metric series, in equal shares by namespace. The rest are only counted.',
  }),
  logLevel: v.oneOf(logLevels).prefault('info').meta({ description: 'Minimum log level.' }),
  shutdownTimeout: v.duration.prefault('20s').meta({
    description: 'Time for which writes in flight may take after SIGTERM. Less than terminationGracePeriodSeconds.',
  }),
};

const limits = {
  autoSelectHandler: v.boolean.prefault('true').meta({
    description:
      'If spec names no handler, probe the port of a known database (by appProtocol, else by number) with the protocol of that database. false: always tcpSocket.',
  }),
  maxConcurrentProbes: v.integer(1, 65_535).prefault('4096').meta({
    description: 'Maximum number of concurrent probes. Each uses a file descriptor.',
  }),
  maxProbeRatePerNamespace: v.integer(1, 1_000_000).prefault('500').meta({
    description:
      'Maximum number of probes per second of the backends of one namespace. Identical probes count once. A probe that uses 2 ms of CPU time or more counts once for each millisecond. If specs need more, all periods of the namespace are extended.',
  }),
  maxProbesPerHost: v.integer(1, 1000).prefault('8').meta({
    description: 'Maximum number of concurrent probes of one IP, over all namespaces, which take turns.',
  }),
  maxProbesPerHostAndNamespace: v.integer(1, 1000).prefault('2').meta({
    description: 'Maximum number of concurrent probes of one IP by the backends of one namespace. A probe that several backends share counts for the backend at whose turn it runs.',
  }),
  probeWorkers: v.integer(0, 64).prefault('1').meta({
    description:
      'Number of threads that probe. Each uses about 25 MB and at most one core. More than one is useful if probes use TLS or log in. 0: the main thread also probes, for debugging only.',
  }),
  probeWorkerStall: v.duration.prefault('2s').meta({
    description: 'Time after which a probe thread that does not respond is replaced.',
  }),
  maxConcurrentApiRequests: v.integer(1, 1000).prefault('32').meta({
    description: 'Maximum number of concurrent requests to the API server. One eighth of them is reserved for EndpointSlices. Reads of Secrets use at most half of them, Events at most a quarter.',
  }),
  maxConcurrentReconciles: v.integer(1, 10_000).prefault('1024').meta({
    description:
      'Maximum number of backends of one namespace that are reconciled concurrently. One eighth more is reserved for other namespaces. The limit of concurrent writes is --max-concurrent-api-requests.',
  }),
};

const isolation = {
  isolationShare: v.integer(0, 100).prefault('50').meta({
    description:
      'Share of the hosts, in percent, that must be silent at once for the operator to count as cut off from them. Then no address is removed because it is silent, until fewer are. 0: addresses are removed whatever the other hosts do.',
  }),
  isolationMinHosts: v.integer(2, 10_000).prefault('3').meta({
    description:
      'Number of silent hosts (and canaries), of at least two backends, from which on the operator may count as cut off. With fewer hosts, silent addresses are always removed.',
  }),
  canary: v.canaries.prefault('').meta({
    description:
      'Address and TCP port that answers as long as the network of the operator works, for example a router or a name server. It counts as one more host of another backend. Useful with fewer than three hosts. Probed only when a host becomes silent. May be repeated.',
  }),
};

const names = {
  dnsServers: v.dnsServers.prefault('').meta({
    description:
      'Name servers for the host names of targets, as address or address:port (default port 53). May be repeated. Empty: the name servers in --resolv-conf.',
  }),
  dnsMinRefresh: v.duration.prefault('5s').meta({
    description:
      'Minimum time between two queries of a name, also while a negative answer is confirmed. A smaller dns.minRefreshSeconds or maxRefreshSeconds of a resource is raised to this value.',
  }),
  resolvConf: v.text.prefault('/etc/resolv.conf').meta({
    description:
      'File with the search list for names without a dot, and with the name servers if --dns-servers is not set. Read again when it changes.',
  }),
};

const dnsLimits = {
  dnsMaxQps: v.integer(1, 100_000).prefault('1000').meta({
    description:
      'Maximum number of queries per second to the name servers, over all names. The queries of one second may be sent at once, further ones are spread. Names above the limit wait, and namespaces take turns.',
  }),
};

const connection = {
  kubeconfig: v.text.optional().meta({
    description: 'Path of a kubeconfig, or several separated by a colon, as kubectl reads KUBECONFIG. Default: ~/.kube/config if it exists, else the service account of the pod.',
    env: 'KUBECONFIG',
  }),
  context: v.text.optional().meta({ description: 'Context of the kubeconfig. Default: its current context.' }),
};

export const configSchema = z
  .strictObject({ ...scope, ...leadership, ...replicas, ...serving, ...limits, ...isolation, ...names, ...dnsLimits, ...connection })
  .superRefine((config, context) => {
    const ordered = (less: 'renewDeadline' | 'retryPeriod', more: 'leaseDuration' | 'renewDeadline', flag: string) => {
      if (config[less] < config[more]) return;
      context.addIssue({ code: 'custom', path: [less], message: `must be less than ${flag}` });
    };
    if (config.leaseDuration % 1000 !== 0)
      context.addIssue({
        code: 'custom',
        path: ['leaseDuration'],
        message: 'must be whole seconds, because a Lease stores whole seconds',
      });
    const excluded = config.namespaces.filter((name) => config.excludeNamespaces.includes(name));
    if (excluded.length > 0)
      context.addIssue({
        code: 'custom',
        path: ['namespaces'],
        message: `has ${excluded.join(', ')}, which --exclude-namespaces contains too: remove it from one of them`,
      });
    if ((config.metricsCertFile === undefined) !== (config.metricsKeyFile === undefined))
      context.addIssue({
        code: 'custom',
        path: [config.metricsKeyFile === undefined ? 'metricsKeyFile' : 'metricsCertFile'],
        message: 'must be set too, because a certificate needs its key',
      });
    ordered('renewDeadline', 'leaseDuration', '--lease-duration');
    ordered('retryPeriod', 'renewDeadline', '--renew-deadline');
  });

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/**
 * Settings of the operator. Times are milliseconds: `leaseDuration`, `renewDeadline`, `retryPeriod`,
 * `shutdownTimeout`, `probeWorkerStall`, `dnsMinRefresh`.
 */
export type Config = Frozen<z.output<typeof configSchema>>;
