import type { Instant } from '../instant.ts';
import type { NegativeReason } from './resolution-states.ts';
import { followedRecords, type ServiceRecord } from './srv-records.ts';

/** One DNS query. */
export interface Question {
  /** Lower case, without the trailing dot. Only `db.` keeps it, because it is absolute and `db` is not. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV';
}

export const questionKey = ({ name, type }: Question): string => `${type} ${name}`;

/** Content of an answer: addresses (canonical text) of A and AAAA records, services of SRV records. */
export interface Records {
  readonly addresses: readonly string[];
  readonly services: readonly ServiceRecord[];
}

/** Result of one query. */
export type Answer =
  /** At least one record. `ttlMs` is the lowest TTL of the whole CNAME chain. */
  | ({ readonly kind: 'records'; readonly ttlMs: number } & Records)
  /**
   * Negative answer: the server reports that there is no record. `ttlMs`: how long it may be cached (RFC
   * 2308).
   */
  | {
      readonly kind: 'none';
      readonly reason: NegativeReason;
      readonly ttlMs: number;
      /**
       * Monotonic milliseconds at which the same server last answered another query with records; undefined:
       * never.
       */
      readonly serverAnsweredAt?: number;
    }
  /** Failure: no server answered, or the response was not usable. `message` names the server. */
  | { readonly kind: 'failed'; readonly message: string };

/** A result without records: a negative answer or a failure. */
export type Failure = Exclude<Answer, { kind: 'records' }>;

/**
 * State of one query. Times are monotonic milliseconds; those that end in `Wall` are wall-clock milliseconds.
 */
export interface NameState extends Records {
  readonly origin: 'nothing' | 'published' | 'answer';
  /**
   * Time at which the records were last confirmed; for `published` records the time at which they were
   * restored.
   */
  readonly confirmedAt: number;
  readonly confirmedWall: number;
  /** Time at which exactly these records were first received. */
  readonly changedWall: number;
  /** Number of consecutive negative answers, and the time of the first one. */
  readonly negativeAnswers: number;
  readonly firstNegativeAt: number;
  /** True when negative answers are confirmed. `negativeReason` is the last reported negative answer. */
  readonly isConfirmedNegative: boolean;
  readonly negativeReason: NegativeReason;
  /** The last result, if it had no records. */
  readonly lastFailure: Failure | undefined;
  /** Number of consecutive results without records, and the time of the first one. */
  readonly consecutiveFailures: number;
  readonly failedAt: number;
  /** The one of these results that the status reports, and the time at which it last replaced another one. */
  readonly reportedFailure: Failure | undefined;
  readonly rewordedAt: number;
  /** The SRV record has more hosts than are used. */
  readonly hasMoreHosts: boolean;
  /** Addresses that were removed from the answer, the latest last. */
  readonly removedAddresses: readonly { readonly ip: string; readonly at: number }[];
}

/** Number of consecutive negative answers that confirm that there is no record. */
export const negativeAnswersToConfirm = 3;

/**
 * Number of consecutive results without records from which on they are reported while there is a good answer.
 * One lost packet is not reported.
 */
const failuresToReport = 2;

/**
 * Servers that fail in a different way each time, or alternate between failures and negative answers, change
 * the report at most this often.
 */
const rewordMs = 60_000;

const maxRemoved = 256;

export const emptyNameState: NameState = {
  addresses: [],
  services: [],
  origin: 'nothing',
  confirmedAt: 0,
  confirmedWall: 0,
  changedWall: 0,
  negativeAnswers: 0,
  firstNegativeAt: 0,
  isConfirmedNegative: false,
  negativeReason: 'NoSuchName',
  lastFailure: undefined,
  consecutiveFailures: 0,
  failedAt: 0,
  reportedFailure: undefined,
  rewordedAt: -Infinity,
  hasMoreHosts: false,
  removedAddresses: [],
};

/**
 * Restores the records that were published before this process began. They remain in use until there is an
 * answer, and never replace one.
 */
export function withPublishedRecords(state: NameState, records: Records, { now, wall }: Instant): NameState {
  if (state.origin !== 'nothing' || state.isConfirmedNegative) return state;
  return {
    ...state,
    ...records,
    origin: 'published',
    confirmedAt: now,
    confirmedWall: wall,
    changedWall: wall,
  };
}

/**
 * Steps the state of a query by one result.
 *
 * | result                                      | the previous records                               |
 * |---------------------------------------------|----------------------------------------------------|
 * | records                                     | are replaced, at once                              |
 * | negative, fewer than three consecutive ones | remain                                             |
 * | negative, from a server that has answered no other query with records since the first of these | remain                                             |
 * | negative, three consecutive ones, and the server answers other queries | are removed                                        |
 * | failed                                      | remain; the count of negative answers starts again |
 */
export function applyAnswer(state: NameState, answer: Answer, at: Instant): NameState {
  if (answer.kind === 'records') return applyRecords(state, answer, at);
  const missedAt = state.consecutiveFailures === 0 ? at.now : state.failedAt;
  const missed = {
    ...state,
    lastFailure: answer,
    consecutiveFailures: state.consecutiveFailures + 1,
    failedAt: missedAt,
  };
  const after =
    answer.kind === 'failed' ? { ...missed, negativeAnswers: 0 } : applyNegativeAnswer(missed, answer, at);
  return report(after, answer, state.isConfirmedNegative, at.now);
}

function applyNegativeAnswer(
  state: NameState,
  { serverAnsweredAt }: Extract<Answer, { kind: 'none' }>,
  { now }: Instant,
): NameState {
  const negativeAnswers = state.negativeAnswers + 1;
  const firstNegativeAt = state.negativeAnswers === 0 ? now : state.firstNegativeAt;
  const isConfirmable = serverAnsweredAt !== undefined && serverAnsweredAt >= firstNegativeAt;
  if (negativeAnswers < negativeAnswersToConfirm || !isConfirmable)
    return { ...state, negativeAnswers, firstNegativeAt };
  return {
    ...removeAddresses(state, [], now),
    addresses: [],
    services: [],
    hasMoreHosts: false,
    negativeAnswers,
    firstNegativeAt,
    isConfirmedNegative: true,
  };
}

/**
 * Decides which result without records the status reports. The same result with the same text changes
 * nothing.
 *
 * | the result                                              | reported so far | the status reports                                    |
 * |---------------------------------------------------------|-----------------|-------------------------------------------------------|
 * | the first one, and there are good (or restored) records | nothing         | nothing                                               |
 * | the first one without such records; the second one      | nothing         | this result                                           |
 * | confirms that there is no record                        | any             | this result                                           |
 * | of another kind or with another text                    | another result  | this result, if the last replacement was a minute ago |
 */
function report(state: NameState, failure: Failure, wasNegative: boolean, now: number): NameState {
  const { reportedFailure, rewordedAt, consecutiveFailures, origin, isConfirmedNegative } = state;
  const becameNegative = isConfirmedNegative && !wasNegative;
  if (reportedFailure === undefined || becameNegative) {
    const isDue = consecutiveFailures >= failuresToReport || origin === 'nothing' || isConfirmedNegative;
    return isDue ? reporting(state, failure) : state;
  }
  if (isSameFailure(reportedFailure, failure) || now - rewordedAt < rewordMs) return state;
  return { ...reporting(state, failure), rewordedAt: now };
}

const reporting = (state: NameState, failure: Failure): NameState => ({
  ...state,
  reportedFailure: failure,
  negativeReason: failure.kind === 'none' ? failure.reason : state.negativeReason,
});

const isSameFailure = (a: Failure, b: Failure): boolean =>
  a.kind === b.kind && failureText(a) === failureText(b);

function applyRecords(state: NameState, given: Records, { now, wall }: Instant): NameState {
  const { addresses } = given;
  const { services, isCut } = followedRecords(given.services);
  const same = sameRecords(state, { addresses, services }) && !state.isConfirmedNegative;
  return {
    ...(same ? state : { ...removeAddresses(state, addresses, now), addresses, services }),
    origin: 'answer',
    hasMoreHosts: isCut,
    confirmedAt: now,
    confirmedWall: wall,
    changedWall: same && state.origin === 'answer' ? state.changedWall : wall,
    negativeAnswers: 0,
    isConfirmedNegative: false,
    lastFailure: undefined,
    consecutiveFailures: 0,
    reportedFailure: undefined,
  };
}

function removeAddresses(state: NameState, addresses: readonly string[], now: number): NameState {
  const is = new Set(addresses);
  const left = state.addresses.filter((ip) => !is.has(ip)).map((ip) => ({ ip, at: now }));
  const leaving = new Set(left.map(({ ip }) => ip));
  const before = state.removedAddresses.filter(({ ip }) => !is.has(ip) && !leaving.has(ip));
  return { ...state, removedAddresses: [...before, ...left].slice(-maxRemoved) };
}

/** Compares records in any order, because servers rotate their answers. */
export const sameRecords = (a: Records, b: Records): boolean =>
  sameTexts(a.addresses, b.addresses) &&
  (a.services === b.services || sameTexts(a.services.map(serviceText), b.services.map(serviceText)));

const serviceText = ({ host, port, priority, weight }: ServiceRecord): string =>
  `${priority} ${weight} ${port} ${host}`;

/** Compares texts in any order. In most cases they are the same object, or in the same order. */
const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && (inOrder(a, b) || inOrder(a.toSorted(), b.toSorted())));

const inOrder = (a: readonly string[], b: readonly string[]): boolean => a.every((text, i) => text === b[i]);

/**
 * Returns true when the backends that use a name must be reconciled: the records differ, or what is reported
 * about them.
 */
export const isVisibleChange = (before: NameState, after: NameState): boolean =>
  before.origin !== after.origin ||
  before.isConfirmedNegative !== after.isConfirmedNegative ||
  before.reportedFailure !== after.reportedFailure ||
  before.hasMoreHosts !== after.hasMoreHosts ||
  hasFailed(before) !== hasFailed(after) ||
  !sameRecords(before, after);

/**
 * Returns true when the consecutive results without records include a failure, and they are reported. A
 * failure sets the count of negative answers back to 0.
 */
export const hasFailed = ({ reportedFailure, negativeAnswers, consecutiveFailures }: NameState): boolean =>
  reportedFailure !== undefined && negativeAnswers < consecutiveFailures;

/** Returns the text about a result without records. */
export const failureText = (failure: Failure): string =>
  failure.kind === 'failed' ? failure.message : negativeTexts[failure.reason];

const negativeTexts = {
  NoSuchName: 'no such name (NXDOMAIN)',
  NoAddress: 'the name has no record of this type (NODATA)',
} as const;
