import fc from 'fast-check';

import { isAtLeast } from '../../controlplane/kubernetes-version.ts';
import type { SpecInput } from '../builders/builders.ts';
import type { Fields } from './some.ts';

export const serviceNames = ['orders-db', 'orders-rw', 'orders-ro'] as const;

const one = fc.constantFrom;

/** Older versions of Kubernetes refuse the others. */
const distributions = isAtLeast('1.34')
  ? (['PreferClose', 'PreferSameZone', 'PreferSameNode'] as const)
  : (['PreferClose'] as const);

/** One Service, without its name. */
export const service = fc
  .record(
    {
      role: one('Any', 'Primary', 'Replica'),
      maxLagSeconds: one(0, 10, 60),
      fallbackToPrimary: fc.boolean(),
      type: one('NodePort', 'LoadBalancer', 'ClusterIP', 'ClusterIP'),
      headless: one(true, false, false),
      labels: one({ a: '1' }, { a: '2', b: '1' }),
      annotations: one({ note: 'x' }, { note: 'y', other: 'x' }),
      clusterIP: one('10.96.0.5', '10.96.0.6', 'fd00:96::5'),
      ipFamilies: one(['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']),
      ipFamilyPolicy: one('SingleStack', 'PreferDualStack', 'RequireDualStack'),
      sessionAffinity: one('ClientIP', 'None'),
      sessionAffinityConfig: one({ clientIP: { timeoutSeconds: 60 } }, { clientIP: {} }),
      internalTrafficPolicy: one('Local', 'Cluster'),
      externalTrafficPolicy: one('Local', 'Cluster'),
      trafficDistribution: one<string>(...distributions),
      externalIPs: one(['198.51.100.7'], ['198.51.100.8', '198.51.100.9']),
      loadBalancerClass: one('example.com/a', 'example.com/b'),
      loadBalancerSourceRanges: one(['198.51.100.0/24'], ['192.0.2.0/24']),
      publishNotReadyAddresses: fc.boolean(),
      whenNoneReady: one('Empty', 'Empty', 'KeepLast', 'All'),
      selector: one({ app: 'x' }, { app: 'y', tier: 'z' }),
      adopt: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .map((fields): Fields => fields);

/** Returns the Services of a spec. */
export const servicesIn = (spec: SpecInput): readonly Fields[] =>
  (spec['services'] as readonly Fields[] | undefined) ?? [{ name: serviceNames[0] }];
