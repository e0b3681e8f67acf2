import type { Backend, Condition, Status } from '../../api/external-backend.ts';
import type { BackendAddress, TargetAddresses } from '../resolution/addresses.ts';
import type { Candidate } from '../publish/external-name.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import type { DesiredService } from '../publish/desired.ts';
import { errorStalls, type OperatorError } from '../errors.ts';
import { problemReasons, type Problem } from '../publish/problems.ts';
import type { HealthOf } from '../health/readiness.ts';
import type { Roles } from '../roles/primary-election.ts';
import { truncate } from './text.ts';
import type { WrittenService } from '../publish/written.ts';

export interface StatusInput {
  readonly backend: Backend;
  readonly targets: readonly TargetAddresses[];
  readonly groups: readonly PortGroup[];
  readonly healthOf: HealthOf;
  readonly desired: readonly DesiredService[];
  /** Their written state, in the same order. */
  readonly written: readonly WrittenService[];
  readonly problems: readonly Problem[];
  readonly roles: Roles;
  /** Texts about Secrets that cannot be used. */
  readonly missing: readonly string[];
  /** Addresses whose checks are in quarantine. */
  readonly quarantined?: readonly string[];
  /** Host that an alias points to; undefined in mode Endpoints. */
  readonly alias: string | undefined;
  /** All hosts of the alias are refused: it has no Service, or one that is not changed. */
  readonly hasNoHost?: boolean;
  /** Hosts of an alias; empty in mode Endpoints. */
  readonly candidates: readonly Candidate[];
  /** A write that the server refused, or that keeps failing. */
  readonly error: OperatorError | undefined;
  /** `<Service> <ip>` -> message with which the API server refuses this address. */
  readonly refused?: ReadonlyMap<string, string>;
  /** True while recovered addresses are written only every 10 s (engine/reconcile/flapping.ts). */
  readonly isFlapping?: boolean;
  /**
   * Factor by which periods are longer than in the spec, because the namespace requests too many probes.
   * Default: 1.
   */
  readonly slowdown?: number;
  /**
   * Addresses that are probed less often than in the spec, because of the CPU time that their probes take.
   */
  readonly costly?: readonly CostlyAddress[];
  /** Wall-clock milliseconds. */
  readonly now: number;
}

export interface CostlyAddress {
  /** Cost of a probe, in milliseconds of CPU. */
  readonly cpuMs: number;
  /** IP and port. */
  readonly address: string;
  /** Period of the spec, in milliseconds. */
  readonly periodMs: number;
}

/** Content of a condition, without its times. */
export type ConditionVerdict = Pick<Condition, 'status' | 'reason' | 'message'>;
export type TargetStatus = NonNullable<Status['targets']>[number];
export type AddressStatus = TargetStatus['addresses'][number];

export const isProbed = ({ groups }: StatusInput): boolean =>
  groups.some((group) => group.probe !== undefined);

/**
 * Returns the condition `Ready`. It is about the spec and the writes, never about the database, because to
 * GitOps tools `Ready=False` means "still progressing". The first row that holds:
 *
 * | state                                                | Ready                                 |
 * |------------------------------------------------------|---------------------------------------|
 * | a Service is not ours, or not fully                  | False Conflict, NameClaimed, Adopting |
 * | a write is refused, or fails several times in a row  | False, the reason of the API server   |
 * | an alias, and all its hosts are refused              | False TargetsRefused                  |
 * | a Service is being deleted, and a finalizer keeps it | False Terminating                     |
 * | a Service is missing                                 | False Missing                         |
 * | none of these                                        | True Published                        |
 */
export function readyCondition(input: StatusInput): ConditionVerdict {
  const { problems, error, written } = input;
  if (problems.length > 0) return ofProblems('False', problems);
  if (error !== undefined) return { status: 'False', reason: error.reason, message: truncate(error.message) };
  if (input.hasNoHost === true) return { status: 'False', ...noHost(input) };
  const terminating = namesOf(written, 'terminating');
  if (terminating !== '')
    return {
      status: 'False',
      reason: 'Terminating',
      message: truncate(
        `Service ${terminating} is being deleted; it will be created again after its finalizers are removed (see its metadata.finalizers)`,
      ),
    };
  const missing = namesOf(written, 'missing');
  if (missing !== '')
    return { status: 'False', reason: 'Missing', message: truncate(`Service ${missing} is not created yet`) };
  const names = written.map(({ name }) => name).join(', ');
  return { status: 'True', reason: 'Published', message: truncate(`published as Service ${names}`) };
}

