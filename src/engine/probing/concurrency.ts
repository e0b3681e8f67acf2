import type { FairQueue, Ticket } from '../../util/fair-queue.ts';
import {
  givePlace,
  byNamespace,
  dropEmptyShares,
  hasPlace,
  isAlive,
  isAwaited,
  lineOf,
  MAX_STREAK,
  newHost,
  shareOf,
  takePlace,
  waitingOf,
  type HostLimits,
  type HostQueues,
  type HostShare,
  type ProbeHost,
} from './probe-host.ts';
import { probeClasses, ProbeShares, type ProbeClass, type ProbeOwner } from './probe-shares.ts';

export interface ProbeLimits extends HostLimits {
  /** Most concurrent runs of all checks. */
  readonly maxConcurrent: number;
}

/** Properties of a check that the slots use. */
export interface QueuedProbe<T> {
  readonly host: ProbeHost<T>;
  /** Changed by `classify` only, and not while the check waits or runs. */
  class: ProbeClass;
  /** Backends that subscribe to its verdicts: at least one, each once. */
  readonly owners: readonly ProbeOwner[];
  /** Its position in a queue. Only `ProbeLimiter` changes it. */
  ticket: Ticket<T> | undefined;
  /** Share whose place it has taken, while it is due and has not started. Only `ProbeLimiter` changes it. */
  place: HostShare<T> | undefined;
}

/** A slot that is taken. */
export interface Slot<T> {
  readonly candidate: T;
  readonly host: ProbeHost<T>;
  readonly place: HostShare<T>;
  readonly class: ProbeClass;
  /** Backend at whose turn it was taken. */
  readonly owner: ProbeOwner;
}

/**
 * Order of the classes in each turn. Dead checks come last, except every seventh time, so that none of them
 * starves.
 */
const turns: readonly (readonly ProbeClass[])[] = [
  ['steady', 'suspect', 'new', 'dead'],
  ['suspect', 'new', 'steady', 'dead'],
  ['new', 'steady', 'suspect', 'dead'],
  ['steady', 'suspect', 'new', 'dead'],
  ['suspect', 'new', 'steady', 'dead'],
  ['new', 'steady', 'suspect', 'dead'],
  ['dead', 'steady', 'suspect', 'new'],
];

/**
 * Decides which due check runs next. A due check takes a place of its IP (`probe-host.ts`), or waits there
 * for one. Then it waits for a slot in the queue of its class. In both queues namespaces take turns, and
 * within a namespace its backends. The classes take turns too (`turns`). `probe-shares.ts` decides how many
 * slots a class, a namespace and a backend may use. A check of several backends needs the turn, the place and
 * the share of one of them.
 *
 * Guarantees, with at least 160 slots and four times as many places of an IP as one namespace may take:
 * - A namespace that uses all it can, of any class and on any IP, delays a check of another namespace by one
 *   timeout at most, and does not delay a check that answers.
 * - A check that answered last time waits only for others that did: no number of silent addresses, new or
 *   known, of any backends, takes the half of the slots that is left to it.
 * - A check that failed fewer than failureThreshold times never waits for a dead or a new one.
 * - A backend with few checks finds a free slot, or gets one turn in each round over the waiting backends of
 *   its namespace.
 * - Alive checks of an IP and a namespace wait only for each other and for one run of a new check, whatever
 *   the dead ones do.
 */
