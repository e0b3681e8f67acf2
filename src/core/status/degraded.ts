import type { DegradedReason } from './condition-reasons.ts';
import { noMaintenance } from '../maintenance/maintenance-state.ts';
import type { StatusInput } from './status-input.ts';
import type { ConditionVerdict, TargetStatus } from './status-parts.ts';
import { costFactor, maxCpuMs } from '../probing/probe-cost.ts';
import { warningFor } from '../health/warnings.ts';
import { warningConditions } from '../probing/reasons.ts';
import { stateIs } from '../resolution/resolution-states.ts';
import { formatIps, joinNonEmpty, truncate } from './text.ts';
import type { Role } from '../role.ts';

/**
 * Returns the condition `Degraded`: something is wrong, although traffic may still work. The first row that
 * holds:
 *
 * | state                                                       | Degraded                |
 * |-------------------------------------------------------------|-------------------------|
 * | Services select by role, and several servers report role Primary | True TwoPrimaries       |
 * | an address is silent and remains, because most hosts are silent | True OperatorIsolated |
 * | an address is silent, and another replica reaches it        | True UnreachableFromHere |
 * | a Secret cannot be used                                     | True SecretsMissing     |
 * | the API server refuses an address                           | True PublishRefused     |
 * | a check was being probed when a prober thread ended, twice  | True ProbeQuarantined   |
 * | for a minute recovered addresses have been written only every 10 s | True Flapping           |
 * | an address is unhealthy                                     | True AddressesUnhealthy |
 * | an address that is not unhealthy has a warning              | True LoginsRefused, PrimaryReadOnly, AddressesSaturated, ProbesFailing |
 * | the addresses of a name are stale, or there are none        | True NamesFailing       |
 * | a maintenance window cannot be used                         | True MaintenanceInvalid |
 * | a probe takes more than 20 ms of CPU time                   | True ProbesCostly       |
 * | the backends of the namespace request too many probes a second | True ProbesSlowed       |
 * | all addresses of a target are refused                       | True TargetsRefused     |
 * | none of these                                               | False AllHealthy        |
 */
export function degradedCondition(
  targets: readonly TargetStatus[],
  input: StatusInput,
): ConditionVerdict<DegradedReason> {
  const verdict =
    urgent(input) ??
    problem('SecretsMissing', input.missing, '; ') ??
    problem('PublishRefused', refusedTexts(targets), '; ') ??
    problem('ProbeQuarantined', quarantined(input), '; ') ??
    problem('Flapping', input.isFlapping === true ? [flapping] : []) ??
    problem('AddressesUnhealthy', unhealthyAddresses(targets)) ??
    warnings(targets, input) ??
    problem('NamesFailing', failingNames(targets), '; ') ??
    invalidOrStretched(input) ??
    problem('TargetsRefused', fullyRefusedTargets(input), '; ');
  return verdict ?? { status: 'False', reason: 'AllHealthy', message: 'no address is known to be unhealthy' };
}

const isolated = ({ isolation }: StatusInput): readonly string[] =>
  isolation === undefined
    ? []
    : [
        `${isolation.silent} of ${isolation.hosts} hosts do not answer the operator, so its own network has probably failed: addresses that are silent remain published until most hosts answer again, and addresses that refuse are still removed; check the network of the node that runs the operator`,
      ];

const flapping =
  'the set of ready addresses changes too often: failed addresses are still removed at once, but recovered addresses and new addresses of host names are published only every 10 s, until nothing changes for 20 s';

const urgent = (input: StatusInput): ConditionVerdict<DegradedReason> | undefined =>
  conflictingPrimaries(input) ??
  problem('OperatorIsolated', isolated(input)) ??
  problem('UnreachableFromHere', unreachableFromHere(input));

const unreachableFromHere = ({ unreachableFromHere: all = [] }: StatusInput): readonly string[] =>
  all.length === 0
    ? []
    : [
        `${all.join(', ')}: the operator gets no answer, and another replica of it does, so the address remains published; check the network between the node of the leader and the address`,
      ];
const invalidMaintenance = ({
  maintenance = noMaintenance,
}: StatusInput): ConditionVerdict<DegradedReason> | undefined =>
  problem('MaintenanceInvalid', maintenance.problems, '; ');

const invalidOrStretched = (input: StatusInput): ConditionVerdict<DegradedReason> | undefined =>
  invalidMaintenance(input) ?? stretched(input);

