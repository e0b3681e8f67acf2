/** A check as one replica describes it to another. The handler, with its secrets, is not sent: both know the backend. */
export interface AskedCheck {
  /** `namespace/name` of the backend. */
  readonly backend: string;
  /** See `checkId`: it ends with the id of the port group. */
  readonly id: string;
  readonly ip: string;
  readonly port: number;
  /** Name of the server, for SNI and the Host header. */
  readonly host: string;
}

/** Question of the leader to the other replicas: do they reach these addresses? */
export interface OpinionQuestion {
  readonly id: string;
  /** Time for the answer after the question was read, in milliseconds. Clocks of machines are not compared. */
  readonly withinMs: number;
  /** True when the leader may be cut off, and would let the other replica lead. */
  readonly isAboutLeader: boolean;
  readonly checks: readonly AskedCheck[];
}

/**
 * Answer, a letter for each check of the question: `r` it passes, `d` it fails with an answer of the host, `u` no packet
 * came back, `-` no opinion.
 */
export interface OpinionAnswer {
  readonly id: string;
  readonly opinions: string;
}

/** Most checks of one question: with names of 253 characters an annotation stays within 256 kB. */
export const MAX_CHECKS = 512;

/** Parses a question. Undefined for any other text, because another client may write the annotation. */
export function parseQuestion(text: string | undefined): OpinionQuestion | undefined {
  const value = parse(text);
  if (value === undefined) return undefined;
  const { id, withinMs, isAboutLeader, checks } = value;
  if (typeof id !== 'string' || typeof withinMs !== 'number' || !(withinMs > 0 && withinMs <= 120_000))
    return undefined;
  if (!Array.isArray(checks) || checks.length > MAX_CHECKS || !checks.every(isAskedCheck)) return undefined;
  return { id, withinMs, isAboutLeader: isAboutLeader === true, checks };
}

/** Parses an answer. Undefined for any other text. */
export function parseAnswer(text: string | undefined): OpinionAnswer | undefined {
  const { id, opinions } = parse(text) ?? {};
  return typeof id === 'string' && typeof opinions === 'string' && /^[rdu-]*$/.test(opinions)
    ? { id, opinions }
    : undefined;
}

/**
 * Returns what the other replicas see of a check.
 *
 * | one of them | another              | result    |
 * |-------------|----------------------|-----------|
 * | `r`         | any                  | reached   |
 * | `d`         | `d`, `u` or none     | failed    |
 * | `u`         | `u` or none          | unreached |
 * | none        | none                 | undefined |
 */
export function opinionOf(letters: readonly (string | undefined)[]): Opinion | undefined {
  if (letters.includes('r')) return 'reached';
  if (letters.includes('d')) return 'failed';
  return letters.includes('u') ? 'unreached' : undefined;
}

export type Opinion = 'reached' | 'failed' | 'unreached';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

function parse(text: string | undefined): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isAskedCheck(value: unknown): value is AskedCheck {
  if (!isFields(value)) return false;
  const { backend, id, ip, port, host } = value;
  const texts = [backend, id, ip, host].every((each) => typeof each === 'string' && each.length <= 1_024);
  return texts && typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535;
}
