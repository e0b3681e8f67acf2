import { lookUp } from '../look-up.ts';
import { verdictReasons } from '../probing/reasons.ts';
import { roles } from '../role.ts';
import type { AvailableReason } from './condition-reasons.ts';
import { isProbed, type StatusInput } from './status-input.ts';
import type { AddressStatus, ConditionVerdict } from './status-parts.ts';
import { joinNonEmpty, truncate } from './text.ts';

/**
 * Returns the condition `Available`.
 *
 * | mode, probing     | every port of every Service has a ready address | some address unknown | Available              |
 * |-------------------|-------------------------------------------------|----------------------|------------------------|
 * | nothing is probed | yes                                             | –                    | True ProbeDisabled     |
 * | probed            | yes                                             | any                  | True AddressesReady    |
 * | probed            | no                                              | yes                  | Unknown NotProbedYet   |
 * | any               | no, and whenNoneReady keeps each such Service open | any               | False NoneReadyKept; NoneReadyAll if no Service has KeepLast |
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
 * While spec.observe is true, the same rows of what would be published, with the reason Observing.
 *
 * Ready means healthy, and ready in a slice that is written. Before all rows: a Service that does not exist,
 * is being deleted or is not ours (see the problems) is False NotPublished. A Service that waits to be taken
 * over is Unknown before that, while an address has no verdict.
 */
export function availableCondition(
  input: StatusInput,
  addresses: readonly AddressStatus[],
): ConditionVerdict<AvailableReason> {
  const verdict = availableIn(input, addresses);
  if (input.observation === undefined) return verdict;
  const message = truncate(`without spec.observe this would be ${verdict.reason}: ${verdict.message}`);
  return { status: verdict.status, reason: 'Observing', message };
}

function availableIn(
  input: StatusInput,
  addresses: readonly AddressStatus[],
): ConditionVerdict<AvailableReason> {
  const message = readyText(addresses);
  const unpublished = notPublished(input);
  if (unpublished !== undefined)
    return (isAdopting(input) ? notKnownYet(input, addresses, message) : undefined) ?? unpublished;
  if (input.hasNoHost === true)
    return {
      status: 'False',
      reason: 'NotPublished',
      message: 'all hosts of the alias are refused; see condition Ready',
    };
  if (input.alias !== undefined) return availableAlias(input, input.alias);
  if (input.written.every((service) => service.available)) {
    if (!isProbed(input))
      return { status: 'True', reason: 'ProbeDisabled', message: `${message}; probing is disabled` };
    return { status: 'True', reason: 'AddressesReady', message };
  }
  const open = fallback(input, addresses, message);
  return open ?? noneReady(input, addresses, message);
}

const readyText = (addresses: readonly AddressStatus[]): string => {
  const ready = addresses.filter(({ ready: is, health }) => is && health !== 'unhealthy').length;
  return `${ready} of ${addresses.length} addresses are ready`;
};

/** Returns true if every Service that this backend does not publish waits for it to take it over. */
const isAdopting = ({ problems }: StatusInput): boolean =>
  problems.length > 0 && problems.every(({ reason, published }) => published || reason === 'Adopting');

/** Returns the condition if each Service without a ready address publishes others because of whenNoneReady. */
function fallback(
  input: StatusInput,
  addresses: readonly AddressStatus[],
  message: string,
): ConditionVerdict<AvailableReason> | undefined {
  const empty = input.written.filter(({ available }) => !available);
  if (empty.some((service) => service.fallback === undefined)) return undefined;
  const of = (policy: string) =>
    empty.filter((service) => service.fallback === policy).map(({ name }) => name);
  const [kept, all] = [of('KeepLast'), of('All')];
  const texts = [
    ...(kept.length > 0 ? [`the last ready addresses stay in Service ${kept.join(', ')}`] : []),
    ...(all.length > 0 ? [`all addresses are published in Service ${all.join(', ')}`] : []),
  ];
  return {
    status: 'False',
    reason: kept.length > 0 ? 'NoneReadyKept' : 'NoneReadyAll',
    message: truncate(
      joinNonEmpty(`${message}; ${texts.join('; ')} (whenNoneReady)`, notReadyReasons(input, addresses)),
    ),
  };
}

function noneReady(
  input: StatusInput,
  addresses: readonly AddressStatus[],
  message: string,
): ConditionVerdict<AvailableReason> {
  return (
    notKnownYet(input, addresses, message) ?? {
      status: 'False',
      reason: 'NoReadyAddress',
      message: truncate(
        joinNonEmpty([message, ...missingRoles(input)].join('; '), notReadyReasons(input, addresses)),
      ),
    }
  );
}

/** Returns the condition while an address has no verdict, or a name no answer. */
function notKnownYet(
  input: StatusInput,
  addresses: readonly AddressStatus[],
  message: string,
): ConditionVerdict<AvailableReason> | undefined {
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
  if (pending.length === 0) return undefined;
  return {
    status: 'Unknown',
    reason: 'NotResolvedYet',
    message: truncate(
      `${message}; no DNS answer yet for ${pending.map(({ target }) => target.host).join(', ')}`,
    ),
  };
}

/** Returns the condition if a Service does not publish this backend, whatever the addresses. */
function notPublished({ problems, written }: StatusInput): ConditionVerdict<AvailableReason> | undefined {
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
  const required = written.filter(({ available }) => !available).map(({ role }) => role);
  const missing = roles.filter((role) => required.includes(role));
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

/** Returns why the role of an address is not known: the cause by the table of reasons, and the message. */
function whyUnknown({ reason, message = '' }: AddressStatus): string {
  const cause = lookUp(verdictReasons, reason)?.roleUnknown;
  const text = joinNonEmpty(cause, message);
  return text === '' ? 'the probe reports no role' : text;
}

/** Returns a text about addresses without a conclusive verdict, with the reasons of inconclusive ones. */
function notProbedText(addresses: readonly AddressStatus[]): string {
  const why = addresses
    .filter(({ reason }) => reason !== 'NotProbedYet')
    .map(({ ip, reason, message }) => joinNonEmpty(`${ip} ${reason}`, message));
  return joinNonEmpty('not all addresses are probed yet', why.join(', '));
}

function availableAlias(input: StatusInput, alias: string): ConditionVerdict<AvailableReason> {
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
