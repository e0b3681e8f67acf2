import { Fifo } from './fifo.ts';

export interface ProbeLimits {
  /** Runs at a time, over all checks. */
  readonly maxConcurrent: number;
  /** Runs at a time against one IP. */
  readonly maxPerHost: number;
}

/** One IP that is probed. */
export interface Host {
  readonly ip: string;
  /** Checks that name it. */
  checks: number;
  running: number;
  /** Those that are due, but found the host busy. Absent until needed. */
  waiting: Fifo<Candidate> | undefined;
}

/** What the slots need to know of a check. */
export interface Candidate {
  readonly host: Host;
  /** Its last verdict was `up`. */
  readonly steady: boolean;
  /** Removed meanwhile: is passed over. */
  readonly gone: boolean;
}

/**
 * Who may run now. Checks that are due stand in one of two lanes, first in, first out: the steady ones (they
 * answered last time, so they hold a slot for a moment) and the doubtful ones (they may hold it until their
 * timeout). The doubtful ones get at most half of the slots, so any number of black holes leaves room for those
 * that answer; where both lanes wait they take turns, so nobody starves. A check whose host is busy stands aside
 * with its host and goes to the front of its lane when the host has room.
 */
export class ProbeSlots<T extends Candidate> {
  readonly #limits: ProbeLimits;
  readonly #hosts = new Map<string, Host>();
  readonly #steady = new Fifo<T>();
  readonly #doubtful = new Fifo<T>();
  #running = 0;
  #doubtfulRunning = 0;
  #doubtfulIsNext = false;

  constructor(limits: ProbeLimits) {
    this.#limits = limits;
  }

  /** Due, in both lanes; those that stand aside with their host are not counted. */
  get waiting(): number {
    return this.#steady.size + this.#doubtful.size;
  }

  /** The host of a new check; `leave` when the check goes. */
  enter(ip: string): Host {
    let host = this.#hosts.get(ip);
    if (host === undefined) this.#hosts.set(ip, (host = { ip, checks: 0, running: 0, waiting: undefined }));
    host.checks += 1;
    return host;
  }

  leave(host: Host): void {
    host.checks -= 1;
    this.#tidy(host);
  }

  /** The candidate is due. */
  enqueue(candidate: T): void {
    this.#lane(candidate).push(candidate);
  }

  /** The next candidate, which has its slot then; undefined when nobody may run now. */
  take(): T | undefined {
    while (this.#running < this.#limits.maxConcurrent) {
      const candidate = this.#pick();
      if (candidate === undefined) return undefined;
      if (candidate.gone) continue;
      if (candidate.host.running < this.#limits.maxPerHost) return this.#admit(candidate);
      candidate.host.waiting ??= new Fifo();
      candidate.host.waiting.push(candidate);
    }
    return undefined;
  }

  /** Gives a slot back. `steady` as it was when the slot was taken. */
  release(host: Host, steady: boolean): void {
    this.#running -= 1;
    host.running -= 1;
    if (!steady) this.#doubtfulRunning -= 1;
    this.#recall(host);
    this.#tidy(host);
  }

  #admit(candidate: T): T {
    this.#running += 1;
    candidate.host.running += 1;
    if (!candidate.steady) this.#doubtfulRunning += 1;
    return candidate;
  }

  #pick(): T | undefined {
    const half = Math.max(1, this.#limits.maxConcurrent >> 1);
    const mayDoubt = this.#doubtful.size > 0 && this.#doubtfulRunning < half;
    if (mayDoubt && (this.#doubtfulIsNext || this.#steady.size === 0)) {
      this.#doubtfulIsNext = false;
      return this.#doubtful.shift();
    }
    this.#doubtfulIsNext = true;
    return this.#steady.shift();
  }

  #recall(host: Host): void {
    for (;;) {
      const next = host.waiting?.shift();
      if (next === undefined) return;
      if (next.gone) continue;
      this.#lane(next as T).unshift(next as T);
      return;
    }
  }

  #lane(candidate: T): Fifo<T> {
    return candidate.steady ? this.#steady : this.#doubtful;
  }

  #tidy(host: Host): void {
    if (host.checks === 0 && host.running === 0 && this.#hosts.get(host.ip) === host)
      this.#hosts.delete(host.ip);
  }
}
