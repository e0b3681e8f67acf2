import { z } from 'zod';
import { forbiddenRules, isIp } from './host.ts';
import { families } from './ip.ts';
import { annotationsSchema, labelsSchema, selectorSchema } from './metadata.ts';
import { granularObject, atomicObject } from './object-fields.ts';
import { distinct, matches, withRules } from './rule.ts';
import { serviceRules } from './service-rules.ts';
import { qualifiedName, qualifiedNameLength, serviceName } from './patterns.ts';

const ipText = z.string().max(39);

const clusterIp = withRules(ipText, [
  {
    holds: (text) => isIp(text),
    cel: 'isIP(self)',
    message:
      'clusterIP must be an IP address of the Service range; for a headless Service write headless: true instead of None',
  },
]);

const externalIp = withRules(ipText, [
  {
    holds: (text) => isIp(text),
    cel: 'isIP(self)',
    message: 'externalIPs must be IP addresses, such as 198.51.100.7',
  },
  ...forbiddenRules('externalIPs entry'),
]);

/**
 * Returns true for texts that `isCIDR` of CEL accepts: an IP, a slash and a number of bits without leading
 * zeros.
 */
export function isCidr(text: string): boolean {
  const [ip = '', bits = '', ...rest] = text.split('/');
  return (
    rest.length === 0 &&
    isIp(ip) &&
    /^(0|[1-9][0-9]{0,2})$/.test(bits) &&
    Number(bits) <= (ip.includes(':') ? 128 : 32)
  );
}

const sourceRange = withRules(z.string().max(43), [
  {
    holds: isCidr,
    cel: 'isCIDR(self)',
    message: 'loadBalancerSourceRanges must be networks in CIDR form, such as 198.51.100.0/24',
  },
  // Kubernetes warns about these up to 1.35 and refuses them since 1.36.
  {
    cel: '!isCIDR(self) || cidr(self) == cidr(self).masked()',
    message:
      'loadBalancerSourceRanges must not have bits set after the prefix: write 198.51.100.0/24 or 198.51.100.7/32 instead of 198.51.100.7/24',
  },
]);

const ipFamilies = withRules(z.array(z.enum(families)).min(1).max(2), [
  {
    holds: distinct,
    cel: 'self.size() < 2 || self[0] != self[1]',
    message: 'ipFamilies has the same family twice: keep one',
  },
]);

const atomic = { 'x-kubernetes-list-type': 'atomic' };

const sessionAffinityConfig = z
  .object({
    clientIP: z
      .object({
        timeoutSeconds: z
          .int32()
          .min(1)
          .max(86400)
          .optional()
          .describe(
            'Seconds after its last connection for which a client keeps its server. 1 to 86400. Kubernetes uses 10800 if this is not set.',
          ),
      })
      .optional()
      .describe('Settings of ClientIP affinity.'),
  })
  .describe('Settings of the session affinity. Only with sessionAffinity ClientIP.');

