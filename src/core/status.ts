import type { Backend, Condition, Status } from '../api/external-backend.ts';
import type { BackendAddress, TargetAddresses } from './address.ts';
import { aliasName, type Candidate } from './alias.ts';
import type { PortGroup } from './checks.ts';
import type { DesiredService } from './desired.ts';
import type { OperatorError } from './errors.ts';
import type { Problem } from './plan.ts';
import { overall, type HealthOf, type Readiness } from './readiness.ts';
import type { Roles } from './roles.ts';

export interface StatusInput {
  readonly backend: Backend;
  readonly targets: readonly TargetAddresses[];
  readonly groups: readonly PortGroup[];
  readonly healthOf: HealthOf;
  readonly desired: readonly DesiredService[];
  readonly problems: readonly Problem[];
  readonly roles: Roles;
  /** Why Secrets cannot be used. */
  readonly missing: readonly string[];
  /** What an alias points to; undefined in mode Endpoints. */
  readonly alias: string | undefined;
  /** The hosts of an alias; empty in mode Endpoints. */
  readonly candidates: readonly Candidate[];
  /** A write that the server refused for good, or that keeps failing. */
  readonly error: OperatorError | undefined;
  /** Wall milliseconds. */
  readonly now: number;
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;
type TargetStatus = NonNullable<Status['targets']>[number];
type AddressStatus = TargetStatus['addresses'][number];

/** The whole status of a backend whose spec is understood. Holds nothing that moves while nothing changes. */
export function statusOf(input: StatusInput): Status {
  const targets = input.targets.map((target) => targetStatus(target, input));
  const addresses = targets
    .flatMap((target) => target.addresses)
    .filter(({ reason }) => reason !== 'FamilyNotServed');
  const ready = addresses.filter((address) => address.ready).length;
  const silent = input.alias !== undefined && !isProbed(input);
  const generation = input.backend.generation;
  return {
    observedGeneration: generation,
    conditions: conditions(input.backend.status, generation, input.now, {
      Ready: readyCondition(input),
      Available: availableCondition(input, addresses),
      Degraded: degradedCondition(targets, input),
    }),
    services: input.desired.map((service) => serviceStatus(service, input.problems)),
    targets,
    readyAddresses: ready,
    totalAddresses: addresses.length,
    summary: silent ? '-' : `${ready}/${addresses.length}`,
    ...handlerText(input.groups),
    ...(input.roles.primary.length > 0 && { primary: texts(input.roles.primary) }),
    hosts: hostsText(input.backend.spec.targets.map((target) => target.host)),
  };
}

const isProbed = ({ groups }: StatusInput): boolean => groups.some((group) => group.probe !== undefined);

/** The stored status with another `Ready`: of a spec that is not understood, or suspended. What is published stays, and so does what is said of it. */
export function statusWithReady(
  previous: Status | undefined,
  generation: number,
  ready: Verdict,
  now: number,
): Status {
  const others = (previous?.conditions ?? []).filter((condition) => condition.type !== 'Ready');
  const [condition] = conditions(previous, generation, now, { Ready: ready });
  return {
    ...previous,
    observedGeneration: generation,
    conditions: condition === undefined ? others : [condition, ...others],
  };
}

/** What the two kinds of refusal look like in `Ready`. */
export const invalid = (
  problems: readonly { readonly path: string; readonly message: string }[],
): Verdict => ({
  status: 'False',
  reason: 'Invalid',
  message: bounded(
    problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '),
  ),
});

export const suspended: Verdict = {
  status: 'True',
  reason: 'Suspended',
  message: 'spec.suspend is true: nothing is probed or written; what is published stays',
};

/** Whether two statuses say the same, whatever the order of their fields. */
export function sameStatus(a: Status | undefined, b: Status): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : field,
  );
}

/**
 * `Ready` says that the spec is accepted and its objects are written as desired, never how the database is:
 * to GitOps tools `Ready=False` means "still progressing".
 */
function readyCondition({ problems, error, desired }: StatusInput): Verdict {
  const problem = problems[0];
  if (problem !== undefined)
    return {
      status: 'False',
      reason: problem.reason,
      message: bounded(problems.map((p) => p.message).join('; ')),
    };
  if (error !== undefined) return { status: 'False', reason: error.reason, message: bounded(error.message) };
  const names = desired.map(({ name }) => name).join(', ');
  return { status: 'True', reason: 'Published', message: bounded(`published as Service ${names}`) };
}

