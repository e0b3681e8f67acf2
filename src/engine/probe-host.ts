import type { FairQueue } from '../util/fair-queue.ts';
import type { ProbeClass, ProbeOwner } from './probe-shares.ts';

/** One IP that is probed. */
export interface ProbeHost<T> {
  readonly ip: string;
  /** Checks of this IP, and how many of them are alive: `steady` or `suspect`. */
  checks: number;
  alive: number;
  /** Runs, and how many of them are of dead checks. */
  running: number;
  runningDead: number;
  /** Runs of alive checks that began since the last one of a check that is not. */
  streak: number;
  /** The due checks that may run as far as this host is concerned: at most one per class. */
  readonly offered: Record<ProbeClass, T | undefined>;
  /** The due checks behind these. Absent until needed. */
  waiting: Partial<Record<ProbeClass, FairQueue<ProbeOwner, T>>> | undefined;
}

export const newHost = <T>(ip: string): ProbeHost<T> => ({
  ip,
  checks: 0,
  alive: 0,
  running: 0,
  runningDead: 0,
  streak: 0,
  offered: { steady: undefined, suspect: undefined, new: undefined, dead: undefined },
  waiting: undefined,
});

export const isAlive = (kind: ProbeClass): boolean => kind === 'steady' || kind === 'suspect';

/** Alive checks that go before one that is not, while both wait; after them both may go, by the turns of their classes. */
const MAX_STREAK = 3;

/**
 * Returns true when the host of a check lets another probe of this class run. The checks of one IP may be different servers
 * (a gateway with many ports), so silent ones must not keep the others waiting:
 *
 * | class             | while alive checks of the IP wait  | else, where the IP has alive checks             | else |
 * |-------------------|------------------------------------|-------------------------------------------------|------|
 * | `steady`, `suspect` | any slot of the IP               | any                                             | -    |
 * | `new`             | after three alive ones in a row    | any                                             | any  |
 * | `dead`            | the same                           | half of them (rounded down, at least one)       | any  |
 *
 * So with two slots or more one is never held by the dead. With one slot a silent check delays the others by its timeout.
 */
export function hasRoom<T>(host: ProbeHost<T>, kind: ProbeClass, maxPerHost: number): boolean {
  if (host.running >= maxPerHost) return false;
  if (isAlive(kind) || host.alive === 0) return true;
  if (kind === 'dead' && host.runningDead >= Math.max(1, maxPerHost >> 1)) return false;
  const aliveWaits = host.offered.steady !== undefined || host.offered.suspect !== undefined;
  return !aliveWaits || host.streak >= MAX_STREAK;
}
