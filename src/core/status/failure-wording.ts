import type { Status } from '../../api/external-backend.ts';
import type { ConditionReason } from './condition-reasons.ts';
import { isSame } from '../kubernetes/is-same.ts';
import { resolutionStates, stateIs } from '../resolution/resolution-states.ts';

/** Reasons of conditions whose messages contain results of name servers. */
const ofNames: readonly string[] = [
  'NamesFailing',
  'NotResolvedYet',
  'NoReadyAddress',
  'NoneReadyKept',
  'NoneReadyAll',
  'Observing',
] satisfies readonly ConditionReason[];

/**
 * Returns true if two statuses differ only in how names fail: addresses, readiness and reasons are the same.
 * Servers that fail in changing ways would otherwise cause a write each time.
 */
export const differsOnlyInFailures = (a: Status | undefined, b: Status): boolean =>
  a !== undefined && !isSame(a, b) && isSame(withoutWords(a), withoutWords(b));

const withoutWords = ({ conditions, targets, services, ...rest }: Status): object => ({
  ...rest,
  services: services?.map(({ difference: _, ...service }) => service),
  conditions: conditions?.map((condition) =>
    ofNames.includes(condition.reason) ? { ...condition, message: '' } : condition,
  ),
  targets: targets?.map((target) => ({ ...target, resolution: howNamed(target.resolution?.state) })),
});

/**
 * Returns a state, or `failing` for all states of a name that fails. A name that starts or stops failing is
 * reported at once, and so is the first failure of a name without an answer in this term (`Restored`). How
 * it continues to fail is only text.
 */
const howNamed = (state: string | undefined): string | undefined =>
  state === undefined || reportedAtOnce.includes(state) ? state : 'failing';

const reportedAtOnce: readonly string[] = resolutionStates.filter((state) => !stateIs(state, 'rewordable'));