/**
 * | mode, probing        | every port of every Service has a ready address | some address unknown | Available              |
 * |----------------------|-------------------------------------------------|----------------------|------------------------|
 * | nothing is probed    | yes                                             | –                    | True ProbeDisabled     |
 * | probed               | yes                                             | any                  | True AddressesReady    |
 * | probed               | no                                              | yes                  | Unknown NotProbedYet   |
 * | any                  | no, and a name is not answered yet              | no                   | Unknown NotResolvedYet |
 * | any                  | no                                              | no                   | False NoReadyAddress   |
 *
 * | ExternalName: the host it points to | Available              |
 * |-------------------------------------|------------------------|
 * | healthy, or unknown and not probed  | True Alias             |
 * | unknown, an address is known        | Unknown NotProbedYet   |
 * | unknown, and probed if there were   | Unknown NotResolvedYet |
 * | unhealthy                           | False NoReadyAddress   |
 *
 * Before all of that: a Service that is not ours (see the problems) is False NotPublished, for what it leads to is not
 * ours to say.
 */
function availableCondition(input: StatusInput, addresses: readonly AddressStatus[]): Verdict {
  const missing = input.problems.filter(({ published }) => !published).map(({ service }) => service);
  if (missing.length > 0)
    return {
      status: 'False',
      reason: 'NotPublished',
      message: bounded(`Service ${missing.join(', ')} is not ours; see the condition Ready`),
    };
  if (input.alias !== undefined) return availableAlias(input, input.alias);
  const ready = addresses.filter((address) => address.ready).length;
  const message = `${ready} of ${addresses.length} addresses are ready`;
  if (input.desired.every((service) => service.available)) {
    if (!isProbed(input))
      return { status: 'True', reason: 'ProbeDisabled', message: `${message}; probing is switched off` };
    return { status: 'True', reason: 'AddressesReady', message };
  }
  if (addresses.some((address) => address.reason === 'NotProbedYet'))
    return { status: 'Unknown', reason: 'NotProbedYet', message: `${message}; not all are probed yet` };
  const pending = input.targets.filter(({ resolution }) => resolution?.rule === 'Pending');
  if (pending.length > 0)
    return {
      status: 'Unknown',
      reason: 'NotResolvedYet',
      message: bounded(
        `${message}; no answer yet for ${pending.map(({ target }) => target.host).join(', ')}`,
      ),
    };
  const why = addresses
    .filter((address) => !address.ready || address.excluded !== undefined)
    .map(({ ip, ready: is, reason, excluded }) => `${ip} ${is ? (excluded?.[0]?.reason ?? reason) : reason}`);
  const names = input.targets.flatMap(({ target, resolution }) =>
    resolution?.error === undefined ? [] : [`${target.host}: ${resolution.error}`],
  );
  return {
    status: 'False',
    reason: 'NoReadyAddress',
    message: bounded([message, [...why, ...names].join(', ')].filter((text) => text !== '').join(': ')),
  };
}

function availableAlias(input: StatusInput, alias: string): Verdict {
  const {
    health = 'unknown',
    resolved = false,
    why = '',
  } = input.candidates.find(({ name }) => name === alias) ?? {};
  const message = `the alias points to ${alias}`;
  if (health === 'healthy') return { status: 'True', reason: 'Alias', message };
  if (health === 'unhealthy')
    return {
      status: 'False',
      reason: 'NoReadyAddress',
      message: bounded(`${message}, which is unhealthy: ${why}`),
    };
  if (isProbed(input) && resolved)
    return { status: 'Unknown', reason: 'NotProbedYet', message: `${message}, which is not probed yet` };
  if (isProbed(input))
    return {
      status: 'Unknown',
      reason: 'NotResolvedYet',
      message: bounded(`${message}, of which no address is known: ${why}`),
    };
  return { status: 'True', reason: 'Alias', message };
}

function serviceStatus(
  { name, ready, total }: DesiredService,
  problems: readonly Problem[],
): NonNullable<Status['services']>[number] {
  const missing = problems.some(({ service, published }) => service === name && !published);
  return missing ? { name, ready: 0, total: 0 } : { name, ready, total };
}

/** What is asked where the spec does not say it, and why. */
function handlerText(groups: readonly PortGroup[]): Pick<Status, 'handler'> {
  const chosen = groups.flatMap(({ probe }) => probe?.why ?? []);
  return chosen.length > 0 ? { handler: chosen.join(', ') } : {};
}

/** As many as a column of kubectl bears. */
const hostsText = (hosts: readonly string[]): string =>
  hosts.length <= 4 ? hosts.join(',') : `${hosts.slice(0, 3).join(',')} + ${hosts.length - 3} more`;

