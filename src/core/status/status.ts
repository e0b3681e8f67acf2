import type { Condition, Status } from '../../api/external-backend.ts';
import { availableCondition } from './available.ts';
import type { AvailableReason, DegradedReason, ReadyReason } from './condition-reasons.ts';
import { readyCondition, reconcilingCondition, stalledCondition } from './ready.ts';
import { isProbed, type StatusInput } from './status-input.ts';
import { conditionOf, type ConditionVerdict } from './status-parts.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import { degradedCondition } from './degraded.ts';
import { noMaintenance } from '../maintenance/maintenance-state.ts';
import { maintenanceStatus } from './maintenance-status.ts';
import { fitStatus } from './status-size.ts';
import { formatIps, truncate, timestamp } from './text.ts';
import { isSame } from '../kubernetes/is-same.ts';
import { steadyTarget } from './steady-target.ts';
import { targetStatus } from './target-status.ts';
import type { WrittenService } from '../publish/written-service.ts';

/**
 * Returns the whole status of a backend whose spec is valid. It contains nothing that changes while the state
 * does not.
 */
export function statusOf(input: StatusInput): Status {
  const stored = input.backend.status?.targets ?? [];
  const targets = input.targets.map((target, i) => steadyTarget(targetStatus(target, input), stored[i]));
  const addresses = targets
    .flatMap((target) => target.addresses)
    .filter(({ reason }) => reason !== 'FamilyNotServed');
  const ready = addresses.filter((address) => address.ready).length;
  const silent = input.alias !== undefined && !isProbed(input);
  const generation = input.backend.generation;
  const primary = publishedPrimary(input);
  const verdicts = {
    Ready: readyCondition(input),
    Stalled: stalledCondition(input),
    Available: availableCondition(input, addresses),
  };
  const status = {
    observedGeneration: generation,
    conditions: conditions(input.backend.status, generation, input.now, {
      Ready: verdicts.Ready,
      Reconciling: reconcilingCondition(verdicts),
      Stalled: verdicts.Stalled,
      Available: verdicts.Available,
      Degraded: degradedCondition(targets, input),
    }),
    services: input.written.map((service) => serviceStatus(service, input)),
    targets,
    ...maintenanceStatus(input.maintenance ?? noMaintenance, input.desired),
    readyAddresses: ready,
    totalAddresses: addresses.length,
    summary: silent ? '-' : `${ready}/${addresses.length}`,
    ...handlerText(input.groups),
    ...(primary.length > 0 && { primary: formatIps(primary) }),
    hosts: hostsText(input.backend.spec.targets.map((target) => target.host)),
  };
  return fitStatus(status, input.backend.spec);
}

/**
 * Returns the addresses of the primary that the Services of role Primary lead to; without such a Service, all
 * its addresses.
 */
export function publishedPrimary({
  roles,
  written,
}: Pick<StatusInput, 'roles' | 'written'>): readonly BackendAddress[] {
  const services = written.filter(({ role }) => role === 'Primary');
  return roles.primary.filter(
    (address) => services.length === 0 || services.some(({ isReady }) => isReady(address) === true),
  );
}

/** Conditions of a backend that is not reconciled. */
export interface Halt {
  readonly Ready: ConditionVerdict<ReadyReason>;
  readonly Stalled?: ConditionVerdict<ReadyReason>;
  readonly Available?: ConditionVerdict<AvailableReason>;
  readonly Degraded?: ConditionVerdict<DegradedReason>;
}

/**
 * Returns the stored status of a backend that is not reconciled, with the conditions of its halt. Everything
 * else remains, except maintenance, which has no effect on it. So does what is published.
 */
export function statusOfHalt(
  previous: Status | undefined,
  generation: number,
  halt: Halt,
  now: number,
): Status {
  const { Ready, Stalled, ...changed } = halt;
  const { maintenance: _, ...rest } = previous ?? {};
  const left = ['Ready', 'Reconciling', 'Stalled', ...Object.keys(changed)];
  const others = (previous?.conditions ?? []).filter(({ type }) => !left.includes(type));
  return {
    ...rest,
    observedGeneration: generation,
    conditions: [...conditions(previous, generation, now, { Ready, Stalled, ...changed }), ...others],
  };
}

/** Returns the halt of a spec that is not valid. */
export function invalidHalt(problems: readonly { readonly path: string; readonly message: string }[]): Halt {
  const texts = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const verdict = { reason: 'Invalid', message: truncate(texts.join('; ')) } as const;
  return { Ready: { status: 'False', ...verdict }, Stalled: { status: 'True', ...verdict } };
}

/** Returns the halt of a backend in a namespace that the administrator excludes. */
export function excludedNamespaceHalt(namespace: string): Halt {
  const verdict = {
    reason: 'NamespaceExcluded',
    message: `namespace ${namespace} is excluded by the administrator (--exclude-namespaces): nothing is probed or written here; create the ExternalBackend in another namespace`,
  } as const;
  return { Ready: { status: 'False', ...verdict }, Stalled: { status: 'True', ...verdict } };
}

/** Halt of a suspended backend. */
export const suspendedHalt: Halt = {
  Ready: {
    status: 'True',
    reason: 'Suspended',
    message: 'spec.suspend is true: nothing is probed or written; Services and addresses stay as they are',
  },
};

/** Compares two statuses. The order of fields does not count. */
export const sameStatus = (a: Status | undefined, b: Status): boolean => isSame(a, b);

function serviceStatus(
  { name, ready, total, fallback, tier }: WrittenService,
  { problems, observation }: Pick<StatusInput, 'problems' | 'observation'>,
): NonNullable<Status['services']>[number] {
  const difference = observation?.differences.get(name);
  const missing = problems.some(({ service, published }) => service === name && !published);
  if (missing) return { name, ready: 0, total: 0 };
  return {
    ...{ name, ready, total },
    ...(tier && { tier: tier.priority, ...(tier.srvRank > 0 && { srvRank: tier.srvRank }) }),
    ...(fallback && { fallback }),
    ...(difference !== undefined && { difference }),
  };
}

/** Returns how addresses are probed, and why, for what the spec leaves open or is limited. */
function handlerText(groups: readonly PortGroup[]): Pick<Status, 'handler'> {
  const cuts = new Set(groups.flatMap(({ probe }) => probe?.cut ?? []));
  const chosen = [...groups.flatMap(({ probe }) => probe?.why ?? []), ...cuts];
  return chosen.length > 0 ? { handler: chosen.join(', ') } : {};
}

/** Limits the hosts to the width of a kubectl column. */
const hostsText = (hosts: readonly string[]): string =>
  hosts.length <= 4 ? hosts.join(',') : `${hosts.slice(0, 3).join(',')} + ${hosts.length - 3} more`;

/**
 * Returns the conditions. `lastTransitionTime` changes only with the status of the condition. A condition
 * without a verdict is absent.
 */
function conditions(
  previous: Status | undefined,
  observedGeneration: number,
  now: number,
  verdicts: Readonly<Record<string, ConditionVerdict | undefined>>,
): Condition[] {
  return Object.entries(verdicts).flatMap(([type, verdict]) => {
    if (verdict === undefined) return [];
    const before = conditionOf(type, previous);
    const kept = before?.status === verdict.status ? before.lastTransitionTime : timestamp(now);
    return { type, ...verdict, observedGeneration, lastTransitionTime: kept };
  });
}
