/**
 * Every setting of the operator, once. Flag, environment variable, `--help` and docs/configuration.md follow from here:
 * the key `leaseDuration` is the flag `--lease-duration` and the variable EXTERNAL_BACKEND_LEASE_DURATION;
 * `env` names a second variable. `prefault` holds the default as a user would write it; without one the setting may be absent.
 */
import { z } from 'zod';
import { serviceFeatures } from '../api/lent-powers.ts';
import * as v from './values.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

const scope = {
  namespaces: v.namespaceNames.prefault('').meta({
    description: 'Namespaces to serve. Empty: all of the cluster, which takes the ClusterRole; a list takes a Role in each.',
  }),
  excludeNamespaces: v.namespaceNames.prefault('kube-system,kube-public,kube-node-lease').meta({
    description:
      'Namespaces that are not served: the status of an ExternalBackend there reports that it is excluded, and nothing is probed or written. None of them may be in --namespaces.',
  }),
  serviceFeatures: v.anyOf(serviceFeatures).prefault(serviceFeatures.join(',')).meta({
    description:
      'What ExternalBackends may ask of Services, beyond a cluster IP or a headless Service. A Service that asks for anything else is not created, and one that exists remains as it is while its addresses follow the probes. ForeignMetadata: labels and annotations with a key of a domain, except app.kubernetes.io. Adopt: taking over Services and endpoints of others. ExternalName: aliases.',
  }),
  denyCidr: v.cidrs.prefault('').meta({
    description:
      'Networks that no target may be in, in addition to unspecified, loopback, link-local, multicast and reserved addresses and the metadata services of clouds. May be given several times.',
  }),
  allowCidr: v.cidrs.prefault('').meta({
    description:
      'Exceptions from --deny-cidr and --deny-cluster-networks, each from networks that are as large or larger. Metadata services and other addresses that are always refused stay refused. May be given several times.',
  }),
  denyClusterNetworks: v.oneOf(['auto', 'off']).prefault('auto').meta({
    description:
      "Auto: no target may be in a network of the cluster's Services (ServiceCIDR objects) or pods (podCIDRs of Nodes), be the API server, or be a Node at a port of Kubernetes (2379, 2380, 6443, 10250, 10255 to 10259, 22623, 22624). With --namespaces it needs config/rbac-namespaced/networks.",
  }),
  aliasDeny: v.namePatterns.prefault('').meta({
    description:
      'Hosts that no alias (mode: ExternalName) may lead to, such as *.svc.cluster.local: a name, or *. and a name for all below it. localhost and addresses in disguise are always refused. May be given several times.',
  }),
  serviceCidr: v.cidrs.prefault('').meta({
    description:
      "Networks of the cluster's own Services, whose addresses are refused as targets, where --deny-cluster-networks=auto cannot read them. May be given several times.",
  }),
  legacyEndpoints: v.boolean.prefault('true').meta({
    description: 'Write the deprecated Endpoints object of each Service too, for programs that still read it.',
  }),
  maxEndpointsPerSlice: v.integer(1, 1000).prefault('100').meta({
    description: 'Addresses in one EndpointSlice. A smaller number makes smaller writes, a larger one fewer objects.',
  }),
};

const leadership = {
  leaderElect: v.boolean.prefault('true').meta({
    description: 'Work only while holding the Lease. Switch off only where one replica can ever run.',
  }),
  leaseName: v.objectName.prefault('external-backend-operator').meta({ description: 'Name of the Lease. The Role names it too: change both.' }),
  leaseNamespace: v.namespaceName.prefault('external-backend-operator').meta({
    description: 'Namespace of the Lease.',
    env: 'POD_NAMESPACE',
  }),
  identity: v.identity.optional().meta({
    description:
      'Name of this replica in Events and, with a random part for each process, in the Lease. Default: the host name.',
    env: 'POD_NAME',
  }),
  leaseDuration: v.duration.prefault('15s').meta({
    description: 'How long a Lease that is not renewed keeps others from taking over.',
  }),
  renewDeadline: v.duration.prefault('10s').meta({
    description: 'How long the leader tries to renew before it gives up. Less than --lease-duration.',
  }),
  retryPeriod: v.duration.prefault('2s').meta({
    description: 'Pause between two tries to take or renew the Lease. Less than --renew-deadline.',
  }),
};

const serving = {
  healthAddress: v.listenAddress.prefault(':8081').meta({
    description: 'Where /livez and /readyz are served, for the kubelet.',
  }),
  metricsAddress: v.listenAddress.prefault(':8080').meta({
    description: 'Where /metrics is served, for Prometheus.',
  }),
  metricsAuth: v.oneOf(['token', 'none']).prefault('token').meta({
    description:
      'Who may read /metrics. token: a client with a bearer token whose user may get the non-resource URL /metrics. none: everybody who reaches the port.',
  }),
  metricsCertFile: v.text.optional().meta({
    description:
      'PEM file of a certificate, with its chain: /metrics is served by https. Read again every 30 s. Needs --metrics-key-file.',
  }),
  metricsKeyFile: v.text.optional().meta({ description: 'PEM file of the key of --metrics-cert-file.' }),
  metricsPerBackend: v.boolean.prefault('true').meta({
    description: 'Export ready and total addresses of each backend.',
  }),
  metricsMaxBackends: v.integer(0, 100_000).prefault('1000').meta({
    description: 'Backends with series of their own, in equal shares by namespace; those beyond are only counted.',
  }),
  logLevel: v.oneOf(logLevels).prefault('info').meta({ description: 'Least level that is logged.' }),
  shutdownTimeout: v.duration.prefault('20s').meta({
    description: 'How long writes in flight may take after SIGTERM. Less than terminationGracePeriodSeconds.',
  }),
};

