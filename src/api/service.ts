import { z } from 'zod';
import { forbiddenRules, isIp } from './host.ts';
import { annotationsSchema, labelsSchema, selectorSchema } from './metadata.ts';
import { sharedPart, wholePart } from './part.ts';
import { distinct, matches, withRules } from './rule.ts';
import { serviceRules } from './service-rules.ts';
import { qualifiedName, qualifiedNameLength, serviceName } from './text.ts';

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

/** Takes what CEL's `isCIDR` takes: an IP, a slash and a number of bits without leading zeros. */
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
  // Kubernetes warns of these up to 1.35 and refuses them since 1.36.
  {
    cel: '!isCIDR(self) || cidr(self) == cidr(self).masked()',
    message:
      'loadBalancerSourceRanges must not have bits set after the prefix: write 198.51.100.0/24 or 198.51.100.7/32 in place of 198.51.100.7/24',
  },
]);

const ipFamilies = withRules(
  z
    .array(z.enum(['IPv4', 'IPv6']))
    .min(1)
    .max(2),
  [
    {
      holds: distinct,
      cel: 'self.size() < 2 || self[0] != self[1]',
      message: 'ipFamilies has the same family twice: keep one',
    },
  ],
);

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
            'Seconds a client keeps its server after its last connection. 1 to 86400; Kubernetes has 10800.',
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
        'name must be a Service name: lower-case letters, digits and -, beginning with a letter, such as orders-db',
      ),
    ]).describe('Name of the Service, in the namespace of the resource.'),
    role: z
      .enum(['Any', 'Primary', 'Replica'])
      .default('Any')
      .describe(
        'Which servers are behind it. Primary: the one that takes writes. Replica: those that follow it. An address whose role is not known is in neither.',
      ),
    maxLagSeconds: z
      .int32()
      .min(0)
      .max(86400)
      .optional()
      .describe(
        'A replica that is further behind than this leaves this Service, after failureThreshold probes in a row, and comes back with the first that is not. 0 to 86400.',
      ),
    fallbackToPrimary: z
      .boolean()
      .default(false)
      .describe('With role Replica: true lets the primary serve while no replica is ready.'),
    type: z
      .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
      .default('ClusterIP')
      .describe(
        'Type of the Service, as Kubernetes has it. In mode ExternalName every Service is of type ExternalName.',
      ),
    headless: z
      .boolean()
      .default(false)
      .describe(
        'True makes a Service without a cluster IP: its name resolves to the ready addresses themselves.',
      ),
    labels: sharedPart(labelsSchema).describe('Labels of the Service. Labels of other clients remain.'),
    annotations: sharedPart(annotationsSchema).describe(
      'Annotations of the Service. Annotations of other clients remain.',
    ),
    clusterIP: clusterIp
      .optional()
      .describe('A fixed cluster IP. Kubernetes does not let it change once it is set.'),
    ipFamilies: ipFamilies.optional().meta({
      ...ipFamilies.meta(),
      ...atomic,
      description: 'IP families of the Service, the first one is the primary.',
    }),
    ipFamilyPolicy: z
      .enum(['SingleStack', 'PreferDualStack', 'RequireDualStack'])
      .optional()
      .describe('Whether the Service has one IP family or two.'),
    sessionAffinity: z
      .enum(['None', 'ClientIP'])
      .optional()
      .describe('ClientIP keeps a client on one server while that is ready.'),
    sessionAffinityConfig: wholePart(sessionAffinityConfig),
    internalTrafficPolicy: z
      .enum(['Cluster', 'Local'])
      .optional()
      .describe(
        'As in a Service. Local finds only endpoints on the own node, and servers outside the cluster are on none.',
      ),
    externalTrafficPolicy: z
      .enum(['Cluster', 'Local'])
      .optional()
      .describe('As in a Service: how traffic from outside the cluster is passed on.'),
    trafficDistribution: z
      .enum(['PreferClose', 'PreferSameZone', 'PreferSameNode'])
      .optional()
      .describe(
        'As in a Service: connections go to ready servers in the zone of the client, while there are any. Every ready target needs a zone; while one has none, connections go to all. PreferClose and PreferSameZone are the same; servers outside the cluster are on no node, so PreferSameNode is too. PreferSameZone and PreferSameNode need Kubernetes 1.34; an older API server refuses them, and the Service is published without the field.',
      ),
    externalIPs: z
      .array(externalIp)
      .min(1)
      .max(16)
      .optional()
      .meta({
        ...atomic,
        description:
          'Addresses at which nodes take traffic for the Service. One that the address policy of the operator refuses (--deny-cidr, networks of the cluster) is left out, and the condition Ready has the reason ExternalIPsRefused. Deprecated since Kubernetes 1.36: a cluster need not implement it.',
      }),
    loadBalancerClass: withRules(z.string().max(qualifiedNameLength), [
      matches(
        qualifiedName,
        'loadBalancerClass must be a name, or one after a domain, such as example.com/internal',
      ),
    ])
      .optional()
      .describe(
        'Which load balancer implementation serves the Service. Kubernetes does not let it change once it is set.',
      ),
    loadBalancerSourceRanges: z
      .array(sourceRange)
      .min(1)
      .max(64)
      .optional()
      .meta({ ...atomic, description: 'Networks that the load balancer takes traffic from.' }),
    publishNotReadyAddresses: z
      .boolean()
      .default(false)
      .describe(
        'True publishes every address as ready, whatever its probe reports. The status reports health as it is.',
      ),
    selector: selectorSchema
      .optional()
      .describe(
        'Pods with these labels serve in addition to the targets: for moving a database into or out of the cluster. Kubernetes itself publishes the pods.',
      ),
    adopt: z
      .boolean()
      .default(false)
      .describe(
        'True takes over an existing Service of this name, with its endpoints, without a moment of empty endpoints; also one that a younger ExternalBackend has published. Otherwise an existing Service is left alone and the condition Ready has the reason Conflict or NameClaimed.',
      ),
  })
  .describe('One Service made from this backend.');

export const serviceSchema = withRules(serviceShape, serviceRules);