/**
 * Returns the condition `Stalled`. It is present only while a person must act: `True`, with the reason and
 * the message of `Ready`. With it GitOps tools (kstatus) report a failure at once, instead of when they time
 * out.
 */
export function stalledCondition(input: StatusInput): ConditionVerdict | undefined {
  const { problems, error } = input;
  const stalling = problems.filter(({ reason }) => problemReasons[reason] === 'stalls');
  if (stalling.length > 0) return ofProblems('True', stalling);
  if (error === undefined && input.hasNoHost === true) return { status: 'True', ...noHost(input) };
  if (error === undefined || !errorStalls(error)) return undefined;
  return { status: 'True', reason: error.reason, message: truncate(error.message) };
}

/** Returns a message with each host of an alias, if all of them are refused. */
const noHost = ({ candidates }: StatusInput): Omit<ConditionVerdict, 'status'> => ({
  reason: 'TargetsRefused',
  message: truncate(`all hosts of the alias are refused: ${candidates.map(({ why }) => why).join('; ')}`),
});

const ofProblems = (status: ConditionVerdict['status'], problems: readonly Problem[]): ConditionVerdict => ({
  status,
  reason: problems[0]?.reason ?? '',
  message: truncate(problems.map(({ message }) => message).join('; ')),
});

const namesOf = (written: readonly WrittenService[], state: WrittenService['state']): string =>
  written
    .filter((service) => service.state === state)
    .map(({ name }) => name)
    .join(', ');

/**
 * Returns the condition `Available`.
 *
 * | mode, probing     | every port of every Service has a ready address | some address unknown | Available              |
 * |-------------------|-------------------------------------------------|----------------------|------------------------|
 * | nothing is probed | yes                                             | –                    | True ProbeDisabled     |
 * | probed            | yes                                             | any                  | True AddressesReady    |
 * | probed            | no                                              | yes                  | Unknown NotProbedYet   |
 * | any               | no, and a name has no answer yet                | no                   | Unknown NotResolvedYet |
 * | any               | no                                              | no                   | False NoReadyAddress   |
 *
 * | ExternalName: the host it points to        | Available              |
 * |--------------------------------------------|------------------------|
 * | healthy, or unknown and not probed         | True Alias             |
 * | unknown, an address is known               | Unknown NotProbedYet   |
 * | unknown, and probed once it has an address | Unknown NotResolvedYet |
 * | unhealthy                                  | False NoReadyAddress   |
 * | none: all hosts are refused                | False NotPublished     |
 *
 * Ready means healthy, and ready in a slice that is written. Before all rows: a Service that does not exist,
 * is being deleted or is not ours (see the problems) is False NotPublished.
 */
export function availableCondition(
  input: StatusInput,
  addresses: readonly AddressStatus[],
): ConditionVerdict {
  const unpublished = notPublished(input);
  if (unpublished !== undefined) return unpublished;
  if (input.hasNoHost === true)
    return {
      status: 'False',
      reason: 'NotPublished',
      message: 'all hosts of the alias are refused; see condition Ready',
    };
  if (input.alias !== undefined) return availableAlias(input, input.alias);
  const ready = addresses.filter((address) => address.ready && address.health !== 'unhealthy').length;
  const message = `${ready} of ${addresses.length} addresses are ready`;
  if (input.written.every((service) => service.available)) {
    if (!isProbed(input))
      return { status: 'True', reason: 'ProbeDisabled', message: `${message}; probing is disabled` };
    return { status: 'True', reason: 'AddressesReady', message };
  }
  const open = addresses.filter(
    ({ health, reason }) => health === 'unknown' && reason !== 'ProbeDisabled' && reason !== 'Drained',
  );
  if (open.length > 0)
    return {
      status: 'Unknown',
      reason: 'NotProbedYet',
      message: truncate(`${message}; ${notProbedText(open)}`),
    };
  const pending = input.targets.filter(({ resolution }) => resolution?.state === 'Pending');
  if (pending.length > 0)
    return {
      status: 'Unknown',
      reason: 'NotResolvedYet',
      message: truncate(
        `${message}; no DNS answer yet for ${pending.map(({ target }) => target.host).join(', ')}`,
      ),
    };
  return {
    status: 'False',
    reason: 'NoReadyAddress',
    message: truncate(
      joinNonEmpty([message, ...missingRoles(input)].join('; '), notReadyReasons(input, addresses)),
    ),
  };
}

