import { endpoints, port, service, tooBig, s0, type BadSample, type GoodSample } from './builders.ts';

export const badServices: readonly BadSample[] = [
  {
    name: 'an empty list of services',
    spec: endpoints({ services: [] }),
    field: 'spec.services',
    message: '>=1',
    server: 'at least 1 items',
  },
  {
    name: '17 services',
    spec: endpoints({ services: Array.from({ length: 17 }, (_, i) => ({ name: `s${i}` })) }),
    field: 'spec.services',
    message: '<=16',
    server: 'must have at most 16 items',
  },
  {
    name: 'a Service name of 64 characters',
    spec: service({ name: 'a'.repeat(64) }),
    field: `${s0}.name`,
    message: '<=63',
    server: '63',
  },
  {
    name: 'a Service name that begins with a digit',
    spec: service({ name: '1db' }),
    field: `${s0}.name`,
    message: 'must be a Service name',
  },
  {
    name: 'a Service name with a dot',
    spec: service({ name: 'db.shop' }),
    field: `${s0}.name`,
    message: 'must be a Service name',
  },
  {
    name: 'a Service without a name',
    spec: endpoints({ services: [{}] }),
    field: `${s0}.name`,
    message: 'expected string',
    server: 'Required value',
  },
  {
    name: 'one Service name twice',
    spec: endpoints({ services: [{ name: 'a' }, { name: 'a' }] }),
    field: 'spec.services',
    message: 'two entries with the same name',
    server: 'Duplicate value',
  },
  {
    name: 'an unknown value of whenNoneReady',
    spec: service({ whenNoneReady: 'Last' }),
    field: `${s0}.whenNoneReady`,
    message: 'KeepLast',
    server: 'Unsupported value',
  },
  ...['KeepLast', 'All'].map((whenNoneReady) => ({
    name: `whenNoneReady ${whenNoneReady} with publishNotReadyAddresses`,
    spec: service({ whenNoneReady, publishNotReadyAddresses: true }),
    field: `${s0}.whenNoneReady`,
    message: 'whenNoneReady has no effect with publishNotReadyAddresses',
  })),
  {
    name: 'a resource name with a dot',
    resourceName: 'orders.db',
    spec: endpoints(),
    field: 'metadata.name',
    message: 'must be a Service name',
  },
  {
    name: 'a resource name that begins with a digit',
    resourceName: '1db',
    spec: endpoints(),
    field: 'metadata.name',
    message: 'must be a Service name',
  },
  {
    name: 'a resource name of 64 characters',
    resourceName: 'a'.repeat(64),
    spec: endpoints(),
    field: 'metadata.name',
    message: 'must be a Service name',
  },
  {
    name: 'type ExternalName',
    spec: service({ type: 'ExternalName' }),
    field: `${s0}.type`,
    message: 'ClusterIP',
    server: 'Unsupported value',
  },
  {
    name: 'headless with NodePort',
    spec: service({ type: 'NodePort', headless: true }),
    field: `${s0}.headless`,
    message: 'headless needs type: ClusterIP',
  },
  {
    name: 'headless with LoadBalancer',
    spec: service({ type: 'LoadBalancer', headless: true }),
    field: `${s0}.headless`,
    message: 'headless needs type: ClusterIP',
  },
  {
    name: 'headless with a clusterIP',
    spec: service({ headless: true, clusterIP: '10.96.0.20' }),
    field: `${s0}.clusterIP`,
    message: 'cannot be set on a headless',
  },
  {
    name: 'clusterIP None',
    spec: service({ clusterIP: 'None' }),
    field: `${s0}.clusterIP`,
    message: 'headless: true instead of None',
  },
  {
    name: 'a clusterIP of the other family',
    spec: service({ clusterIP: '10.96.0.20', ipFamilies: ['IPv6'] }),
    field: `${s0}.clusterIP`,
    message: 'first family in ipFamilies',
  },
  {
    name: 'one clusterIP twice',
    spec: endpoints({
      services: [
        { name: 'a', clusterIP: '10.96.0.20' },
        { name: 'b', clusterIP: '10.96.0.20' },
      ],
    }),
    field: 'spec.services',
    message: 'same clusterIP twice',
  },
  {
    name: 'one family twice',
    spec: service({ ipFamilies: ['IPv4', 'IPv4'], ipFamilyPolicy: 'PreferDualStack' }),
    field: `${s0}.ipFamilies`,
    message: 'same family twice',
  },
  {
    name: 'an unknown family',
    spec: service({ ipFamilies: ['IPv5'] }),
    field: `${s0}.ipFamilies[0]`,
    message: 'IPv4',
    server: 'Unsupported value',
  },
  {
    name: 'two families in a single stack',
    spec: service({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' }),
    field: `${s0}.ipFamilyPolicy`,
    message: 'must be PreferDualStack',
  },
  {
    name: 'two families without a policy',
    spec: service({ ipFamilies: ['IPv4', 'IPv6'] }),
    field: `${s0}.ipFamilyPolicy`,
    message: 'must be PreferDualStack',
  },
  {
    name: 'an unknown affinity',
    spec: service({ sessionAffinity: 'Cookie' }),
    field: `${s0}.sessionAffinity`,
    message: 'ClientIP',
    server: 'Unsupported value',
  },
  {
    name: 'affinity settings without affinity',
    spec: service({ sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    field: `${s0}.sessionAffinityConfig`,
    message: 'needs sessionAffinity: ClientIP',
  },
  {
    name: 'an affinity of 86401 seconds',
    spec: service({
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } },
    }),
    field: `${s0}.sessionAffinityConfig.clientIP.timeoutSeconds`,
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'externalTrafficPolicy of a ClusterIP Service',
    spec: service({ externalTrafficPolicy: 'Local' }),
    field: `${s0}.externalTrafficPolicy`,
    message: 'needs type NodePort or LoadBalancer',
  },
  {
    name: 'an unknown trafficDistribution',
    spec: service({ trafficDistribution: 'PreferLocal' }),
    field: `${s0}.trafficDistribution`,
    message: 'PreferClose',
    server: 'Unsupported value',
  },
  {
    name: 'loadBalancerClass of a NodePort Service',
    spec: service({ type: 'NodePort', loadBalancerClass: 'a/b' }),
    field: `${s0}.loadBalancerClass`,
    message: 'needs type: LoadBalancer',
  },
  {
    name: 'a loadBalancerClass with spaces',
    spec: service({ type: 'LoadBalancer', loadBalancerClass: 'a b' }),
    field: `${s0}.loadBalancerClass`,
    message: 'must be a name',
  },
  {
    name: 'source ranges of a ClusterIP Service',
    spec: service({ loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    field: `${s0}.loadBalancerSourceRanges`,
    message: 'needs type: LoadBalancer',
  },
  {
    name: 'a source range that is an address',
    spec: service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0'] }),
    field: `${s0}.loadBalancerSourceRanges[0]`,
    message: 'CIDR form',
  },
  {
    name: 'a source range of 33 bits',
    spec: service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/33'] }),
    field: `${s0}.loadBalancerSourceRanges[0]`,
    message: 'CIDR form',
  },
  {
    name: 'an external IP that is a name',
    spec: service({ externalIPs: ['gw.example.com'] }),
    field: `${s0}.externalIPs[0]`,
    message: 'must be IP addresses',
  },
  {
    name: 'an external IP that is loopback',
    spec: service({ externalIPs: ['127.0.0.1'] }),
    field: `${s0}.externalIPs[0]`,
    message: 'is a loopback address',
  },
  {
    name: 'a label key with a space',
    spec: service({ labels: { 'a b': '' } }),
    field: `${s0}.labels`,
    message: 'not a label key',
  },
  {
    name: 'a label value with a space',
    spec: service({ labels: { a: 'b c' } }),
    field: `${s0}.labels`,
    message: 'not a label value',
  },
  {
    name: 'a label of ours',
    spec: service({ labels: { 'externalbackend.io/x': 'y' } }),
    field: `${s0}.labels`,
    message: 'the operator or Kubernetes sets',
  },
  {
    name: 'the label kubernetes.io/service-name',
    spec: service({ labels: { 'kubernetes.io/service-name': 'x' } }),
    field: `${s0}.labels`,
    message: 'the operator or Kubernetes sets',
  },
  {
    name: 'a slice annotation',
    spec: service({ annotations: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }),
    field: `${s0}.annotations`,
    message: 'the operator or Kubernetes sets',
  },
  {
    name: '33 labels',
    spec: service({ labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) }),
    field: `${s0}.labels`,
    message: 'at most 32',
    server: 'at most 32 items',
  },
  {
    name: 'an empty selector',
    spec: service({ selector: {} }),
    field: `${s0}.selector`,
    message: 'selector is empty',
  },
  {
    name: 'a selector with a bad value',
    spec: service({ selector: { app: 'a b' } }),
    field: `${s0}.selector`,
    message: 'not a label value',
  },
  ...['10.0.0.7/8', '198.51.100.7/31', '2001:db8::1/32', '0.0.0.1/0'].map((network) => ({
    name: `a source range with bits set after the prefix: ${network}`,
    spec: service({ type: 'LoadBalancer', loadBalancerSourceRanges: [network] }),
    field: 'spec.services[0].loadBalancerSourceRanges[0]',
    message: 'must not have bits set after the prefix',
    admissionOnly: true as const,
  })),
  {
    name: 'an external IP that is a metadata service',
    spec: service({ externalIPs: ['100.100.100.200'] }),
    field: 'spec.services[0].externalIPs[0]',
    message: 'externalIPs entry is a cloud metadata address',
    admissionOnly: true,
  },
];

export const goodServices: readonly GoodSample[] = [
  {
    name: 'a resource name that is no Service name',
    resourceName: '1.orders',
    spec: endpoints({ services: [{ name: 'orders' }] }),
  },
  { name: 'a Service name of 63 characters', spec: service({ name: 'a'.repeat(63) }) },
  {
    name: 'headless with labels and affinity',
    spec: service({
      headless: true,
      labels: { a: '' },
      sessionAffinity: 'ClientIP',
      publishNotReadyAddresses: true,
    }),
  },
  ...['Empty', 'KeepLast', 'All'].map((whenNoneReady) => ({
    name: `whenNoneReady ${whenNoneReady}`,
    spec: service({ whenNoneReady }),
  })),
  {
    name: 'whenNoneReady Empty with publishNotReadyAddresses',
    spec: service({ whenNoneReady: 'Empty', publishNotReadyAddresses: true }),
  },
  {
    name: 'a fixed nodePort',
    spec: {
      ...port({ nodePort: 30001 }),
      services: [{ name: 'a', type: 'NodePort', externalTrafficPolicy: 'Local' }, { name: 'b' }],
    },
  },
  {
    name: 'one nodePort for TCP and UDP',
    spec: {
      ...service({ type: 'NodePort' }),
      ports: [
        { name: 'a', port: 1, nodePort: 30001 },
        { name: 'b', port: 1, protocol: 'UDP', nodePort: 30001 },
      ],
    },
  },
  {
    name: 'every LoadBalancer field',
    spec: service({
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/internal',
      loadBalancerSourceRanges: ['10.0.0.0/8', '2001:db8::/32', '0.0.0.0/0'],
      externalTrafficPolicy: 'Cluster',
    }),
  },
  {
    name: 'cloud annotations and topology',
    spec: service({
      annotations: {
        'service.beta.kubernetes.io/aws-load-balancer-type': 'nlb',
        'service.kubernetes.io/topology-mode': 'Auto',
      },
    }),
  },
  {
    name: 'externalIPs with a policy',
    spec: service({ externalIPs: ['198.51.100.7', '2001:db8::7'], externalTrafficPolicy: 'Local' }),
  },
  {
    name: 'dual stack, IPv6 first',
    spec: service({
      clusterIP: 'fd00:10:96::20',
      ipFamilies: ['IPv6', 'IPv4'],
      ipFamilyPolicy: 'PreferDualStack',
    }),
  },
  {
    name: 'sticky clients',
    spec: service({
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 86400 } },
      internalTrafficPolicy: 'Cluster',
      trafficDistribution: 'PreferClose',
    }),
  },
  ...(['PreferClose', 'PreferSameZone', 'PreferSameNode'] as const).map((trafficDistribution) => ({
    name: `trafficDistribution ${trafficDistribution} and servers with zones`,
    spec: {
      ...service({ trafficDistribution }),
      targets: [{ host: '10.20.0.11', zone: 'eu-1a' }, { host: '10.20.0.12' }],
    },
  })),
  {
    name: 'pods next to the targets',
    spec: service({ selector: { 'app.kubernetes.io/name': 'postgres', tier: '' } }),
  },
  {
    name: '16 services',
    spec: endpoints({ services: Array.from({ length: 16 }, (_, i) => ({ name: `s${i}` })) }),
  },
];
