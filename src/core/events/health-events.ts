import { formatHostPort, type Check } from '../probing/check.ts';
import type { Health } from '../health/state.ts';
import type { BackendEvent } from './backend-event.ts';
import type { EventReason } from './event-reasons.ts';

/** Effect of one Service on an address, according to what is written. */
export interface ServiceTreatment {
  readonly service: string;
  /** True if every slice of the Service that has the address has it as ready. */
  readonly ready: boolean;
  /** Field because of which clients are sent to the address although it is not ready; undefined: none. */
  readonly regardless?: 'publishNotReadyAddresses' | 'whenNoneReady' | undefined;
  /** A maintenance window freezes the address. */
  readonly frozen?: boolean;
}

/**
 * Returns the Event of a health transition, after the run that followed it; undefined: nothing to report. The
 * reason is that of the verdict.
 *
 * | from      | to        | Event                             |
 * |-----------|-----------|-----------------------------------|
 * | unknown   | healthy   | none: the address is new          |
 * | unhealthy | healthy   | Normal                            |
 * | any       | unhealthy | Warning                           |
 * | same      | same      | none: the role or the lag changed |
 *
 * The Event reports only what the slices contain:
 *
 * | to        | the Service                    | text                                            |
 * |-----------|--------------------------------|-------------------------------------------------|
 * | unhealthy | has it as not ready            | … sends it no new connections                   |
 * | unhealthy | has `publishNotReadyAddresses`, or keeps it because of `whenNoneReady` | … still sends it connections (…) |
 * | unhealthy | has it as ready                | … still lists it as ready, because the change could not be written |
 * | unhealthy | the same, in a Freeze          | … still lists it as ready, because a maintenance window freezes it |
 * | healthy   | has it as ready                | … sends it connections                          |
 * | healthy   | has it as not ready            | none: drain, a role or another port excludes it |
 * | any       | does not exist, or is an alias | none                                            |
 *
 * @param treatments of the Services whose slices have the address
 */
export function transitionEvent(
  check: Check,
  before: Health,
  after: Health,
  treatments: readonly ServiceTreatment[] = [],
): BackendEvent | undefined {
  if (before.state === after.state) return undefined;
  const about = formatHostPort(check);
  const words = [after.reason, after.message].filter((text) => text !== '').join(': ');
  const reason: EventReason = after.reason === '' ? 'HealthChanged' : after.reason;
  if (after.state === 'unhealthy') {
    const note = [`${about} is unhealthy: ${words}`, ...unhealthyWords(treatments)].join('; ');
    return { type: 'Warning', action: 'Unpublish', about, reason, note };
  }
  if (before.state !== 'unhealthy') return undefined;
  const note = [`${about} is healthy again: ${words}`, ...healthyWords(treatments)].join('; ');
  return { type: 'Normal', action: 'Publish', about, reason, note };
}

function unhealthyWords(treatments: readonly ServiceTreatment[]): readonly string[] {
  const others = treatments.filter(({ regardless }) => regardless === undefined);
  return [
    ...words(
      others.filter(({ ready }) => !ready),
      ['sends it no new connections', 'send it no new connections'],
    ),
    ...(['publishNotReadyAddresses', 'whenNoneReady'] as const).flatMap((field) =>
      words(
        treatments.filter(({ regardless }) => regardless === field),
        ['still sends it connections', 'still send it connections'],
        ` (${field})`,
      ),
    ),
    ...words(
      others.filter(({ ready, frozen }) => ready && frozen !== true),
      ['still lists it as ready', 'still list it as ready'],
      ', because the change could not be written',
    ),
    ...words(
      others.filter(({ ready, frozen }) => ready && frozen === true),
      ['still lists it as ready', 'still list it as ready'],
      ', because a maintenance window freezes it',
    ),
  ];
}

const healthyWords = (treatments: readonly ServiceTreatment[]): readonly string[] =>
  words(
    treatments.filter(({ ready, regardless }) => ready && regardless === undefined),
    ['sends it connections', 'send it connections'],
  );

/** Returns `Service a …` or `Services a, b and 3 more …`; empty if there is no Service. */
function words(
  treatments: readonly ServiceTreatment[],
  [one, several]: readonly [string, string],
  why = '',
): readonly string[] {
  const names = treatments.map(({ service }) => service);
  if (names.length === 0) return [];
  if (names.length === 1) return [`Service ${names.join('')} ${one}${why}`];
  const more = names.length > maxNames ? ` and ${names.length - maxNames} more` : '';
  return [`Services ${names.slice(0, maxNames).join(', ')}${more} ${several}${why}`];
}

/** The 1,024 bytes of a note have room for this many names. */
const maxNames = 4;