function degradedCondition(targets: readonly TargetStatus[], input: StatusInput): Verdict {
  const { missing, roles, backend } = input;
  const byRole = (backend.spec.services ?? []).some(({ role }) => role !== 'Any');
  if (byRole && roles.pretenders.length > 0)
    return {
      status: 'True',
      reason: 'TwoPrimaries',
      message: bounded(
        `${texts(roles.primary)} is the primary; ${texts(roles.pretenders)} says so too and is not published as one`,
      ),
    };
  if (missing.length > 0)
    return { status: 'True', reason: 'SecretsMissing', message: bounded(missing.join('; ')) };
  const sick = targets
    .flatMap((target) => target.addresses)
    .filter((address) => address.health === 'unhealthy');
  const left = input.targets.filter(({ refused, addresses }) => refused === true && addresses.length === 0);
  const failing = targets.filter(({ resolution }) => failingRules.includes(resolution?.rule ?? ''));
  if (sick.length > 0)
    return {
      status: 'True',
      reason: 'AddressesUnhealthy',
      message: bounded(sick.map((address) => `${address.ip} ${address.reason}`).join(', ')),
    };
  if (failing.length > 0)
    return {
      status: 'True',
      reason: 'NamesFailing',
      message: bounded(
        failing
          .map(({ host, resolution: r }) => `${host} ${r?.rule}: ${r?.error ?? 'nothing known'}`)
          .join('; '),
      ),
    };
  if (left.length > 0)
    return {
      status: 'True',
      reason: 'TargetsRefused',
      message: bounded(left.map(({ target, message }) => `${target.host}: ${message ?? ''}`).join('; ')),
    };
  return { status: 'False', reason: 'AllHealthy', message: 'no address is known to be unhealthy' };
}

const texts = (addresses: readonly BackendAddress[]): string => addresses.map(({ ip }) => ip).join(', ');

/** Rules by which old addresses stand, or none. */
const failingRules: readonly string[] = ['Stale', 'Expired', 'Failed', 'Doubted', 'NoSuchName', 'NoAddress'];

function targetStatus(
  { target, addresses, resolution, message }: TargetAddresses,
  input: StatusInput,
): TargetStatus {
  return {
    host: target.host,
    ...(target.port !== 0 && { port: target.port }),
    ...(message !== undefined && { message: bounded(message) }),
    ...(resolution !== undefined && { resolution: resolutionStatus(resolution) }),
    ...(input.alias === aliasName(target.host) && { current: true }),
    addresses: addresses.map((address) => {
      const readiness = overall(input.groups, address, input.healthOf);
      return {
        ip: address.ip,
        ...recordStatus(address),
        ...addressStatus(readiness, target.drain),
        ...roleStatus(address, input.roles),
        ...(address.kept && { kept: true }),
        ...exclusions(address, readiness.ready, input.desired),
      };
    }),
  };
}

function resolutionStatus({
  rule = 'Pending',
  resolvedWall,
  error,
}: NonNullable<TargetAddresses['resolution']>): NonNullable<TargetStatus['resolution']> {
  return {
    rule,
    ...(resolvedWall !== undefined && { resolvedAt: timestamp(resolvedWall) }),
    ...(error !== undefined && { error: bounded(error) }),
  };
}

const recordStatus = ({ record }: BackendAddress): Partial<AddressStatus> =>
  record === undefined
    ? {}
    : { port: record.port, host: record.host, priority: record.priority, weight: record.weight };

/** Services that the address is missing from although its health would allow it, and those that cannot carry it at all. */
function exclusions(
  address: BackendAddress,
  ready: boolean,
  desired: readonly DesiredService[],
): Pick<AddressStatus, 'excluded'> {
  const excluded = desired.flatMap(({ name, excluded: all }) => {
    const reason = all.get(address);
    return reason !== undefined && (ready || reason === 'FamilyNotServed') ? [{ service: name, reason }] : [];
  });
  return excluded.length > 0 ? { excluded } : {};
}

function roleStatus(address: BackendAddress, roles: Roles): Pick<AddressStatus, 'role' | 'lagOverSeconds'> {
  const role = roles.roleOf(address);
  const lag = roles.laggingOf(address).at(-1);
  return { ...(role !== undefined && { role }), ...(lag !== undefined && { lagOverSeconds: lag }) };
}

function addressStatus(readiness: Readiness, drain: boolean): Omit<AddressStatus, 'ip'> {
  const { ready, health, reason, message, since } = readiness;
  const drained = drain && (health === 'healthy' || reason === 'ProbeDisabled');
  return {
    ready,
    health,
    reason: drained ? 'Drained' : reason,
    ...(message !== '' && { message: bounded(message) }),
    ...(since !== undefined && { since: timestamp(since) }),
  };
}

/** `lastTransitionTime` moves only when the condition's status does. */
function conditions(
  previous: Status | undefined,
  observedGeneration: number,
  now: number,
  verdicts: Readonly<Record<string, Verdict>>,
): Condition[] {
  return Object.entries(verdicts).map(([type, verdict]) => {
    const before = previous?.conditions?.find((condition) => condition.type === type);
    const kept = before?.status === verdict.status ? before.lastTransitionTime : timestamp(now);
    return { type, ...verdict, observedGeneration, lastTransitionTime: kept };
  });
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export const timestamp = (wallMs: number): string => new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');

const bounded = (text: string): string => (text.length <= 1024 ? text : `${text.slice(0, 1020)} ...`);
