import { z } from 'zod';

export const healthStates = ['unknown', 'healthy', 'unhealthy'] as const;
export type HealthState = (typeof healthStates)[number];

const count = z.int32().min(0);

export const conditionSchema = z
  .object({
    type: z.string().describe('Ready, Available, Degraded or Stalled.'),
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

/**
 * By which rule of `core/standing.ts` the addresses of a host name stand.
 */
export const resolutionStates = [
  'Pending',
  'Restored',
  'Answered',
  'Unconfirmed',
  'NoSuchName',
  'NoAddress',
  'Stale',
  'Expired',
  'Failed',
] as const;
export type ResolutionState = (typeof resolutionStates)[number];

const resolutionSchema = z
  .object({
    state: z
      .string()
      .describe(
        'Why these addresses are used. Answered: by the name servers. Stale: the name servers fail, the last good answer remains in use. Unconfirmed: they deny the name or its addresses, which is believed after three times in a row; the last good answer remains in use. Restored: no good answer yet since the operator started, what was published before remains. Why there are none. NoSuchName, NoAddress: the name servers deny it, and it is believed. Expired: they have failed for longer than staleSeconds. Failed: they fail, and there was no good answer yet. Pending: asked, not answered yet.',
      ),
    resolvedAt: z.string().optional().meta({
      format: 'date-time',
      description:
        'When this answer was first given; while the name servers fail or deny it, when it was last given. Does not move where the addresses and the state stay the same, as in a restart of the operator.',
    }),
    error: z
      .string()
      .optional()
      .describe(
        'What is wrong with the last answer, where something is. Changes at most once a minute while name servers fail.',
      ),
  })
  .describe('How the host name was resolved. Absent where the host is an IP address.');

const exclusionSchema = z
  .object({
    service: z.string().describe('Name of the Service.'),
    reason: z
      .string()
      .describe('Why the address is missing, as one CamelCase word, such as FamilyNotServed.'),
  })
  .describe('A Service that does not carry the address.');

const addressSchema = z
  .object({
    ip: z.string().describe('The address in canonical form.'),
    port: z.int32().optional().describe('The port of its SRV record.'),
    host: z.string().optional().describe('The host that its SRV record names.'),
    priority: z.int32().optional().describe('The priority of its SRV record. Reported, not used yet.'),
    weight: z.int32().optional().describe('The weight of its SRV record. Reported, not used.'),
    ready: z.boolean().describe('Whether it is published as ready.'),
    health: z.enum(healthStates).describe('By its probes: unknown until the first conclusive one.'),
    reason: z
      .string()
      .describe(
        'Of the probe that made the health, such as Connected, Refused or Timeout; while it is not unhealthy, of the probes since that have something else to report, such as AuthFailed or Saturated.',
      ),
    message: z.string().optional().describe('More about the reason, for people.'),
    since: z
      .string()
      .optional()
      .meta({ format: 'date-time', description: 'When the health became what it is.' }),
    role: z.string().optional().describe('Primary or Replica, where it is known.'),
    lagOverSeconds: z
      .int32()
      .optional()
      .describe('The greatest maxLagSeconds of the Services that it is behind by more than.'),
    kept: z
      .boolean()
      .optional()
      .describe(
        'True: it is not in the answer, and stays for dns.keepSeconds while it is healthy. Of a name that rotates its answers, which addresses these are is as of the last write of the status; their number is up to date.',
      ),
    excluded: z.array(exclusionSchema).optional().meta({
      description: 'Services that do not carry it, although its health would allow it.',
      'x-kubernetes-list-type': 'atomic',
    }),
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
        'Why nothing, or not everything, of this target is published, where health is not the cause. Also which of its settings have no effect, such as priorities of SRV records.',
      ),
    resolution: resolutionSchema.optional(),
    current: z.boolean().optional().describe('True: the alias points to this host.'),
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
      .min(-1)
      .optional()
      .describe(
        'The metadata.generation that this status describes. -1: the operator has not seen the resource yet.',
      ),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({
        description:
          'Ready: the spec is accepted and its objects are as wanted. Available: every Service has a ready address. Degraded: some address is unhealthy or has something to report, such as a login that it refuses, or data is stale. Stalled: a person must act; it has the reason and message of Ready, and is absent otherwise.',
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
    handler: z
      .string()
      .optional()
      .describe(
        'How addresses are probed, where the spec does not name it, and why: `postgres: port 5432`. Also a timeout that is shorter than the spec has it.',
      ),
    primary: z.string().optional().describe('The address that the Services of role Primary lead to.'),
    hosts: z
      .string()
      .optional()
      .describe('The hosts of the targets as text, such as 10.20.0.11,10.20.0.12: the column TARGETS.'),
  })
  .describe('What the operator sees and did. Written by the operator only.');

/**
 * The status of a resource that the operator has not written one to: the API server fills it in. Without it GitOps tools
 * (kstatus) report a new resource as ready. The parser ignores it.
 */
export const unseenStatus = {
  observedGeneration: -1,
  conditions: [
    {
      type: 'Ready',
      status: 'Unknown',
      reason: 'NotSeenYet',
      message: 'the operator has not seen this resource yet',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    },
  ],
} as const;
