import { operatorRole } from '../api/permissions.ts';
import { action, conditional, entriesOf, fullname, optional, templateOf, when } from './template.ts';
import type { TemplateEdit } from './template.ts';

/** Returns the text of a file of the repository. */
export type ReadFile = (path: string) => string;

/** A file of templates/. */
export interface ChartTemplate {
  readonly file: string;
  readonly content: string;
}

const pod = ['spec', 'template', 'spec'];
const container = [...pod, 'containers', 0];

const args: readonly string[] = [
  ...when('$.Values.namespaces', [`- --namespaces=${action('join "," $.Values.namespaces')}`]),
  // The Role names the Lease too. It has the name of the release, so that releases do not share one.
  ...when(`ne (${fullname}) "${operatorRole}"`, [`- --lease-name=${action(fullname)}`]),
  ...when('$.Values.metrics.tlsSecretName', [
    '- --metrics-cert-file=/metrics-tls/tls.crt',
    '- --metrics-key-file=/metrics-tls/tls.key',
  ]),
  '{{- range $.Values.extraArgs }}',
  `- ${action('. | quote')}`,
  '{{- end }}',
];

const spread: readonly string[] = [
  '{{- with $.Values.topologySpreadConstraints }}',
  'topologySpreadConstraints:',
  `  {{- $own := dict "matchLabels" (dict "app.kubernetes.io/name" (${fullname})) }}`,
  '  {{- range . }}',
  '  - {{- toYaml (hasKey . "labelSelector" | ternary . (set (deepCopy .) "labelSelector" $own)) | nindent INDENT+4 }}',
  '  {{- end }}',
  '{{- end }}',
];

const icmpEdits: readonly TemplateEdit[] = [
  { set: [...pod, 'securityContext', 'runAsNonRoot'], expression: 'not $.Values.icmp.raw' },
  {
    append: [...pod, 'securityContext'],
    lines: [
      // A raw socket needs root, because Kubernetes sets no ambient capabilities.
      ...when('$.Values.icmp.raw', ['runAsUser: 0', 'runAsGroup: 0']),
      ...when('$.Values.icmp.enabled', [
        ...['sysctls:', '  - name: net.ipv4.ping_group_range', '    value: "0 65535"'],
      ]),
    ],
  },
  {
    append: [...container, 'securityContext', 'capabilities'],
    lines: when('$.Values.icmp.raw', ['add:', '  - NET_RAW']),
  },
];

const metricsTlsEdits: readonly TemplateEdit[] = [
  {
    append: container,
    lines: when('$.Values.metrics.tlsSecretName', [
      ...['volumeMounts:', '  - name: metrics-tls', '    mountPath: /metrics-tls', '    readOnly: true'],
    ]),
  },
  {
    append: pod,
    lines: when('$.Values.metrics.tlsSecretName', [
      ...['volumes:', '  - name: metrics-tls', '    secret:'],
      `      secretName: ${action('$.Values.metrics.tlsSecretName | quote')}`,
    ]),
  },
];

const schedulingEdits: readonly TemplateEdit[] = [
  ...['nodeSelector', 'topologySpreadConstraints'].map((key) => ({ remove: [...pod, key] })),
  {
    append: pod,
    lines: [
      ...optional('imagePullSecrets', '$.Values.imagePullSecrets'),
      ...optional('nodeSelector', '$.Values.nodeSelector'),
      ...optional('tolerations', '$.Values.tolerations'),
      ...optional('affinity', '$.Values.affinity'),
      ...when('$.Values.priorityClassName', [
        `priorityClassName: ${action('$.Values.priorityClassName | quote')}`,
      ]),
      ...spread,
    ],
  },
];

const deploymentEdits: readonly TemplateEdit[] = [
  { set: ['spec', 'replicas'], expression: '$.Values.replicaCount' },
  { append: ['spec', 'template', 'metadata', 'labels'], lines: entriesOf('$.Values.podLabels') },
  { append: ['spec', 'template', 'metadata', 'annotations'], lines: entriesOf('$.Values.podAnnotations') },
  { set: [...container, 'image'], expression: `include "${operatorRole}.image" $ | quote` },
  { set: [...container, 'imagePullPolicy'], expression: '$.Values.image.pullPolicy' },
  { append: [...container, 'args'], lines: args },
  { remove: [...container, 'resources'] },
  { append: container, lines: optional('resources', '$.Values.resources') },
  ...icmpEdits,
  ...metricsTlsEdits,
  ...schedulingEdits,
];

/** TLS and the token with which Prometheus reads /metrics, at the path of an endpoint of a monitor. */
const monitorEdits = (
  endpoint: readonly (string | number)[],
  ownToken: readonly string[],
): readonly TemplateEdit[] => [
  {
    // Below the labels of every object, which are the last entry of metadata.
    append: ['metadata'],
    lines: entriesOf('$.Values.monitoring.labels', 2).map((line) => `  ${line}`),
  },
  { set: [...endpoint, 'interval'], expression: '$.Values.monitoring.interval' },
  {
    append: endpoint,
    lines: [
      '{{- if $.Values.monitoring.tokenSecretName }}',
      'authorization:',
      '  credentials:',
      `    name: ${action('$.Values.monitoring.tokenSecretName | quote')}`,
      '    key: token',
      ...ownToken,
      '{{- end }}',
      ...when('$.Values.metrics.tlsSecretName', [
        ...['scheme: https', 'tlsConfig:'],
        `  serverName: ${action(fullname)}-metrics.${action('$.Release.Namespace')}.svc`,
        ...[
          '  ca:',
          '    secret:',
          `      name: ${action('$.Values.metrics.tlsSecretName | quote')}`,
          '      key: ca.crt',
        ],
      ]),
    ],
  },
];

const podEndpoint = ['spec', 'podMetricsEndpoints', 0];
const serviceEndpoint = ['spec', 'endpoints', 0];

/** Returns the templates of all that config/manager and the components around it install. */
export function workloadTemplates(read: ReadFile): readonly ChartTemplate[] {
  const manager = (name: string, edits: readonly TemplateEdit[] = []) =>
    templateOf(read(`config/manager/${name}.yaml`), edits);
  const component = (name: string, edits: readonly TemplateEdit[] = []) =>
    templateOf(read(`config/components/${name}/${name}.yaml`), edits);
  return [
    { file: 'deployment.yaml', content: manager('deployment', deploymentEdits) },
    { file: 'service.yaml', content: manager('service') },
    {
      file: 'poddisruptionbudget.yaml',
      content: conditional('$.Values.podDisruptionBudget.enabled', manager('poddisruptionbudget')),
    },
    {
      file: 'network-policy.yaml',
      content: conditional('$.Values.networkPolicy.enabled', component('network-policy')),
    },
    {
      file: 'pod-monitor.yaml',
      content: conditional(
        '$.Values.monitoring.podMonitor.enabled',
        component('pod-monitor', [
          { remove: [...podEndpoint, 'authorization'] },
          ...monitorEdits(podEndpoint, []),
        ]),
      ),
    },
    {
      file: 'service-monitor.yaml',
      content: conditional(
        '$.Values.monitoring.serviceMonitor.enabled',
        component('service-monitor', [
          { remove: [...serviceEndpoint, 'bearerTokenFile'] },
          ...monitorEdits(serviceEndpoint, [
            '{{- else }}',
            'bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token',
          ]),
        ]),
      ),
    },
  ];
}
