/** Marks of a state of a host name; absent: false. */
interface StateMarks {
  /** The addresses are stale, or there are none: the condition Degraded has the reason `NamesFailing`. */
  readonly failing?: true;
  /** The addresses are gone: the host of an alias is unhealthy. */
  readonly lost?: true;
  /** The name servers fail, and no record is in effect. Reported although other queries have records. */
  readonly unanswered?: true;
  /** There is no answer in this term, and the first one is due in a moment. */
  readonly awaited?: true;
  /** A change to another such state is only a change of text: see core/status/failure-wording.ts. */
  readonly rewordable?: true;
}

/**
 * States of a host name in their order of severity, the worst first. The worst state of the records that are
 * in effect is reported. A query gets its state by the table in effective-records.ts.
 */
const marks = {
  Pending: { awaited: true, rewordable: true },
  Failed: { failing: true, unanswered: true, rewordable: true },
  Expired: { failing: true, unanswered: true, lost: true, rewordable: true },
  Stale: { failing: true, rewordable: true },
  Unconfirmed: { failing: true, rewordable: true },
  Restored: { awaited: true },
  NoSuchName: { failing: true, lost: true, rewordable: true },
  NoAddress: { failing: true, lost: true, rewordable: true },
  Answered: {},
} as const satisfies Readonly<Record<string, StateMarks>>;

export type ResolutionState = keyof typeof marks;

/** All states, the worst first. */
export const resolutionStates = Object.keys(marks) as readonly ResolutionState[];

/** Returns true if the state has the mark; false without a state, because a literal address has none. */
export function stateIs(state: ResolutionState | undefined, mark: keyof StateMarks): boolean {
  const of: StateMarks = state === undefined ? {} : marks[state];
  return of[mark] === true;
}

/** Reasons of a negative answer: the name does not exist, or it has no record of this type. */
export const negativeReasons = ['NoSuchName', 'NoAddress'] as const satisfies readonly ResolutionState[];
export type NegativeReason = (typeof negativeReasons)[number];

/** Results of a question, as a metric label. */
export const questionResults = ['Records', ...negativeReasons, 'Failed'] as const;
export type QuestionResult = (typeof questionResults)[number];
