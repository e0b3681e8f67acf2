import { z } from 'zod';
import { portsSchema } from './port.ts';
import { probeSchema } from './probe.ts';
import { listMap } from './rule.ts';
import { serviceSchema } from './service.ts';
import { targetSchema } from './target.ts';

/** The spec without the rules between its fields. */
export const specShape = z
  .object({
    mode: z
      .enum(['Endpoints', 'ExternalName'])
      .default('Endpoints')
      .describe(
        'Endpoints: Services without a selector, whose addresses the operator manages. ExternalName: Services that are an alias (a DNS CNAME) of one host name.',
      ),
    targets: listMap(
      z
        .array(targetSchema)
        .min(1)
        .max(512)
        .describe('The servers. Told apart by host and port. 1 to 512; in mode ExternalName exactly one.'),
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
    suspend: z
      .boolean()
      .default(false)
      .describe('True stops probing and writing. What is published stays as it is.'),
  })
  .describe('What is wanted.');

export type SpecShape = z.output<typeof specShape>;