/** Periods are longer than in the spec. */
const stretched = (input: StatusInput): ConditionVerdict<DegradedReason> | undefined =>
  problem('ProbesCostly', costly(input), '; ') ?? problem('ProbesSlowed', slowed(input));

const problem = (
  reason: DegradedReason,
  messages: readonly string[],
  separator = ', ',
): ConditionVerdict<DegradedReason> | undefined =>
  messages.length === 0 ? undefined : { status: 'True', reason, message: truncate(messages.join(separator)) };

function conflictingPrimaries({ roles, backend }: StatusInput): ConditionVerdict<DegradedReason> | undefined {
  const byRole = (backend.spec.services ?? []).some(({ role }) => role !== 'Any');
  if (!byRole || roles.conflictingPrimaries.length === 0) return undefined;
  const excluded = `excluded from Services of role Primary: ${formatIps(roles.conflictingPrimaries)}`;
  const used = `more than one server reports role Primary; used: ${formatIps(roles.primary)}`;
  return problem('TwoPrimaries', [`${used}; ${excluded}; stop or demote the wrong server`]);
}

const refusedTexts = (targets: readonly TargetStatus[]): readonly string[] =>
  targets
    .flatMap((target) => target.addresses)
    .flatMap(({ ip, reason, message, excluded = [] }) => {
      if (reason === 'PublishRefused') return [joinNonEmpty(ip, message)];
      const services = excluded
        .filter((each) => each.reason === 'PublishRefused')
        .map(({ service }) => service);
      return services.length > 0
        ? [`the API server refuses ${ip} in the slices of Service ${services.join(', ')}`]
        : [];
    });

const quarantined = (input: StatusInput): readonly string[] =>
  (input.quarantined ?? []).map(
    (address) =>
      `${address} is in quarantine, because a thread stopped twice while it probed this address: it is probed separately, at times not at all, and keeps its last health`,
  );

const unhealthyAddresses = (targets: readonly TargetStatus[]): readonly string[] =>
  targets
    .flatMap((target) => target.addresses)
    .filter(({ health }) => health === 'unhealthy')
    .map(({ ip, reason }) => `${ip} ${reason}`);

/**
 * Returns the most severe warning alone. A role of the spec was not reported by a probe, so it does not
 * count.
 */
function warnings(
  targets: readonly TargetStatus[],
  { backend }: StatusInput,
): ConditionVerdict<DegradedReason> | undefined {
  const fixed = new Set(backend.spec.targets.flatMap(({ host, role }) => (role === undefined ? [] : host)));
  const all = targets.flatMap(({ host, addresses }) =>
    addresses.flatMap(({ ip, health, reason, message, role }) => {
      const reportedRole = fixed.has(host) ? undefined : (role as Role | undefined);
      const warning = health === 'unhealthy' ? undefined : warningFor(reason, reportedRole);
      return warning === undefined ? [] : [{ ...warning, text: joinNonEmpty(`${ip} ${reason}`, message) }];
    }),
  );
  const verdicts = warningConditions.map((reason) =>
    problem(
      reason,
      all.filter(({ degraded }) => degraded === reason).map(({ text }) => text),
    ),
  );
  return verdicts.find((verdict) => verdict !== undefined);
}

const failingNames = (targets: readonly TargetStatus[]): readonly string[] =>
  targets.flatMap(({ host, resolution }) =>
    stateIs(resolution?.state, 'failing')
      ? [`${host} ${resolution?.state}: ${resolution?.error ?? 'no details known'}`]
      : [],
  );

const costly = ({ costly: all = [] }: StatusInput): readonly string[] =>
  all.map(
    ({ address, cpuMs, periodMs }) =>
      `a probe of ${address} takes up to ${cpuMs} ms of CPU, more than ${maxCpuMs} ms: the address is probed every ${seconds(periodMs * costFactor(cpuMs, periodMs))} s instead of every ${seconds(periodMs)} s; use a shorter chain of certificates and smaller keys there`,
  );

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

const slowed = ({ slowdown }: StatusInput): readonly string[] =>
  slowdown === undefined
    ? []
    : [
        `probes run ${slowdown} times less often than configured (a period of 10 s becomes ${10 * slowdown} s), because the ExternalBackends of this namespace request more probes than --max-probe-rate-per-namespace allows: increase the period, or remove targets or ports[].probe`,
      ];

const fullyRefusedTargets = ({ targets }: StatusInput): readonly string[] =>
  targets
    .filter(({ refused, addresses }) => refused === true && addresses.length === 0)
    .map(({ target, message }) => `${target.host}: ${message ?? ''}`);
