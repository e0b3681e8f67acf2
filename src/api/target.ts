import { z } from 'zod';
import { hostSchema } from './host.ts';
import { matches, withRules } from './rule.ts';
import { dnsLabel, nonEmptyLabelValue } from './patterns.ts';

export const targetSchema = z
  .object({
    host: hostSchema.meta({
      ...hostSchema.meta(),
      description:
        'Where the server is: an IPv4 or IPv6 address, or a DNS name. Mode ExternalName accepts only DNS names. An IP address is published in canonical form. A DNS name is re-resolved before its TTL expires, and its addresses are published. Names with a dot are absolute; names without a dot use the search list of the operator. A name of the form _service._proto.name is an SRV record: each of its addresses has its own port. It needs a backend with one port, and is not allowed in mode ExternalName. Loopback, link-local, multicast, reserved and unspecified addresses and the metadata services of clouds are refused. So are IPv6 addresses that lead to one of these. This applies to the addresses in DNS answers too.',
    }),
    port: z
      .int32()
      .min(0)
      .max(65535)
      .default(0)
      .describe(
        "Port that this server listens on, if it differs from the backend's targetPort. 0 means the targetPort. Another number is allowed only if the backend has one port and the host is not an SRV record. Must be 0 in mode ExternalName.",
      ),
    name: withRules(z.string().max(63), [
      matches(dnsLabel, 'name must be a DNS label: lower-case letters, digits and -, such as db-0'),
    ])
      .optional()
      .describe(
        "Host name of this server's addresses in a headless Service: `<name>.<service>.<namespace>.svc`. Not allowed in mode ExternalName.",
      ),
    zone: withRules(z.string().max(63), [
      matches(
        nonEmptyLabelValue,
        'zone must be a label value: letters, digits, -, _ and ., such as eu-west-1a',
      ),
    ])
      .optional()
      .describe(
        'Zone of the server, as in the node label topology.kubernetes.io/zone. It is published with the addresses, and Services with trafficDistribution route by it. Not allowed in mode ExternalName.',
      ),
    priority: z
      .int32()
      .min(0)
      .max(9)
      .default(0)
      .describe(
        'Tier of this server: 0 to 9, lower first. A Service publishes as ready only the ready servers of the first tier that has one, for each port with a probe of its own, among those with the role of the Service. It uses a better tier again after failbackSeconds. The priorities of an SRV record rank within its target. Not allowed in mode ExternalName, where the order of targets counts.',
      ),
    role: z
      .enum(['Primary', 'Replica'])
      .optional()
      .describe('Role of this server, for Services with a role. Used if the probe reports no role.'),
    drain: z
      .boolean()
      .default(false)
      .describe(
        'True takes the server out of the Services: its addresses are published as not ready, and are still probed. Open connections are not closed. In mode ExternalName the alias does not select this host.',
      ),
  })
  .describe('One server outside the cluster.');
