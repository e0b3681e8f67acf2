import type { HealthState } from '../api/external-backend.ts';

/** One host of an alias as it is judged now. */
export interface JudgedHost {
  readonly name: string;
  readonly health: HealthState;
  /**
   * Its addresses, each with a mark that is another one after it was not healthy for a while; undefined: it is not
   * healthy. Empty where nothing is probed.
   */
  readonly marks: ReadonlyMap<string, string | undefined>;
}

/** Since when a host has been healthy. Times are monotonic milliseconds. */
export interface HealthyHost {
  readonly since: number;
  /** When it became unknown; undefined: it is healthy. */
  readonly unknownFrom: number | undefined;
  /** Marks of the last judgement; empty where the host is unknown. */
  readonly marks: JudgedHost['marks'];
}

export type HealthyHosts = ReadonlyMap<string, HealthyHost>;

/**
 * Hosts that have been healthy without a break, whatever their addresses: a name whose answers rotate has new addresses
 * all the time, and these are unknown until their first verdict.
 *
 * | before              | now       | and                                               | healthy since |
 * |---------------------|-----------|---------------------------------------------------|---------------|
 * | any                 | unhealthy |                                                   | -             |
 * | -                   | unknown   |                                                   | -             |
 * | -                   | healthy   |                                                   | now           |
 * | since s             | unknown   | for less than graceMs                             | s             |
 * | since s             | unknown   | for graceMs                                       | -             |
 * | since s, unknown    | healthy   | was unknown for less than graceMs                 | s             |
 * | since s, unknown    | healthy   | was unknown for graceMs                           | now           |
 * | since s, healthy    | healthy   | an address has been healthy all the time          | s             |
 * | since s, healthy    | healthy   | all addresses are others                          | s             |
 * | since s, healthy    | healthy   | an address was, or is, not healthy, and none has been healthy all the time | now |
 *
 * @param now monotonic milliseconds
 */
export function healthyHosts(
  before: HealthyHosts,
  judged: readonly JudgedHost[],
  graceMs: number,
  now: number,
): HealthyHosts {
  return new Map(
    judged.flatMap((host) => {
      const after = healthyHost(before.get(host.name), host, graceMs, now);
      return after === undefined ? [] : [[host.name, after] as const];
    }),
  );
}

function healthyHost(
  before: HealthyHost | undefined,
  { health, marks }: JudgedHost,
  graceMs: number,
  now: number,
): HealthyHost | undefined {
  if (health === 'unhealthy') return undefined;
  const unknownFrom = before?.unknownFrom ?? now;
  const stands = before !== undefined && (unknownFrom === now || now - unknownFrom < graceMs);
  if (health === 'unknown')
    return stands ? { since: before.since, unknownFrom, marks: new Map() } : undefined;
  const isSame = stands && !wasInterrupted(before.marks, marks);
  return { since: isSame ? before.since : now, unknownFrom: undefined, marks };
}

/** Returns true when none of the addresses that were healthy, and that remain, has been healthy all the time. */
function wasInterrupted(before: JudgedHost['marks'], now: JudgedHost['marks']): boolean {
  const left = [...before].filter(([ip, mark]) => mark !== undefined && now.has(ip));
  return left.length > 0 && left.every(([ip, mark]) => now.get(ip) !== mark);
}