const limits = {
  autoSelectHandler: v.boolean.prefault('true').meta({
    description:
      'Without a handler in the spec, ask a port of a known database (by appProtocol, else by number) in its own protocol. False: only tcpSocket.',
  }),
  maxConcurrentProbes: v.integer(1, 65_535).prefault('4096').meta({
    description: 'Probes that run at the same time. Each takes a file descriptor.',
  }),
  maxProbeRatePerNamespace: v.integer(1, 1_000_000).prefault('500').meta({
    description:
      'Probes a second of the backends of one namespace; equal ones count once, and one that takes 2 ms of CPU or more counts once for each millisecond. Where specs ask for more, all periods of the namespace are stretched.',
  }),
  maxProbesPerHost: v.integer(1, 1000).prefault('8').meta({
    description: 'Probes of one IP that run at the same time, over all namespaces, which take turns.',
  }),
  maxProbesPerHostAndNamespace: v.integer(1, 1000).prefault('2').meta({
    description: 'The same, of the backends of one namespace. Probes that backends share count for the one at whose turn they run.',
  }),
  probeWorkers: v.integer(0, 64).prefault('1').meta({
    description:
      'Threads that probe. Each takes about 25 MB and at most one core; more than one pays where probes speak TLS or log in. 0: the thread that leads probes too, for debugging only.',
  }),
  probeWorkerStall: v.duration.prefault('2s').meta({
    description: 'A thread that probes and does not answer for this time is replaced by a new one.',
  }),
  maxConcurrentApiRequests: v.integer(1, 1000).prefault('32').meta({
    description: 'Requests to the API server that run at the same time. An eighth of them is for EndpointSlices alone; reads of Secrets have a half at most, Events a quarter.',
  }),
  maxConcurrentReconciles: v.integer(1, 10_000).prefault('1024').meta({
    description:
      'Backends of one namespace that are reconciled at the same time. An eighth more is for other namespaces. --max-concurrent-api-requests limits the writes.',
  }),
};

const names = {
  dnsServers: v.dnsServers.prefault('').meta({
    description:
      'Name servers for the host names of targets, as address or address:port (53 where it is left out). May be given several times. Empty: those of --resolv-conf.',
  }),
  dnsMinRefresh: v.duration.prefault('5s').meta({
    description:
      'Shortest time between two queries of a name, and between two questions about a denial. A smaller dns.minRefreshSeconds or maxRefreshSeconds of a resource counts as this.',
  }),
  resolvConf: v.text.prefault('/etc/resolv.conf').meta({
    description:
      'File with the search list for names without a dot, and with the name servers unless --dns-servers gives them. Read again when it changes.',
  }),
};

const dnsLimits = {
  dnsMaxQps: v.integer(1, 100_000).prefault('1000').meta({
    description:
      'Queries a second to the name servers, over all names: a second of them at once, then one after another. Beyond it names wait, and namespaces take turns.',
  }),
};

const connection = {
  kubeconfig: v.text.optional().meta({
    description: "Path of a kubeconfig. Default: ~/.kube/config where it exists, else the service account of the pod.",
    env: 'KUBECONFIG',
  }),
  context: v.text.optional().meta({ description: 'Context of the kubeconfig. Default: its current one.' }),
};

export const configSchema = z
  .strictObject({ ...scope, ...leadership, ...serving, ...limits, ...names, ...dnsLimits, ...connection })
  .superRefine((config, context) => {
    const ordered = (less: 'renewDeadline' | 'retryPeriod', more: 'leaseDuration' | 'renewDeadline', flag: string) => {
      if (config[less] < config[more]) return;
      context.addIssue({ code: 'custom', path: [less], message: `must be less than ${flag}` });
    };
    if (config.leaseDuration % 1000 !== 0)
      context.addIssue({
        code: 'custom',
        path: ['leaseDuration'],
        message: 'must be whole seconds, because a Lease contains nothing finer',
      });
    const excluded = config.namespaces.filter((name) => config.excludeNamespaces.includes(name));
    if (excluded.length > 0)
      context.addIssue({
        code: 'custom',
        path: ['namespaces'],
        message: `has ${excluded.join(', ')}, which --exclude-namespaces excludes: remove it from the one or the other`,
      });
    if ((config.metricsCertFile === undefined) !== (config.metricsKeyFile === undefined))
      context.addIssue({
        code: 'custom',
        path: [config.metricsKeyFile === undefined ? 'metricsKeyFile' : 'metricsCertFile'],
        message: 'must be given: a certificate and its key are two files',
      });
    ordered('renewDeadline', 'leaseDuration', '--lease-duration');
    ordered('retryPeriod', 'renewDeadline', '--renew-deadline');
  });

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** Times are milliseconds: `leaseDuration`, `renewDeadline`, `retryPeriod`, `shutdownTimeout`, `probeWorkerStall`. */
export type Config = Frozen<z.output<typeof configSchema>>;
