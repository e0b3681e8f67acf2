import { FairQueue, type Ticket } from '../util/fair-queue.ts';
import { hasRoom, isAlive, newHost, type ProbeHost } from './probe-host.ts';
import { probeClasses, ProbeShares, type ProbeClass, type ProbeOwner } from './probe-shares.ts';

export interface ProbeLimits {
  /** Runs at a time, over all checks. */
  readonly maxConcurrent: number;
  /** Runs at a time against one IP. */
  readonly maxPerHost: number;
}

/** What the slots need to know of a check. */
export interface Candidate<T> {
  readonly host: ProbeHost<T>;
  /** Changed by `classify` alone, and not while the check waits or runs. */
  class: ProbeClass;
  /** Backends that want its verdicts; each once, at least one. */
  readonly owners: readonly ProbeOwner[];
  /** Its place among those that wait. Belongs to the slots. */
  ticket: Ticket<T> | undefined;
}

/** A slot that is taken. */
export interface Slot<T> {
  readonly candidate: T;
  readonly host: ProbeHost<T>;
  readonly class: ProbeClass;
  /** The backend at whose turn it was taken. */
  readonly owner: ProbeOwner;
}

/** Order of the classes, turn by turn. The dead go behind all others, except every seventh time, so that none of them starves. */
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
 * Decides which due check runs next. Checks that are due wait in one queue per class, in which backends take turns; the
 * classes take turns too (`turns`). How many slots a class and a backend may hold is decided by `probe-shares.ts`, how many of one
 * IP by `probe-host.ts`. A check whose host has no room waits with its host, and enters the queue of its class when
 * there is room; there too backends take turns.
 *
 * Guarantees, with at least 16 slots and at least 2 per host:
 * - A check that answered last time waits only for others that did: no number of silent addresses, new or known, of
 *   whatever backends, takes the half of the slots that is left to it.
 * - A check that failed fewer than failureThreshold times never waits for a dead or a new one.
 * - A backend with few checks finds a free slot, or is served once per round over the backends that wait.
 * - Alive checks of an IP wait for each other only, whatever its dead ones do, and for one run of a new one.
 */
export class ProbeSlots<T extends Candidate<T>> {
  readonly #maxPerHost: number;
  readonly #shares: ProbeShares;
  readonly #hosts = new Map<string, ProbeHost<T>>();
  readonly #lanes: Readonly<Record<ProbeClass, FairQueue<ProbeOwner, T>>> = {
    steady: new FairQueue(),
    suspect: new FairQueue(),
    new: new FairQueue(),
    dead: new FairQueue(),
  };
  #turn = 0;

  constructor({ maxConcurrent, maxPerHost }: ProbeLimits) {
    this.#maxPerHost = maxPerHost;
    this.#shares = new ProbeShares(maxConcurrent);
  }

  /** Returns the host of a new check. Each `enter` is followed by one `leave`, with the class as it is then. */
  enter(ip: string, kind: ProbeClass): ProbeHost<T> {
    let host = this.#hosts.get(ip);
    if (host === undefined) this.#hosts.set(ip, (host = newHost(ip)));
    host.checks += 1;
    if (isAlive(kind)) host.alive += 1;
    return host;
  }

  /** The check is removed, whether it waits or not. */
  leave(candidate: T): void {
    const { host, ticket } = candidate;
    if (ticket !== undefined) this.#queueOf(candidate)?.remove(ticket);
    if (host.offered[candidate.class] === candidate) host.offered[candidate.class] = undefined;
    candidate.ticket = undefined;
    host.checks -= 1;
    if (isAlive(candidate.class)) host.alive -= 1;
    this.#offer(host);
    this.#tidy(host);
  }

  /** Changes the class of a check that neither waits nor runs. Returns whether its host may have room for more runs now. */
  classify(candidate: T, kind: ProbeClass): boolean {
    const { host, class: before } = candidate;
    candidate.class = kind;
    if (isAlive(kind) === isAlive(before)) return false;
    host.alive += isAlive(kind) ? 1 : -1;
    this.#offer(host);
    return host.alive === 0 && host.checks > 1;
  }

  /** The check is due. */
  enqueue(candidate: T): void {
    const { host, class: kind } = candidate;
    if (host.offered[kind] === undefined && hasRoom(host, kind, this.#maxPerHost)) {
      this.#toLane(candidate);
      if (isAlive(kind)) this.#offer(host);
      return;
    }
    host.waiting ??= {};
    host.waiting[kind] ??= new FairQueue();
    candidate.ticket = host.waiting[kind].push(candidate, candidate.owners);
  }

  /** Takes a slot for the next check; undefined: none may run now. */
  take(): Slot<T> | undefined {
    const otherWaits = this.#lanes.suspect.size > 0 || this.#lanes.new.size > 0;
    for (const kind of turns[this.#turn % turns.length] ?? probeClasses) {
      const lane = this.#lanes[kind];
      const room = lane.size > 0 ? this.#shares.room(kind, otherWaits) : 0;
      if (room <= 0) continue;
      const next = lane.turn((owner) => this.#shares.allows(owner, kind, room));
      if (next === undefined) continue;
      this.#turn += 1;
      return this.#admit(next.item, next.owner);
    }
    return undefined;
  }

  /** Gives a slot back. */
  release({ host, class: kind, owner }: Slot<T>): void {
    this.#shares.release(owner, kind);
    host.running -= 1;
    if (kind === 'dead') host.runningDead -= 1;
    this.#offer(host);
    this.#tidy(host);
  }

  #admit(candidate: T, owner: ProbeOwner): Slot<T> {
    const { host, class: kind } = candidate;
    candidate.ticket = undefined;
    host.offered[kind] = undefined;
    host.running += 1;
    if (kind === 'dead') host.runningDead += 1;
    host.streak = isAlive(kind) ? host.streak + 1 : 0;
    this.#shares.take(owner, kind);
    this.#offer(host);
    return { candidate, host, class: kind, owner };
  }

  /** Offers what may run, and withdraws what may not any more. Those that are alive first: the others depend on them. */
  #offer(host: ProbeHost<T>): void {
    if (host.checks < 2 && host.waiting === undefined) return;
    for (const kind of probeClasses) {
      const offered = host.offered[kind];
      const room = hasRoom(host, kind, this.#maxPerHost);
      if (room && offered === undefined) {
        const next = host.waiting?.[kind]?.shift();
        if (next !== undefined) this.#toLane(next);
      } else if (!room && offered !== undefined) this.#withdraw(offered);
    }
  }

  #toLane(candidate: T): void {
    candidate.host.offered[candidate.class] = candidate;
    candidate.ticket = this.#lanes[candidate.class].push(candidate, candidate.owners);
  }

  #withdraw(candidate: T): void {
    const { host, class: kind, ticket } = candidate;
    if (ticket !== undefined) this.#lanes[kind].remove(ticket);
    host.offered[kind] = undefined;
    host.waiting ??= {};
    host.waiting[kind] ??= new FairQueue();
    candidate.ticket = host.waiting[kind].unshift(candidate, candidate.owners);
  }

  #queueOf(candidate: T): FairQueue<ProbeOwner, T> | undefined {
    const { host, class: kind } = candidate;
    return host.offered[kind] === candidate ? this.#lanes[kind] : host.waiting?.[kind];
  }

  #tidy(host: ProbeHost<T>): void {
    if (host.checks === 0 && host.running === 0 && this.#hosts.get(host.ip) === host)
      this.#hosts.delete(host.ip);
  }
}
