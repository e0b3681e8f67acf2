/** History of a field of an object of ours that other clients change, and the operator changes back. */
export interface Contest {
  /** Monotonic milliseconds of the last few repairs. */
  readonly repairedAt: readonly number[];
  /** Version of the object that was repaired last. A repair that is tried again is the same repair. */
  readonly version: string;
  /** Number of repairs since the field is contested; 0: it is not. */
  readonly round: number;
  readonly managers: readonly string[];
}

/** A state of the object that another client wrote. */
export interface ForeignEdit {
  readonly version: string;
  readonly manager: string;
}

/**
 * Number of repairs within this time that make a contest. A person who tries twice makes none; a controller
 * makes one within seconds.
 */
const MANY = 6;
const WINDOW_MS = 60_000;
const FIRST_HOLD_MS = 1_000;
const LONGEST_HOLD_MS = 60_000;

/**
 * Steps the history of a field by one repair.
 *
 * | repairs                                        | is contested | the next repair waits for       |
 * |------------------------------------------------|--------------|---------------------------------|
 * | fewer than 6 within a minute                   | no           | nothing                         |
 * | the 6th within a minute                        | yes          | 1 s after it                    |
 * | each further one                               | yes          | twice as long, at most a minute |
 * | none needed for a minute after the last repair | no longer    | nothing                         |
 */
export function afterRepair(before: Contest = untouched, edit: ForeignEdit, now: number): Contest {
  if (before.version === edit.version) return before;
  const repairedAt = [...before.repairedAt, now].slice(-MANY);
  const [first = now] = repairedAt;
  const isMany = repairedAt.length >= MANY && now - first <= WINDOW_MS;
  return {
    repairedAt,
    version: edit.version,
    round: before.round > 0 || isMany ? before.round + 1 : 0,
    managers: [...new Set([...before.managers, edit.manager])],
  };
}

const untouched: Contest = { repairedAt: [], version: '', round: 0, managers: [] };

export const isContested = (contest: Contest | undefined): contest is Contest => (contest?.round ?? 0) > 0;

/** Returns how many milliseconds the next repair waits; 0: it does not wait. */
export function heldMs(contest: Contest | undefined, now: number): number {
  if (!isContested(contest)) return 0;
  const hold = Math.min(FIRST_HOLD_MS * 2 ** (contest.round - 1), LONGEST_HOLD_MS);
  return Math.max(0, lastOf(contest) + hold - now);
}

/**
 * Returns after how many milliseconds the contest ends if nothing must be repaired until then; 0: it has
 * ended.
 */
export const overMs = (contest: Contest, now: number): number =>
  Math.max(0, lastOf(contest) + WINDOW_MS - now);

/** Returns true when it ended so long ago that a repair that is due now does not belong to it. */
export const isLongOver = (contest: Contest, now: number): boolean => now - lastOf(contest) >= 2 * WINDOW_MS;

/**
 * Returns the text for the condition and the Event.
 *
 * @param contests by field
 * @param isHeld true if repairs of this kind of object wait
 */
export function contestText(object: string, contests: ReadonlyMap<string, Contest>, isHeld: boolean): string {
  const managers = [...new Set([...contests.values()].flatMap((contest) => contest.managers))];
  const pace = isHeld
    ? 'the operator changes them back at increasing intervals, at most one minute apart'
    : 'the operator changes them back each time';
  return `${object}: ${listed(managers)} repeatedly changes ${listed([...contests.keys()])}; ${pace}; stop that client from writing the object, or choose another name in spec.services`;
}

const lastOf = ({ repairedAt }: Contest): number => repairedAt.at(-1) ?? 0;

const MAX_LISTED = 5;

const listed = (items: readonly string[]): string =>
  items.length <= MAX_LISTED
    ? items.join(', ')
    : `${items.slice(0, MAX_LISTED).join(', ')} and ${items.length - MAX_LISTED} more`;
