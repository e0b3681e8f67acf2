/**
 * Values of the Helm chart. values.yaml, values.schema.json and the table in the README of the chart are derived from
 * them. Names are those of other charts of operators (cert-manager, CloudNativePG, external-dns).
 */
import { z } from 'zod';
import { operatorRole } from '../api/permissions.ts';
import { options } from '../config/options.ts';

/** Settings that the chart makes from other values. */
const ownFlags: ReadonlySet<string> = new Set([
  ...[
    'namespaces',
    'lease-name',
    'health-address',
    'metrics-address',
    'metrics-cert-file',
    'metrics-key-file',
  ],
]);

/** Returns a regular expression of all flags that `extraArgs` may have. */
function flagPattern(): RegExp {
  const others = options().filter(({ flag }) => !ownFlags.has(flag));
  const names = others.map(({ flag }) => flag).join('|');
  const switches = others.filter(({ boolean }) => boolean).map(({ flag }) => flag);
  return new RegExp(`^--((${names})=.*|(no-)?(${switches.join('|')}))$`);
}

const name = z.string().regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/);
const strings = z.record(z.string(), z.string());
const quantities = z.record(z.string(), z.union([z.string(), z.number()]));
const objects = z.array(z.looseObject({}));

const enabled = (fallback: boolean, description: string) =>
  z.strictObject({ enabled: z.boolean().default(fallback).meta({ description }) }).prefault({});

const dependency = {
  enabled: z.boolean().optional().meta({
    description: 'No effect. A chart that depends on this one may use it as the condition of the dependency.',
  }),
  global: z.looseObject({}).optional().meta({
    description: 'No effect. Helm passes it to every chart that is a dependency.',
  }),
};

const image = z
  .strictObject({
    repository: z.string().min(1).default(operatorRole).meta({
      description: 'Registry and name of the image. The chart of a release contains the place of its image.',
    }),
    tag: z
      .string()
      .default('')
      .meta({ description: 'Tag of the image. Empty: the appVersion of the chart.' }),
    digest: z
      .string()
      .regex(/^(sha256:[0-9a-f]{64})?$/)
      .default('')
      .meta({
        description:
          'Digest of the image, sha256:…. It is used in place of the tag. The chart of a release contains that of its image.',
      }),
    pullPolicy: z.enum(['IfNotPresent', 'Always', 'Never']).default('IfNotPresent').meta({
      description: 'When the kubelet pulls the image.',
    }),
  })
  .prefault({});

const deployment = {
  fullnameOverride: name.max(40).default('').meta({
    description:
      'Name of all objects. Empty: the name of the release if it contains external-backend-operator, else NAME-external-backend-operator.',
  }),
  image,
  imagePullSecrets: z
    .array(z.strictObject({ name: name.min(1) }))
    .default([])
    .meta({
      description: 'Secrets with a login at the registry of the image, each as {name: …}.',
    }),
  replicaCount: z.int().min(0).max(10).default(2).meta({
    description: 'Number of replicas. One leads, the others wait.',
  }),
  extraArgs: z.array(z.string().regex(flagPattern())).default([]).meta({
    description:
      'Further flags of the operator, each as --name=value (docs/configuration.md). Flags that the chart makes from other values are refused.',
  }),
};