const serviceShape = z
  .object({
    name: withRules(z.string().max(63), [
      matches(
        serviceName,
        'name must be a Service name: lower-case letters, digits and -, starting with a letter, such as orders-db',
      ),
    ]).describe('Name of the Service, in the namespace of the resource.'),
    role: z
      .enum(['Any', 'Primary', 'Replica'])
      .default('Any')
      .describe(
        'Which servers the Service leads to. Any: all. Primary: the one that accepts writes. Replica: those that replicate from it. An address whose role is not known is in no Service of role Primary or Replica.',
      ),
    maxLagSeconds: z
      .int32()
      .min(0)
      .max(86400)
      .optional()
      .describe(
        'Maximum replication lag in seconds. A replica is removed from this Service after failureThreshold consecutive probes above this value, and added again after the first probe at or below it. 0 to 86400.',
      ),
    fallbackToPrimary: z
      .boolean()
      .default(false)
      .describe('With role Replica: true uses the primary while no replica is ready.'),
    type: z
      .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
      .default('ClusterIP')
      .describe(
        'Type of the Service, as in Kubernetes. In mode ExternalName every Service is of type ExternalName.',
      ),
    headless: z
      .boolean()
      .default(false)
      .describe('True creates a Service without a cluster IP: its name resolves to the ready addresses.'),
    labels: granularObject(labelsSchema).describe(
      'Labels of the Service. Labels that other clients set remain.',
    ),
    annotations: granularObject(annotationsSchema).describe(
      'Annotations of the Service. Annotations that other clients set remain.',
    ),
    clusterIP: clusterIp
      .optional()
      .describe('Fixed cluster IP. Kubernetes does not allow a change after it is set.'),
    ipFamilies: ipFamilies.optional().meta({
      ...ipFamilies.meta(),
      ...atomic,
      description: 'IP families of the Service. The first one is the primary family.',
    }),
    ipFamilyPolicy: z
      .enum(['SingleStack', 'PreferDualStack', 'RequireDualStack'])
      .optional()
      .describe('Whether the Service has one IP family or two.'),
    sessionAffinity: z
      .enum(['None', 'ClientIP'])
      .optional()
      .describe('ClientIP sends all connections of a client to the same server while it is ready.'),
    sessionAffinityConfig: atomicObject(sessionAffinityConfig),
    internalTrafficPolicy: z
      .enum(['Cluster', 'Local'])
      .optional()
      .describe(
        'As in a Service. Local uses only endpoints on the node of the client, and servers outside the cluster are on no node.',
      ),
    externalTrafficPolicy: z
      .enum(['Cluster', 'Local'])
      .optional()
      .describe('As in a Service: how traffic from outside the cluster is forwarded.'),
    trafficDistribution: z
      .enum(['PreferClose', 'PreferSameZone', 'PreferSameNode'])
      .optional()
      .describe(
        'As in a Service: connections go to ready servers in the zone of the client while there are any. Every ready target needs a zone. While one has none, connections go to all. PreferClose, PreferSameZone and PreferSameNode have the same effect, because servers outside the cluster are on no node. PreferSameZone and PreferSameNode need Kubernetes 1.34. An older API server refuses them, and the Service is published without the field.',
      ),
    externalIPs: z
      .array(externalIp)
      .min(1)
      .max(16)
      .optional()
      .meta({
        ...atomic,
        description:
          'Addresses at which the nodes accept traffic for the Service. An address that the address policy of the operator refuses (--deny-cidr, networks of the cluster) is left out, and condition Ready has the reason ExternalIPsRefused. Deprecated since Kubernetes 1.36: a cluster need not implement it.',
      }),
    loadBalancerClass: withRules(z.string().max(qualifiedNameLength), [
      matches(
        qualifiedName,
        'loadBalancerClass must be a name, or a name with a domain prefix, such as example.com/internal',
      ),
    ])
      .optional()
      .describe(
        'Load balancer implementation that serves the Service. Kubernetes does not allow a change after it is set.',
      ),
    loadBalancerSourceRanges: z
      .array(sourceRange)
      .min(1)
      .max(64)
      .optional()
      .meta({ ...atomic, description: 'Networks from which the load balancer accepts traffic.' }),
    publishNotReadyAddresses: z
      .boolean()
      .default(false)
      .describe(
        'True publishes every address as ready and serving, whatever its probe reports. The status still reports the health of each address.',
      ),
    whenNoneReady: z
      .enum(['Empty', 'KeepLast', 'All'])
      .default('Empty')
      .describe(
        'What the Service publishes while its probes leave it no ready address, for each port with a probe of its own. Empty: no address, and connections are refused at once. KeepLast: the last addresses that were ready. All: every address. An address that leaves for another reason (the spec, DNS, the address policy, drain, its role) leaves in each case. It ends with the first ready address.',
      ),
    selector: selectorSchema
      .optional()
      .describe(
        'The Service leads to pods with these labels in addition to the targets. Use it to move a database into or out of the cluster. Kubernetes itself publishes the pods.',
      ),
    adopt: z
      .boolean()
      .default(false)
      .describe(
        'True takes over an existing Service of this name with its endpoints, also one that a younger ExternalBackend has published. The Service is never without endpoints meanwhile. False leaves an existing Service unchanged, and condition Ready has the reason Conflict or NameClaimed.',
      ),
  })
  .describe('One Service created from this backend.');

export const serviceSchema = withRules(serviceShape, serviceRules);

/**
 * Fields that have the same name and form in a Service, and are copied into it. A Service of type ExternalName
 * has none of them. `ipFamilies` is not one of them, because it is decided together with `ipFamilyPolicy`.
 */
export const passThroughFields = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'internalTrafficPolicy',
  'externalTrafficPolicy',
  'trafficDistribution',
  'externalIPs',
  'loadBalancerClass',
  'loadBalancerSourceRanges',
  'selector',
] as const satisfies readonly (keyof z.output<typeof serviceShape>)[];
