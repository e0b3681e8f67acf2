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
  /** Name of the Lease of the replica that asked. Two replicas may use the same id. */
  readonly to: string;
  readonly opinions: string;
}

/** Maximum number of checks of one question. */
export const MAX_CHECKS = 512;
/** Maximum size of the checks of one question. All annotations of an object together may have 256 KiB. */
const MAX_CHARACTERS = 200_000;

/** Returns how many of the checks, from the first one on, fit into one question. */
export function fittingChecks(checks: readonly AskedCheck[]): number {
  let characters = 0;
  const first = checks.slice(0, MAX_CHECKS).findIndex((check) => {
    characters += JSON.stringify(check).length + 1;
    return characters > MAX_CHARACTERS;
  });
  return first < 0 ? Math.min(checks.length, MAX_CHECKS) : first;
}

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
  const { id, to, opinions } = parse(text) ?? {};
  if (typeof id !== 'string' || typeof to !== 'string' || typeof opinions !== 'string') return undefined;
  return /^[rdu-]*$/.test(opinions) ? { id, to, opinions } : undefined;
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
