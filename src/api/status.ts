import { z } from 'zod';

export const healthStates = ['unknown', 'healthy', 'unhealthy'] as const;
export type HealthState = (typeof healthStates)[number];

const count = z.int32().min(0);

export const conditionSchema = z
  .object({
    type: z.string().describe('Ready, Available or Degraded.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
    observedGeneration: z.int().min(0).optional().describe('The metadata.generation this was said of.'),
    lastTransitionTime: z
      .string()
      .meta({ format: 'date-time', description: 'When the status last changed.' }),
    reason: z.string().describe('Why, as one CamelCase word.'),
    message: z.string().describe('Why, for people.'),
  })
  .describe('One condition.');

const serviceStatusSchema = z
  .object({
    name: z.string().describe('Name of the Service.'),
    ready: count.describe('Addresses published as ready.'),
    total: count.describe('Addresses published.'),
  })
  .describe('What is published for one Service.');

const addressSchema = z
  .object({
    ip: z.string().describe('The address in canonical form.'),
    ready: z.boolean().describe('Whether it is published as ready.'),
    health: z.enum(healthStates).describe('What its probes say: unknown until the first conclusive one.'),
    reason: z.string().describe('Of the probe that made the health, such as Connected, Refused or Timeout.'),
    message: z.string().optional().describe('More about the reason, for people.'),
    since: z
      .string()
      .optional()
      .meta({ format: 'date-time', description: 'When the health became what it is.' }),
  })
  .describe('One address of a target.');

const targetStatusSchema = z
  .object({
    host: z.string().describe('The host as the spec has it.'),
    port: z.int32().optional().describe('The port of its own, where the spec gives one.'),
    message: z
      .string()
      .optional()
      .describe(
        'Why nothing, or not everything, of this target is published, where it is not a matter of health.',
      ),
    addresses: z
      .array(addressSchema)
      .meta({ description: 'Its addresses.', 'x-kubernetes-list-type': 'atomic' }),
  })
  .describe('What became of one target.');

/** Written by the operator on a change only. Without bounds: it is never validated by CEL, and must never be too large to write. */
export const statusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .describe('The metadata.generation that this status is about.'),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({
        description:
          'Ready: the spec is accepted and its objects are as wanted. Available: every Service has a ready address. Degraded: some address is unhealthy, or data is stale.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    services: z
      .array(serviceStatusSchema)
      .optional()
      .meta({
        description: 'What is published, by Service.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      }),
    targets: z.array(targetStatusSchema).optional().meta({
      description: 'What became of each target, in the order of the spec.',
      'x-kubernetes-list-type': 'atomic',
    }),
    readyAddresses: count.optional().describe('Addresses that are ready.'),
    totalAddresses: count.optional().describe('All addresses.'),
    summary: z.string().optional().describe('Ready and all addresses as text, such as 2/3.'),
    hosts: z
      .string()
      .optional()
      .describe('The hosts of the targets as text, such as 10.20.0.11,10.20.0.12: the column TARGETS.'),
  })
  .describe('What the operator sees and did. Written by the operator only.');