const scope = {
  namespaces: z.array(name.min(1).max(63)).default([]).meta({
    description:
      'Namespaces to serve. Empty: all. With a list the chart has a Role in each of them, which must exist, and no ClusterRole.',
  }),
  rbac: z
    .strictObject({
      create: z.boolean().default(true).meta({
        description: 'Create the roles of the operator and, without namespaces, the roles for users.',
      }),
      networks: z.boolean().default(false).meta({
        description:
          'With namespaces: also create a ClusterRole to read Nodes and ServiceCIDRs, so that targets in these networks are refused.',
      }),
      metrics: z.boolean().default(false).meta({
        description:
          'With namespaces: also create a ClusterRole to check the tokens of clients of /metrics. Without it, /metrics needs --metrics-auth=none in extraArgs.',
      }),
    })
    .prefault({}),
  secrets: enabled(
    false,
    'Let the operator read Secrets: in all namespaces, or in those of namespaces. ExternalBackends with credentials or tls need it.',
  ),
  authorRights: enabled(
    true,
    'Install the ValidatingAdmissionPolicy that refuses an ExternalBackend whose author lacks the rights it makes the operator use. It exists once for the cluster.',
  ),
  crds: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .meta({ description: 'Install and upgrade the CRD. It exists once for the cluster.' }),
      keep: z.boolean().default(true).meta({
        description:
          'Keep the CRD when the release is uninstalled. If false, uninstalling deletes the CRD, and with it every ExternalBackend and every Service of them.',
      }),
    })
    .prefault({}),
};

const icmp = z
  .strictObject({
    enabled: z.boolean().default(false).meta({
      description: 'Allow probes of kind icmp by the sysctl net.ipv4.ping_group_range of the pod.',
    }),
    raw: z.boolean().default(false).meta({
      description:
        'Allow them by the capability NET_RAW and root instead. The namespace needs Pod Security level privileged. Read config/components/icmp-raw first.',
    }),
  })
  .prefault({});

const monitoring = z
  .strictObject({
    podMonitor: enabled(
      false,
      'Create a PodMonitor. Needs its CRD, of the Prometheus Operator, and tokenSecretName.',
    ),
    serviceMonitor: enabled(false, 'Create a ServiceMonitor. Needs its CRD, of the Prometheus Operator.'),
    labels: strings.default({}).meta({
      description: 'Labels of the PodMonitor and the ServiceMonitor, by which Prometheus selects them.',
    }),
    interval: z
      .string()
      .regex(/^[0-9]+(ms|s|m|h)$/)
      .default('30s')
      .meta({ description: 'Time between two scrapes.' }),
    tokenSecretName: name.default('').meta({
      description:
        'Secret of the namespace of the release with the token of a user who may get /metrics, key token. Empty: a ServiceMonitor uses the token of the pod of Prometheus.',
    }),
  })
  .prefault({});

const access = {
  networkPolicy: enabled(
    true,
    'Install the NetworkPolicy: only namespaces with the label metrics=enabled, and the kubelet, reach the operator.',
  ),
  metrics: z
    .strictObject({
      tlsSecretName: name.default('').meta({
        description:
          'Secret of type kubernetes.io/tls, with which /metrics is served over HTTPS. Empty: HTTP.',
      }),
    })
    .prefault({}),
  monitoring,
  icmp,
};

const scheduling = {
  podDisruptionBudget: enabled(true, 'Create a PodDisruptionBudget: one replica at a time may be evicted.'),
  resources: z
    .strictObject({ requests: quantities.optional(), limits: quantities.optional() })
    .default({ requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } })
    .meta({
      description:
        'Resources of the container. A CPU limit delays probes, and delayed probes look like slow databases.',
    }),
  nodeSelector: strings
    .default({ 'kubernetes.io/os': 'linux' })
    .meta({ description: 'Labels of the nodes on which the pods run.' }),
  tolerations: objects.default([]).meta({ description: 'Tolerations of the pods.' }),
  affinity: z.looseObject({}).default({}).meta({ description: 'Affinity of the pods.' }),
  topologySpreadConstraints: objects
    .default(
      ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
      })),
    )
    .meta({ description: 'How the pods spread. A constraint without a labelSelector has that of the pods.' }),
  priorityClassName: z
    .string()
    .default('')
    .meta({ description: 'PriorityClass of the pods. Empty: the default.' }),
  podLabels: strings.default({}).meta({ description: 'Further labels of the pods.' }),
  podAnnotations: strings.default({}).meta({ description: 'Further annotations of the pods.' }),
};

export const chartValues = z.strictObject({
  ...dependency,
  ...deployment,
  ...scope,
  ...access,
  ...scheduling,
});