export class ProbeLimiter<T extends QueuedProbe<T>> {
  readonly #limits: HostLimits;
  readonly #shares: ProbeShares;
  readonly #hosts = new Map<string, ProbeHost<T>>();
  readonly #queues: Readonly<Record<ProbeClass, FairQueue<ProbeOwner, T>>> = {
    steady: byNamespace(),
    suspect: byNamespace(),
    new: byNamespace(),
    dead: byNamespace(),
  };
  #turn = 0;

  constructor({ maxConcurrent, ...limits }: ProbeLimits) {
    this.#limits = limits;
    this.#shares = new ProbeShares(maxConcurrent);
  }

  /**
   * Returns the host of a new check. Each `acquireHost` must be followed by one `leave`, with the class at that
   * time.
   */
  acquireHost(ip: string, kind: ProbeClass): ProbeHost<T> {
    let host = this.#hosts.get(ip);
    if (host === undefined) this.#hosts.set(ip, (host = newHost(ip)));
    host.checks += 1;
    if (isAlive(kind)) host.alive += 1;
    return host;
  }

  /** Returns the host of an IP that has checks. */
  host(ip: string): ProbeHost<T> | undefined {
    return this.#hosts.get(ip);
  }

  /** Removes the check, whether it waits or not. */
  leave(candidate: T): void {
    const { host, ticket } = candidate;
    if (candidate.place !== undefined) this.#withdraw(candidate, candidate.place);
    else if (ticket !== undefined) host.waiting?.lines[lineOf(candidate.class)].remove(ticket);
    candidate.ticket = undefined;
    host.checks -= 1;
    if (isAlive(candidate.class)) host.alive -= 1;
    this.#offer(host);
    this.#dropIdleHost(host);
  }

  /**
   * Changes the class of a check that neither waits nor runs. Returns true when its host may have room for
   * more runs now.
   */
  classify(candidate: T, kind: ProbeClass): boolean {
    const { host, class: before } = candidate;
    candidate.class = kind;
    if (isAlive(kind) === isAlive(before)) return false;
    host.alive += isAlive(kind) ? 1 : -1;
    this.#offer(host);
    return host.alive === 0 && host.checks > 1;
  }

  /** Adds a due check. */
  enqueue(candidate: T): void {
    const { host, class: kind, owners } = candidate;
    const free = this.#freeShare(candidate);
    const share = free ?? this.#displaced(candidate);
    if (share === undefined) candidate.ticket = waitingOf(host, kind, owners).push(candidate, owners);
    else this.#enqueue(candidate, share);
    if (free !== share) this.#offer(host);
  }

  /** Takes a slot for the next check. Returns undefined when none may run now. */
  take(): Slot<T> | undefined {
    const otherWaits = this.#queues.suspect.size > 0 || this.#queues.new.size > 0;
    for (const kind of turns[this.#turn % turns.length] ?? probeClasses) {
      const queue = this.#queues[kind];
      const room = queue.size > 0 ? this.#shares.room(kind, otherWaits) : 0;
      if (room <= 0) continue;
      const next = queue.turn(
        (owner) => this.#shares.allows(owner, kind, room),
        (namespace) => this.#shares.allowsNamespace(namespace, kind, room),
      );
      if (next?.item.place === undefined) continue;
      this.#turn += 1;
      return this.#admit(next.item, next.item.place, next.owner);
    }
    return undefined;
  }

  /** Releases a slot. */
  release({ host, place, class: kind, owner }: Slot<T>): void {
    this.#shares.release(owner, kind);
    givePlace(host, place, kind);
    this.#offer(host);
    this.#dropIdleHost(host);
  }

  #admit(candidate: T, place: HostShare<T>, owner: ProbeOwner): Slot<T> {
    const { host, class: kind } = candidate;
    candidate.ticket = candidate.place = undefined;
    place.streak = isAlive(kind) ? place.streak + 1 : 0;
    if (!isAlive(kind)) remove(place.early, candidate);
    this.#shares.take(owner, kind);
    return { candidate, host, place, class: kind, owner };
  }

  /** Gives free places to waiting checks. Namespaces take turns. */
  #offer(host: ProbeHost<T>): void {
    if (host.waiting === undefined) return;
    const { namespaces } = host.waiting;
    for (const namespace of namespaces) {
      if (host.taken >= this.#limits.maxPerHost) return;
      const next = this.#next(host, host.waiting, namespace);
      if (next !== undefined) {
        this.#enqueue(next, shareOf(host, namespace));
        namespaces.delete(namespace);
        namespaces.add(namespace);
      } else if (!isAwaited(host.waiting, namespace)) namespaces.delete(namespace);
    }
  }

  /**
   * Returns the next waiting check. Alive checks come first, because published addresses depend on them.
   * After three of them comes one other check.
   */
  #next(host: ProbeHost<T>, { lines }: HostQueues<T>, namespace: string): T | undefined {
    const take = (kind: ProbeClass): T | undefined =>
      hasPlace(host, namespace, kind, this.#limits)
        ? lines[lineOf(kind)].turn(undefined, (group) => group === namespace)?.item
        : undefined;
    const { streak = 0, early = [] } = host.shares.find((each) => each.namespace === namespace) ?? {};
    const isTurnOfOthers = streak >= MAX_STREAK && early.length === 0;
    const other = isTurnOfOthers ? (take('new') ?? take('dead')) : undefined;
    return other ?? take('steady') ?? take('new') ?? take('dead');
  }

  /** Returns the share of the first of the check's namespaces that has a free place. */
  #freeShare({ host, class: kind, owners }: T): HostShare<T> | undefined {
    const free = owners.find(({ namespace }) => hasPlace(host, namespace, kind, this.#limits));
    return free === undefined ? undefined : shareOf(host, free.namespace);
  }

  /**
   * Frees a place for an alive check: the place of a check of the same namespace that is not alive and has
   * not started.
   */
  #displaced({ host, class: kind, owners }: T): HostShare<T> | undefined {
    if (!isAlive(kind)) return undefined;
    for (const { namespace } of owners) {
      const share = host.shares.find((each) => each.namespace === namespace);
      const early = share?.early?.at(-1);
      if (share === undefined || early === undefined || share.streak >= MAX_STREAK) continue;
      this.#withdraw(early, share);
      early.ticket = waitingOf(host, early.class, early.owners).unshift(early, early.owners);
      return share;
    }
    return undefined;
  }

  #enqueue(candidate: T, share: HostShare<T>): void {
    const { host, class: kind, owners } = candidate;
    takePlace(host, share, kind);
    if (!isAlive(kind)) (share.early ??= []).push(candidate);
    candidate.place = share;
    candidate.ticket = this.#queues[kind].push(candidate, owners);
  }

  #withdraw(candidate: T, share: HostShare<T>): void {
    const { host, class: kind, ticket } = candidate;
    if (ticket !== undefined) this.#queues[kind].remove(ticket);
    if (!isAlive(kind)) remove(share.early, candidate);
    candidate.place = undefined;
    givePlace(host, share, kind);
  }

  #dropIdleHost(host: ProbeHost<T>): void {
    dropEmptyShares(host);
    if (host.checks === 0 && host.taken === 0 && this.#hosts.get(host.ip) === host)
      this.#hosts.delete(host.ip);
  }
}

function remove<T>(list: T[] | undefined, item: T): void {
  const at = list?.indexOf(item) ?? -1;
  if (at >= 0) list?.splice(at, 1);
}
