import type { Candidate } from '../publish/external-name.ts';
import type { BackendEvent } from './backend-event.ts';

/**
 * Returns the Event of an alias that points to another host; undefined if it does not.
 *
 * | the host before                      | Event   |
 * |--------------------------------------|---------|
 * | is no longer in spec.targets         | Normal  |
 * | is drained                           | Normal  |
 * | is unhealthy                         | Warning |
 * | any other: a host before it is back  | Normal  |
 *
 * @param before host to which a Service pointed; undefined: none
 */
export function aliasSwitchEvent(
  candidates: readonly Candidate[],
  before: string | undefined,
  after: string,
): BackendEvent | undefined {
  if (before === undefined || before === after) return undefined;
  const event = { type: 'Normal', reason: 'AliasSwitched', action: 'Switch' } as const;
  const note = `the alias now points to ${after}`;
  const left = candidates.find(({ name }) => name === before);
  if (left === undefined)
    return { ...event, note: `${note}, because ${before} was removed from spec.targets` };
  if (left.drain) return { ...event, note: `${note}, because ${before} is drained` };
  if (left.health === 'unhealthy')
    return { ...event, type: 'Warning', note: `${note}, because ${before} is unhealthy: ${left.why}` };
  return {
    ...event,
    note: `${note} again, because it is healthy and comes before ${before} in spec.targets`,
  };
}