/** Returns the condition if a Service does not publish this backend, whatever the addresses. */
function notPublished({ problems, written }: StatusInput): ConditionVerdict | undefined {
  const foreign = problems.filter(({ published }) => !published).map(({ service }) => service);
  const absent = written.filter(({ name, state }) => state !== 'written' && !foreign.includes(name));
  const texts = [
    ...(foreign.length > 0 ? [`Service ${foreign.join(', ')} is not managed by this ExternalBackend`] : []),
    ...absent.map(
      ({ name, state }) => `Service ${name} ${state === 'missing' ? 'does not exist' : 'is being deleted'}`,
    ),
  ];
  if (texts.length === 0) return undefined;
  const message = truncate(`${texts.join('; ')}; see condition Ready`);
  return { status: 'False', reason: 'NotPublished', message };
}

/** Returns which roles are missing, if a Service without a ready address requires a role. */
function missingRoles({ written }: StatusInput): readonly string[] {
  const wanted = written.filter(({ available }) => !available).map(({ role }) => role);
  const missing = (['Primary', 'Replica'] as const).filter((role) => wanted.includes(role));
  const texts = missing.map((role) => `no ready ${role.toLowerCase()}`);
  return texts.length > 0 ? [texts.join(', ')] : [];
}

/**
 * Returns, with the reason, each address that is not ready or that a Service without a ready address
 * excludes, and each name that fails.
 */
function notReadyReasons({ written, targets }: StatusInput, addresses: readonly AddressStatus[]): string {
  const empty = written.filter(({ available }) => !available).map(({ name }) => name);
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
 * Returns why the role of an address is not known.
 *
 * | reason of the address | text                                     |
 * |-----------------------|------------------------------------------|
 * | AuthFailed            | login refused, its message               |
 * | CredentialsWithheld   | credentials not sent, its message        |
 * | AuthRequired          | the server requires a login, its message |
 * | any with a message    | its message                              |
 * | any other             | the probe reports no role                |
 */
function whyUnknown({ reason, message = '' }: AddressStatus): string {
  if (reason === 'AuthFailed') return joinNonEmpty('login refused', message);
  if (reason === 'CredentialsWithheld') return joinNonEmpty('credentials not sent', message);
  if (reason === 'AuthRequired') return joinNonEmpty('the server requires a login', message);
  return message === '' ? 'the probe reports no role' : message;
}

/** Returns a text about addresses without a conclusive verdict, with the reasons of inconclusive ones. */
function notProbedText(addresses: readonly AddressStatus[]): string {
  const why = addresses
    .filter(({ reason }) => reason !== 'NotProbedYet')
    .map(({ ip, reason, message }) => joinNonEmpty(`${ip} ${reason}`, message));
  return joinNonEmpty('not all addresses are probed yet', why.join(', '));
}

/** Joins the texts that are not empty, with a colon. */
export const joinNonEmpty = (...texts: readonly (string | undefined)[]): string =>
  texts.filter((text) => text !== undefined && text !== '').join(': ');

function availableAlias(input: StatusInput, alias: string): ConditionVerdict {
  const {
    health = 'unknown',
    resolved = false,
    why = '',
  } = input.candidates.find(({ name }) => name === alias) ?? {};
  const others = input.written.filter(({ available }) => !available).map(({ name }) => name);
  if (others.length > 0)
    return {
      status: 'False',
      reason: 'NotPublished',
      message: truncate(`Service ${others.join(', ')} does not point to ${alias} yet; see condition Ready`),
    };
  const message = `the alias points to ${alias}`;
  if (health === 'healthy') return { status: 'True', reason: 'Alias', message };
  if (health === 'unhealthy')
    return {
      status: 'False',
      reason: 'NoReadyAddress',
      message: truncate(`${message}, which is unhealthy: ${why}`),
    };
  if (isProbed(input) && resolved)
    return { status: 'Unknown', reason: 'NotProbedYet', message: `${message}, which is not probed yet` };
  if (isProbed(input))
    return {
      status: 'Unknown',
      reason: 'NotResolvedYet',
      message: truncate(`${message}, whose addresses are not known: ${why}`),
    };
  return { status: 'True', reason: 'Alias', message };
}

export const formatIps = (addresses: readonly BackendAddress[]): string =>
  addresses.map(({ ip }) => ip).join(', ');
