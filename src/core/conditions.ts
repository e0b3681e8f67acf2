import type { Backend, Condition, Status } from '../api/external-backend.ts';
import type { BackendAddress, TargetAddresses } from './address.ts';
import type { Candidate } from './alias.ts';
import type { PortGroup } from './checks.ts';
import type { DesiredService } from './desired.ts';
import type { OperatorError } from './errors.ts';
import type { Problem } from './plan.ts';
import type { HealthOf } from './readiness.ts';
import type { Roles } from './roles.ts';
import { bounded } from './status-text.ts';

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

/** What a condition says, without its times. */
export type ConditionVerdict = Pick<Condition, 'status' | 'reason' | 'message'>;
export type TargetStatus = NonNullable<Status['targets']>[number];
export type AddressStatus = TargetStatus['addresses'][number];

export const isProbed = ({ groups }: StatusInput): boolean =>
  groups.some((group) => group.probe !== undefined);

/**
 * `Ready` says that the spec is accepted and its objects are written as desired, never how the database is:
 * to GitOps tools `Ready=False` means "still progressing".
 */
export function readyCondition({ problems, error, desired }: StatusInput): ConditionVerdict {
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
export function availableCondition(
  input: StatusInput,
  addresses: readonly AddressStatus[],
): ConditionVerdict {
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
  const open = addresses.filter(
    ({ health, reason }) => health === 'unknown' && reason !== 'ProbeDisabled' && reason !== 'Drained',
  );
  if (open.length > 0)
    return { status: 'Unknown', reason: 'NotProbedYet', message: bounded(`${message}; ${openText(open)}`) };
  const pending = input.targets.filter(({ resolution }) => resolution?.rule === 'Pending');
  if (pending.length > 0)
    return {
      status: 'Unknown',
      reason: 'NotResolvedYet',
      message: bounded(
        `${message}; no answer yet for ${pending.map(({ target }) => target.host).join(', ')}`,
      ),
    };
  return {
    status: 'False',
    reason: 'NoReadyAddress',
    message: bounded(words([message, ...nobody(input)].join('; '), whyNobody(input, addresses))),
  };
}

/** Who is missing, where Services without a ready address want a role. */
function nobody({ desired }: StatusInput): readonly string[] {
  const wanted = desired.filter(({ available }) => !available).map(({ spec }) => spec.role);
  const missing = (['Primary', 'Replica'] as const).filter((role) => wanted.includes(role));
  const texts = missing.map((role) => `no ready ${role.toLowerCase()}`);
  return texts.length > 0 ? [texts.join(', ')] : [];
}

/** Each address that is not ready, or not behind a Service that has none, and each name that fails, with the reason. */
function whyNobody({ desired, targets }: StatusInput, addresses: readonly AddressStatus[]): string {
  const empty = desired.filter(({ available }) => !available).map(({ name }) => name);
  const why = addresses.flatMap((address) => {
    const { ip, ready, reason, excluded = [] } = address;
    if (!ready) return [`${ip} ${reason}`];
    const exclusion = excluded.find(({ service }) => empty.includes(service))?.reason;
    if (exclusion === undefined) return [];
    return [`${ip} ${exclusion}${exclusion === 'RoleUnknown' ? ` (${whyUnknown(address)})` : ''}`];
  });
  const names = targets.flatMap(({ target, resolution }) =>
    resolution?.error === undefined ? [] : [`${target.host}: ${resolution.error}`],
  );
  return [...why, ...names].join(', ');
}

/**
 * | the address says     | its role is not known, for        |
 * |----------------------|-----------------------------------|
 * | AuthFailed           | login refused, its words          |
 * | AuthRequired         | it asks for a login, its words    |
 * | anything with words  | these                             |
 * | anything else        | its probe tells no role           |
 */
function whyUnknown({ reason, message = '' }: AddressStatus): string {
  if (reason === 'AuthFailed') return words('login refused', message);
  if (reason === 'AuthRequired') return words('it asks for a login', message);
  return message === '' ? 'its probe tells no role' : message;
}

/** Of those whose probes came to nothing it is said why. */
function openText(addresses: readonly AddressStatus[]): string {
  const why = addresses
    .filter(({ reason }) => reason !== 'NotProbedYet')
    .map(({ ip, reason, message }) => words(`${ip} ${reason}`, message));
  return words('not all are probed yet', why.join(', '));
}

/** Those that are not empty, with a colon between. */
export const words = (...texts: readonly (string | undefined)[]): string =>
  texts.filter((text) => text !== undefined && text !== '').join(': ');

function availableAlias(input: StatusInput, alias: string): ConditionVerdict {
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

export const texts = (addresses: readonly BackendAddress[]): string =>
  addresses.map(({ ip }) => ip).join(', ');
