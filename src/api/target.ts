import { z } from 'zod';
import { hostSchema } from './host.ts';
import { matches, withRules } from './rule.ts';
import { dnsLabel, nonEmptyLabelValue } from './text.ts';

export const targetSchema = z
  .object({
    host: hostSchema.meta({
      ...hostSchema.meta(),
      description:
        'Where the server is: an IPv4 or IPv6 address, or a DNS name; in mode ExternalName a name. Any spelling of an address is taken and published in canonical form. A name is asked for again and again, and its addresses are published; one with a dot is absolute, one without is looked up as in a pod. A name of the form _service._proto.name is an SRV record: it gives addresses with ports of their own, needs a backend with one port, and cannot be an alias. Loopback, link-local, multicast, reserved and unspecified addresses and the metadata services of clouds are refused, in every answer of the name servers too, and so are IPv6 addresses that lead to one of these.',
    }),
    port: z
      .int32()
      .min(0)
      .max(65535)
      .default(0)
      .describe(
        "The port this server listens on, where it differs from the backend's targetPort. 0 means the targetPort. Another number is allowed only where the backend has one port, and the host is no SRV record. Must be 0 in mode ExternalName.",
      ),
    name: withRules(z.string().max(63), [
      matches(dnsLabel, 'name must be a DNS label: lower-case letters, digits and -, such as db-0'),
    ])
      .optional()
      .describe(
        "Host name of this server's addresses in a headless Service: `<name>.<service>.<namespace>.svc`. Not in mode ExternalName.",
      ),
    zone: withRules(z.string().max(63), [
      matches(
        nonEmptyLabelValue,
        'zone must be a label value: letters, digits, -, _ and ., such as eu-west-1a',
      ),
    ])
      .optional()
      .describe(
        'Zone the server is in, as in the node label topology.kubernetes.io/zone. Published with its addresses; Services with trafficDistribution route by it. Not in mode ExternalName.',
      ),
    role: z
      .enum(['Primary', 'Replica'])
      .optional()
      .describe('The role of this server, for Services by role where the probe does not report it.'),
    drain: z
      .boolean()
      .default(false)
      .describe(
        'True takes the server out of the Service: its addresses are published as not ready, and are still probed. Connections that are open stay open. In mode ExternalName the alias does not choose this host.',
      ),
  })
  .describe('One server outside the cluster.');
