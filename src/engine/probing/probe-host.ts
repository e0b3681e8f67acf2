import { FairQueue } from '../../util/fair-queue.ts';
import type { ProbeClass, ProbeOwner } from './probe-shares.ts';

/** One IP that is probed. A due check takes a place of its IP, and keeps it until its run ends. */
export interface ProbeHost<T> {
  readonly ip: string;
  /** Starts of its latest runs with and without a packet of the host, monotonic; -Infinity: none. */
  reachedAt: number;
  unreachedAt: number;
  /** Number of checks of this IP, and of those that are alive: `steady` or `suspect`. */
  checks: number;
  alive: number;
  /** Number of places that are taken, and of those that dead checks have taken. */
  taken: number;
  takenDead: number;
  readonly shares: HostShare<T>[];
  /** Due checks without a place. Undefined until needed. */
  waiting: HostQueues<T> | undefined;
}

/** Places of an IP that one namespace has taken. Exists while there are any. */
export interface HostShare<T> {
  readonly namespace: string;
  taken: number;
  takenDead: number;
  /** Runs of alive checks since the last run of a check that is not alive. */
  streak: number;
  /** Checks that have a place, have not started and are not alive. */
  early: T[] | undefined;
}

/** Queues of the checks that wait for a place of their IP. */
export type HostLine = 'alive' | 'new' | 'dead';

export interface HostQueues<T> {
  readonly lines: Readonly<Record<HostLine, FairQueue<ProbeOwner, T>>>;
  /** Namespaces of the waiting checks, and possibly others. The first one has the next turn. */
  readonly namespaces: Set<string>;
}

export interface HostLimits {
  /** Most concurrent runs against one IP. */
  readonly maxPerHost: number;
  /** Most concurrent runs of one namespace against one IP. */
  readonly maxPerHostAndNamespace: number;
}

export const newHost = <T>(ip: string): ProbeHost<T> => ({
  ip,
  reachedAt: -Infinity,
  unreachedAt: -Infinity,
  checks: 0,
  alive: 0,
  taken: 0,
  takenDead: 0,
  shares: [],
  waiting: undefined,
});

export const isAlive = (kind: ProbeClass): boolean => kind === 'steady' || kind === 'suspect';

export const lineOf = (kind: ProbeClass): HostLine => (kind === 'new' || kind === 'dead' ? kind : 'alive');

/** Number of alive checks that start before one that is not alive, while both wait. */
export const MAX_STREAK = 3;

/** Returns a queue of backends in which namespaces take turns. */
export const byNamespace = <T>(): FairQueue<ProbeOwner, T> => new FairQueue(({ namespace }) => namespace);

/** Returns the queue in which a check of these backends waits for a place. */
export function waitingOf<T>(
  host: ProbeHost<T>,
  kind: ProbeClass,
  owners: readonly ProbeOwner[],
): FairQueue<ProbeOwner, T> {
  host.waiting ??= {
    lines: { alive: byNamespace(), new: byNamespace(), dead: byNamespace() },
    namespaces: new Set(),
  };
  for (const { namespace } of owners) host.waiting.namespaces.add(namespace);
  return host.waiting.lines[lineOf(kind)];
}

/** Returns true when checks of the namespace wait for a place. */
export const isAwaited = <T>({ lines }: HostQueues<T>, namespace: string): boolean =>
  Object.values(lines).some((line) => line.hasGroup(namespace));

/** Returns the share of a namespace, a new one where it has none. */
export function shareOf<T>({ shares }: ProbeHost<T>, namespace: string): HostShare<T> {
  const known = shares.find((share) => share.namespace === namespace);
  if (known !== undefined) return known;
  const share: HostShare<T> = { namespace, taken: 0, takenDead: 0, streak: 0, early: undefined };
  shares.push(share);
  return share;
}

/** Removes the shares without places. Called after places were handed out. */
export function dropEmptyShares<T>({ shares }: ProbeHost<T>): void {
  for (let at = shares.length - 1; at >= 0; at -= 1) if (shares[at]?.taken === 0) shares.splice(at, 1);
}

/**
 * Returns true when the host has a place for a check of this namespace and class. The checks of one IP may be
 * different servers (a gateway with many ports), so silent ones must not delay the others. Any namespace may
 * name any IP, so none may take all places:
 *
 * | class             | places of one namespace                                   | of all namespaces |
 * |-------------------|-----------------------------------------------------------|-------------------|
 * | `steady`, `suspect`, `new` | `maxPerHostAndNamespace`                         | `maxPerHost`      |
 * | `dead`, where the IP has alive checks | half of these (rounded down, at least one) | half of these  |
 * | `dead`, otherwise | `maxPerHostAndNamespace`                                  | `maxPerHost`      |
 *
 * With two or more places of a namespace, its dead checks never take all of them. With one place a silent
 * check delays the others of its namespace by its timeout.
 */
export function hasPlace<T>(
  host: ProbeHost<T>,
  namespace: string,
  kind: ProbeClass,
  { maxPerHost, maxPerHostAndNamespace }: HostLimits,
): boolean {
  if (host.taken >= maxPerHost) return false;
  const share = host.shares.find((each) => each.namespace === namespace);
  if (share === undefined) return kind !== 'dead' || host.alive === 0 || host.takenDead < half(maxPerHost);
  if (share.taken >= maxPerHostAndNamespace) return false;
  if (kind !== 'dead' || host.alive === 0) return true;
  return host.takenDead < half(maxPerHost) && share.takenDead < half(maxPerHostAndNamespace);
}

const half = (count: number): number => Math.max(1, count >> 1);

export function takePlace<T>(host: ProbeHost<T>, share: HostShare<T>, kind: ProbeClass): void {
  host.taken += 1;
  share.taken += 1;
  if (kind !== 'dead') return;
  host.takenDead += 1;
  share.takenDead += 1;
}

export function givePlace<T>(host: ProbeHost<T>, share: HostShare<T>, kind: ProbeClass): void {
  host.taken -= 1;
  share.taken -= 1;
  if (kind !== 'dead') return;
  host.takenDead -= 1;
  share.takenDead -= 1;
}
