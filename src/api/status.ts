import { z } from 'zod';

export const healthStates = ['unknown', 'healthy', 'unhealthy'] as const;
export type HealthState = (typeof healthStates)[number];

const count = z.int32().min(0);

export const conditionSchema = z
  .object({
    type: z.string().describe('Ready, Available, Degraded, Reconciling or Stalled.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .describe('The metadata.generation that the condition describes.'),
    lastTransitionTime: z
      .string()
      .meta({ format: 'date-time', description: 'Time of the last change of status.' }),
    reason: z.string().describe('Reason, as one CamelCase word.'),
    message: z.string().describe('Explanation for people.'),
  })
  .describe('One condition.');

const serviceStatusSchema = z
  .object({
    name: z.string().describe('Name of the Service.'),
    ready: count.describe('Number of addresses that are published as ready.'),
    total: count.describe('Number of addresses that are published.'),
    tier: z
      .int32()
      .optional()
      .describe(
        'targets[].priority of the servers that are published as ready. Absent while none is ready, and if all servers of the Service have the same priority.',
      ),
    srvRank: z
      .int32()
      .optional()
      .describe(
        'Rank of these servers among the priorities of their SRV record: 0 is the lowest number. Absent if it is 0.',
      ),
    fallback: z
      .string()
      .optional()
      .describe(
        'KeepLast or All: no address is ready, and the Service publishes addresses that are not, because of whenNoneReady. Absent otherwise.',
      ),
    difference: z
      .string()
      .optional()
      .describe(
        'While spec.observe is true: how the ready addresses that would be published differ from those that the Service has now. Absent otherwise.',
      ),
  })
  .describe('State of one Service.');

const resolutionSchema = z
  .object({
    state: z
      .string()
      .describe(
        'State of the host name. With addresses: Answered (current answer), Stale (the name servers fail; the last good answer remains in use), Unconfirmed (negative answer, received fewer than three times in a row; the last good answer remains in use), Restored (no good answer since the operator started; the addresses that were published before remain in use). Without addresses: NoSuchName or NoAddress (confirmed negative answer), Unconfirmed (negative answer, not confirmed yet, and no good answer before), Expired (the name servers have failed for longer than staleSeconds), Failed (the name servers fail, and there was no good answer yet), Pending (no answer yet).',
      ),
    resolvedAt: z.string().optional().meta({
      format: 'date-time',
      description:
        'Time at which this answer was first received. While the name servers fail or give negative answers: time at which it was last received. Does not change while the addresses and the state stay the same, for example in a restart of the operator.',
    }),
    error: z
      .string()
      .optional()
      .describe(
        'Problem of the last answer, if there is one. Changes at most once a minute while name servers fail.',
      ),
  })
  .describe('Result of resolving the host name. Absent if the host is an IP address.');

const exclusionSchema = z
  .object({
    service: z.string().describe('Name of the Service.'),
    reason: z
      .string()
      .describe(
        'Reason why the Service does not have the address, as one CamelCase word, such as FamilyNotServed.',
      ),
  })
  .describe('One Service that does not have the address.');

const addressSchema = z
  .object({
    ip: z.string().describe('Address in canonical form.'),
    port: z.int32().optional().describe('Port of its SRV record.'),
    host: z.string().optional().describe('Host of its SRV record.'),
    priority: z
      .int32()
      .optional()
      .describe(
        'Priority of its SRV record: a server with a higher number is used when no server with a lower one is ready.',
      ),
    weight: z.int32().optional().describe('Weight of its SRV record. Reported, but not used.'),
    ready: z.boolean().describe('True if it is published as ready.'),
    health: z.enum(healthStates).describe('Health, from its probes: unknown until the first conclusive one.'),
    reason: z
      .string()
      .describe(
        'Why the address has this health, such as Connected, Refused or Timeout. If it is not unhealthy, this can be a warning of a later probe, such as AuthFailed or Saturated.',
      ),
    message: z.string().optional().describe('Details of the reason, for people.'),
    since: z
      .string()
      .optional()
      .meta({ format: 'date-time', description: 'Time of the last change of health.' }),
    role: z.string().optional().describe('Primary or Replica, if known.'),
    lagOverSeconds: z
      .int32()
      .optional()
      .describe('Largest maxLagSeconds of any Service that the lag of this replica exceeds.'),
    kept: z
      .boolean()
      .optional()
      .describe(
        'True: the address is no longer in the answer, and stays published for dns.keepSeconds while it is healthy. If a name rotates its answers, the listed addresses are those of the last status write; their number is always current.',
      ),
    excluded: z.array(exclusionSchema).optional().meta({
      description: 'Services that do not have the address, although its health would allow it.',
      'x-kubernetes-list-type': 'atomic',
    }),
  })
  .describe('One address of the target.');

const targetStatusSchema = z
  .object({
    host: z.string().describe('Host, as in spec.'),
    port: z.int32().optional().describe('Port of the target, if spec sets one.'),
    message: z
      .string()
      .optional()
      .describe(
        'Why nothing, or only a part, of this target is published, if health is not the cause. Also which settings of the target have no effect, such as priorities of SRV records.',
      ),
    resolution: resolutionSchema.optional(),
    current: z.boolean().optional().describe('True: the alias points to this host.'),
    addresses: z
      .array(addressSchema)
      .meta({ description: 'Addresses of the target.', 'x-kubernetes-list-type': 'atomic' }),
  })
  .describe('State of one target.');

const activeWindowSchema = z
  .object({
    name: z.string().describe('Name of the window; annotation, or annotation-1 and so on, by hand.'),
    action: z.string().describe('Drain, Freeze or Quiet.'),
    targets: z.array(z.string()).optional().meta({
      description: 'Hosts to which it applies. Absent: all.',
      'x-kubernetes-list-type': 'atomic',
    }),
    since: z
      .string()
      .optional()
      .meta({ format: 'date-time', description: 'Time at which it began. Absent if it is set by hand.' }),
    until: z.string().optional().meta({
      format: 'date-time',
      description: 'Time at which it ends. Absent if it always begins again before it ends.',
    }),
    description: z.string().optional().describe('Its description, as in spec.'),
  })
  .describe('One window that is active.');

const heldSchema = z
  .object({
    service: z.string().describe('Name of the Service.'),
    ips: z.array(z.string()).meta({
      description: 'Addresses of targets in a Drain that stay published.',
      'x-kubernetes-list-type': 'atomic',
    }),
  })
  .describe('One Service whose last ready addresses stay.');

const maintenanceStatusSchema = z
  .object({
    active: z.array(activeWindowSchema).optional().meta({
      description: 'Windows that are active now, the strongest action first.',
      'x-kubernetes-list-type': 'atomic',
    }),
    held: z.array(heldSchema).optional().meta({
      description:
        'Services in which targets in a Drain stay published, because no other address is ready (MaintenanceHeld).',
      'x-kubernetes-list-type': 'atomic',
    }),
    next: z
      .object({
        name: z.string().describe('Name of the window.'),
        action: z.string().describe('Drain, Freeze or Quiet.'),
        start: z.string().meta({ format: 'date-time', description: 'Time at which it begins.' }),
      })
      .optional()
      .describe('The window that begins next. Absent while one is active.'),
  })
  .describe('State of the maintenance windows. Absent if none is active and none will begin.');

/**
 * Schema of the status, which the operator writes only when it changes. Without limits: no CEL rule checks
 * it, and it must never be too large to write.
 */
export const statusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(-1)
      .optional()
      .describe(
        'The metadata.generation that this status describes. -1: the operator has not processed the resource yet.',
      ),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({
        description:
          'Ready: the spec is accepted and its objects are written. Available: every Service has a ready address. Degraded: an address is unhealthy or has a warning, such as a refused login, or DNS data is stale. Reconciling: the backend settles by itself, for example until the first probes. Stalled: a person must act. These two have the reason and message of the condition that causes them, and are absent otherwise.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    services: z
      .array(serviceStatusSchema)
      .optional()
      .meta({
        description: 'State of each Service.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      }),
    targets: z.array(targetStatusSchema).optional().meta({
      description: 'State of each target, in the order of spec.',
      'x-kubernetes-list-type': 'atomic',
    }),
    maintenance: maintenanceStatusSchema.optional(),
    readyAddresses: count.optional().describe('Number of ready addresses.'),
    totalAddresses: count.optional().describe('Number of all addresses.'),
    summary: z
      .string()
      .optional()
      .describe('Number of ready addresses and of all addresses as text, such as 2/3.'),
    handler: z
      .string()
      .optional()
      .describe(
        'Selected probe handler and the reason, if spec names no handler: `postgres: port 5432`. Also a timeout that is shorter than in spec.',
      ),
    primary: z.string().optional().describe('Address that the Services of role Primary lead to.'),
    hosts: z
      .string()
      .optional()
      .describe('Hosts of the targets as text, such as 10.20.0.11,10.20.0.12: the column TARGETS.'),
  })
  .describe('Observed state. Written by the operator only.');

/**
 * Status of a resource that the operator has not processed yet; the API server fills it in. Without it,
 * GitOps tools (kstatus) report a new resource as ready. The parser ignores it.
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
