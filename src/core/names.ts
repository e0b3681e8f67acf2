import type { Instant } from './instant.ts';
import { followedRecords, type ServiceRecord } from './srv-records.ts';

/** One question to the name servers. */
export interface Question {
  /** Lower case, without the trailing dot (`db.` alone keeps it: it is absolute, and `db` is not). */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV';
}

export const questionKey = ({ name, type }: Question): string => `${type} ${name}`;

/** What an answer holds: addresses (canonical texts) of A and AAAA, services of SRV. */
export interface Records {
  readonly addresses: readonly string[];
  readonly services: readonly ServiceRecord[];
}

/** What came of one question. */
export type Answer =
  /** At least one record. `ttlMs` is the least of the whole chain of CNAMEs. */
  | ({ readonly kind: 'records'; readonly ttlMs: number } & Records)
  /** The server says that there is nothing. `ttlMs`: how long it may be remembered (RFC 2308). */
  | {
      readonly kind: 'none';
      readonly reason: 'NoSuchName' | 'NoAddress';
      readonly ttlMs: number;
      /** When that server last answered another question with records, monotonic; undefined: never. */
      readonly vouchedAt?: number;
    }
  /** Nobody answered, or the answer was no answer. `message` names the server. */
  | { readonly kind: 'failed'; readonly message: string };

/** An answer without records. */
export type Miss = Exclude<Answer, { kind: 'records' }>;

/** What is known of one question. Times are monotonic milliseconds, `...Wall` wall milliseconds. */
export interface NameState extends Records {
  readonly origin: 'nothing' | 'published' | 'answer';
  /** When the records were last confirmed; of `published` ones when they were put in. */
  readonly confirmedAt: number;
  readonly confirmedWall: number;
  /** When these very records were first given. */
  readonly changedWall: number;
  /** Answers in a row that were none, and when the first of them came. */
  readonly denials: number;
  readonly deniedAt: number;
  /** The believed answer is that there is nothing; `goneReason` is the last denial that was reported. */
  readonly gone: boolean;
  readonly goneReason: 'NoSuchName' | 'NoAddress';
  /** Of the last answer, where it was not records. */
  readonly miss: Miss | undefined;
  /** Answers in a row that were not records, and when the first of them came. */
  readonly misses: number;
  readonly missedAt: number;
  /** The miss of this row that the status reports, and when another one last took its place. */
  readonly reported: Miss | undefined;
  readonly rewordedAt: number;
  /** The SRV record has more hosts than are followed. */
  readonly hasMoreHosts: boolean;
  /** Addresses that left the answer, the latest last. */
  readonly departed: readonly { readonly ip: string; readonly at: number }[];
}

/** A server that says "no such name" must say so this often in a row before it is believed. */
export const believedDenials = 3;

/** A name server that loses one packet is no news: while there is a good answer, this many misses in a row are reported. */
const reportedMisses = 2;

/** Servers that fail in a different way each time, or fail and deny in turn, change the report this often at most. */
const rewordMs = 60_000;

const mostDeparted = 256;

export const nothingKnown: NameState = {
  addresses: [],
  services: [],
  origin: 'nothing',
  confirmedAt: 0,
  confirmedWall: 0,
  changedWall: 0,
  denials: 0,
  deniedAt: 0,
  gone: false,
  goneReason: 'NoSuchName',
  miss: undefined,
  misses: 0,
  missedAt: 0,
  reported: undefined,
  rewordedAt: -Infinity,
  hasMoreHosts: false,
  departed: [],
};

