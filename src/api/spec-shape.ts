import { z } from 'zod';
import { dnsSchema } from './dns.ts';
import { portsSchema } from './port.ts';
import { probeSchema } from './probe.ts';
import { listMap } from './rule.ts';
import { credentialsSchema, tlsSchema } from './secrets.ts';
import { serviceSchema } from './service.ts';
import { targetSchema } from './target.ts';

/** The spec without the rules between its fields. */
export const specShape = z
  .object({
    mode: z
      .enum(['Endpoints', 'ExternalName'])
      .default('Endpoints')
      .describe(
        'Endpoints: Services without a selector, whose addresses the operator manages: those of the targets, and those that their names resolve to. ExternalName: Services that are an alias (a DNS CNAME) of one of the host names, the first that is healthy: clients resolve it and connect to the server itself, and see its certificate.',
      ),
    targets: listMap(
      z
        .array(targetSchema)
        .min(1)
        .max(512)
        .describe(
          'The servers. Told apart by host and port. In mode ExternalName their order is the order of choice. 1 to 512.',
        ),
      'targets',
      ['host', 'port'],
    ),
    ports: portsSchema.optional(),
    probe: probeSchema.optional(),
    services: listMap(
      z
        .array(serviceSchema)
        .min(1)
        .max(16)
        .describe('The Services made from this backend. Left out: one, named after the resource.'),
      'services',
      ['name'],
    ).optional(),
    credentials: credentialsSchema.optional(),
    tls: tlsSchema.optional(),
    dns: dnsSchema.optional(),
    failbackSeconds: z
      .int32()
      .min(0)
      .max(86400)
      .default(30)
      .describe(
        'In mode ExternalName: how long a host that stands earlier in targets must have been healthy before the alias goes back to it. 0: at once. 0 to 86400.',
      ),
    suspend: z
      .boolean()
      .default(false)
      .describe('True stops probing and writing. What is published stays as it is.'),
  })
  .describe('What is wanted.');

export type SpecShape = z.output<typeof specShape>;
