import type { HealthState } from '../../api/external-backend.ts';

/** Health of one host of an alias now. */
export interface HostHealth {
  readonly name: string;
  readonly health: HealthState;
  /**
   * Address -> a mark, which is another one after the address was not healthy for a while; undefined: it is
   * not healthy. Empty if nothing is probed.
   */
  readonly marks: ReadonlyMap<string, string | undefined>;
}

/** Time since which a host has been healthy. Times are monotonic milliseconds. */
export interface HealthyHost {
  readonly since: number;
  /** Time at which it became unknown; undefined: it is healthy. */
  readonly unknownFrom: number | undefined;
  /** Marks of the last call; empty if the host is unknown. */
  readonly marks: HostHealth['marks'];
}

export type HealthyHosts = ReadonlyMap<string, HealthyHost>;

/**
 * Returns the hosts that have been healthy without interruption, whatever their addresses. A name whose
 * answers rotate often has new addresses, which are unknown until their first verdict.
 *
 * | before           | now       | and                                      | healthy since |
 * |------------------|-----------|------------------------------------------|---------------|
 * | any              | unhealthy |                                          | -             |
 * | -                | unknown   |                                          | -             |
 * | -                | healthy   |                                          | now           |
 * | since s          | unknown   | for less than graceMs                    | s             |
 * | since s          | unknown   | for graceMs                              | -             |
 * | since s, unknown | healthy   | was unknown for less than graceMs        | s             |
 * | since s, unknown | healthy   | was unknown for graceMs                  | now           |
 * | since s, healthy | healthy   | an address has been healthy all the time | s             |
 * | since s, healthy | healthy   | all addresses are new                    | s             |
 * | since s, healthy | healthy   | an address was, or is, not healthy, and none has been healthy all the time | now           |
 *
 * @param now monotonic milliseconds
 */
export function healthyHosts(
  before: HealthyHosts,
  hosts: readonly HostHealth[],
  graceMs: number,
  now: number,
): HealthyHosts {
  return new Map(
    hosts.flatMap((host) => {
      const after = healthyHost(before.get(host.name), host, graceMs, now);
      return after === undefined ? [] : [[host.name, after] as const];
    }),
  );
}

function healthyHost(
  before: HealthyHost | undefined,
  { health, marks }: HostHealth,
  graceMs: number,
  now: number,
): HealthyHost | undefined {
  if (health === 'unhealthy') return undefined;
  const unknownFrom = before?.unknownFrom ?? now;
  const isContinued = before !== undefined && (unknownFrom === now || now - unknownFrom < graceMs);
  if (health === 'unknown')
    return isContinued ? { since: before.since, unknownFrom, marks: new Map() } : undefined;
  const isSame = isContinued && !wasInterrupted(before.marks, marks);
  return { since: isSame ? before.since : now, unknownFrom: undefined, marks };
}

/**
 * Returns true when some of the addresses that were healthy remain, and none of these has been healthy all
 * the time.
 */
function wasInterrupted(before: HostHealth['marks'], now: HostHealth['marks']): boolean {
  const left = [...before].filter(([ip, mark]) => mark !== undefined && now.has(ip));
  return left.length > 0 && left.every(([ip, mark]) => now.get(ip) !== mark);
}