/** What was published before this process began: it stands until there is an answer. Never overrides one. */
export function seeded(state: NameState, records: Records, { now, wall }: Instant): NameState {
  if (state.origin !== 'nothing' || state.gone) return state;
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
 * What an answer does to what is known.
 *
 * | answer                                                         | the records known before              |
 * |----------------------------------------------------------------|---------------------------------------|
 * | records                                                        | are replaced, at once                 |
 * | none, less than three times in a row                           | stand                                 |
 * | none, from a server that has answered nothing else since the first of these | stand                    |
 * | none, three times in a row, and the server answers other names | go                                    |
 * | failed                                                         | stand; denials are counted from anew  |
 */
export function learn(state: NameState, answer: Answer, at: Instant): NameState {
  if (answer.kind === 'records') return answered(state, answer, at);
  const missedAt = state.misses === 0 ? at.now : state.missedAt;
  const missed = { ...state, miss: answer, misses: state.misses + 1, missedAt };
  const after = answer.kind === 'failed' ? { ...missed, denials: 0 } : denied(missed, answer, at);
  return report(after, answer, state.gone, at.now);
}

function denied(
  state: NameState,
  { vouchedAt }: Extract<Answer, { kind: 'none' }>,
  { now }: Instant,
): NameState {
  const denials = state.denials + 1;
  const deniedAt = state.denials === 0 ? now : state.deniedAt;
  const vouched = vouchedAt !== undefined && vouchedAt >= deniedAt;
  if (denials < believedDenials || !vouched) return { ...state, denials, deniedAt };
  return {
    ...depart(state, [], now),
    addresses: [],
    services: [],
    hasMoreHosts: false,
    denials,
    deniedAt,
    gone: true,
  };
}

/**
 * Which miss the status reports. The same miss again, in the same words, changes nothing.
 *
 * | the miss                                             | reported of this row | the report is                    |
 * |------------------------------------------------------|----------------------|----------------------------------|
 * | the first, and there is a good (or published) answer | nothing              | nothing                          |
 * | the first of a row without a good answer; the second | nothing              | this miss                        |
 * | makes the name gone                                  | any                  | this miss                        |
 * | of another kind or in other words                    | another              | this miss, if the last change is a minute ago |
 */
function report(state: NameState, miss: Miss, wasGone: boolean, now: number): NameState {
  const { reported, rewordedAt, misses, origin, gone } = state;
  const becameGone = gone && !wasGone;
  if (reported === undefined || becameGone) {
    const isDue = misses >= reportedMisses || origin === 'nothing' || gone;
    return isDue ? reporting(state, miss) : state;
  }
  if (sameMiss(reported, miss) || now - rewordedAt < rewordMs) return state;
  return { ...reporting(state, miss), rewordedAt: now };
}

const reporting = (state: NameState, miss: Miss): NameState => ({
  ...state,
  reported: miss,
  goneReason: miss.kind === 'none' ? miss.reason : state.goneReason,
});

const sameMiss = (a: Miss, b: Miss): boolean => a.kind === b.kind && missText(a) === missText(b);

function answered(state: NameState, given: Records, { now, wall }: Instant): NameState {
  const { addresses } = given;
  const { services, isCut } = followedRecords(given.services);
  const same = sameRecords(state, { addresses, services }) && !state.gone;
  return {
    ...(same ? state : { ...depart(state, addresses, now), addresses, services }),
    origin: 'answer',
    hasMoreHosts: isCut,
    confirmedAt: now,
    confirmedWall: wall,
    changedWall: same && state.origin === 'answer' ? state.changedWall : wall,
    denials: 0,
    gone: false,
    miss: undefined,
    misses: 0,
    reported: undefined,
  };
}

function depart(state: NameState, addresses: readonly string[], now: number): NameState {
  const is = new Set(addresses);
  const left = state.addresses.filter((ip) => !is.has(ip)).map((ip) => ({ ip, at: now }));
  const leaving = new Set(left.map(({ ip }) => ip));
  const before = state.departed.filter(({ ip }) => !is.has(ip) && !leaving.has(ip));
  return { ...state, departed: [...before, ...left].slice(-mostDeparted) };
}

/** In any order: servers rotate their answers. */
export const sameRecords = (a: Records, b: Records): boolean =>
  sameTexts(a.addresses, b.addresses) &&
  (a.services === b.services || sameTexts(a.services.map(serviceText), b.services.map(serviceText)));

const serviceText = ({ host, port, priority, weight }: ServiceRecord): string =>
  `${priority} ${weight} ${port} ${host}`;

/** Mostly they are the very same, or stand in the same order. */
const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && (inOrder(a, b) || inOrder(a.toSorted(), b.toSorted())));

const inOrder = (a: readonly string[], b: readonly string[]): boolean => a.every((text, i) => text === b[i]);

/** Returns true when the backends of a name must be reconciled: the records differ, or what is reported of them. */
export const isNews = (before: NameState, after: NameState): boolean =>
  before.origin !== after.origin ||
  before.gone !== after.gone ||
  before.reported !== after.reported ||
  before.hasMoreHosts !== after.hasMoreHosts ||
  hasFailed(before) !== hasFailed(after) ||
  !sameRecords(before, after);

/** Returns true when a failure is among the misses of a row that is reported. Denials are counted from the last failure. */
export const hasFailed = ({ reported, denials, misses }: NameState): boolean =>
  reported !== undefined && denials < misses;

/** Text about the answer of the name servers that is no records. */
export const missText = (miss: Miss): string => (miss.kind === 'failed' ? miss.message : denial[miss.reason]);

const denial = {
  NoSuchName: 'no such name (NXDOMAIN)',
  NoAddress: 'the name has no record of this type (NODATA)',
} as const;
