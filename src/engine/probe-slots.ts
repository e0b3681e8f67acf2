import { Fifo } from './fifo.ts';

export interface ProbeLimits {
  /** Runs at a time, over all checks. */
  readonly maxConcurrent: number;
  /** Runs at a time against one IP. */
  readonly maxPerHost: number;
}

/** One IP that is probed. */
export interface Host<T> {
  readonly ip: string;
  /** Checks that name it. */
  checks: number;
  running: number;
  /** Those that are due, but found the host busy. Absent until needed. */
  waiting: Fifo<T> | undefined;
}

/** What the last verdict of a check was: none yet, `up`, anything else. */
export type Standing = 'unheard' | 'steady' | 'doubtful';

/** What the slots need to know of a check. */
export interface Candidate<T> {
  readonly host: Host<T>;
  readonly standing: Standing;
  /** Removed meanwhile: is passed over. */
  readonly gone: boolean;
}

/**
 * Who may run now. Checks that are due stand in lanes, first in, first out: the steady ones (they answered last
 * time, so they hold a slot for a moment) in one, the others (they may hold it until their timeout) in two, those
 * never heard of before those that failed, so that a new address need not wait behind the dead. The others get at
 * most half of the slots: any number of known black holes leaves room for those that answer. Where both sorts wait
 * they take turns, so nobody starves. A check whose host is busy stands aside with its host and goes to the front
 * of its lane when the host has room.
 */
export class ProbeSlots<T extends Candidate<T>> {
  readonly #limits: ProbeLimits;
  readonly #hosts = new Map<string, Host<T>>();
  readonly #lanes = { steady: new Fifo<T>(), unheard: new Fifo<T>(), doubtful: new Fifo<T>() };
  #running = 0;
  /** Of these, how many were not steady when they began. */
  #unsureRunning = 0;
  #unsureIsNext = false;

  constructor(limits: ProbeLimits) {
    this.#limits = limits;
  }

  /** The host of a new check; `leave` when the check goes. */
  enter(ip: string): Host<T> {
    let host = this.#hosts.get(ip);
    if (host === undefined) this.#hosts.set(ip, (host = { ip, checks: 0, running: 0, waiting: undefined }));
    host.checks += 1;
    return host;
  }

  leave(host: Host<T>): void {
    host.checks -= 1;
    this.#tidy(host);
  }

  /** The candidate is due. */
  enqueue(candidate: T): void {
    this.#lanes[candidate.standing].push(candidate);
  }

  /** The next candidate, which has its slot then; undefined when nobody may run now. */
  take(): T | undefined {
    while (this.#running < this.#limits.maxConcurrent) {
      const candidate = this.#pick();
      if (candidate === undefined) return undefined;
      if (candidate.gone) {
        // It may have been called back for its host: then that is the next one's turn.
        this.#recall(candidate.host);
        continue;
      }
      if (candidate.host.running < this.#limits.maxPerHost) return this.#admit(candidate);
      candidate.host.waiting ??= new Fifo();
      candidate.host.waiting.push(candidate);
    }
    return undefined;
  }

  /** Gives a slot back. `standing` as it was when the slot was taken. */
  release(host: Host<T>, standing: Standing): void {
    this.#running -= 1;
    host.running -= 1;
    if (standing !== 'steady') this.#unsureRunning -= 1;
    this.#recall(host);
    this.#tidy(host);
  }

  #admit(candidate: T): T {
    this.#running += 1;
    candidate.host.running += 1;
    if (candidate.standing !== 'steady') this.#unsureRunning += 1;
    return candidate;
  }

  #pick(): T | undefined {
    const { steady, unheard, doubtful } = this.#lanes;
    const half = Math.max(1, this.#limits.maxConcurrent >> 1);
    const unsure = unheard.size > 0 ? unheard : doubtful;
    if (unsure.size > 0 && this.#unsureRunning < half && (this.#unsureIsNext || steady.size === 0)) {
      this.#unsureIsNext = false;
      return unsure.shift();
    }
    this.#unsureIsNext = true;
    return steady.shift();
  }

  #recall(host: Host<T>): void {
    for (;;) {
      const next = host.waiting?.shift();
      if (next === undefined) return;
      if (next.gone) continue;
      this.#lanes[next.standing].unshift(next);
      return;
    }
  }

  #tidy(host: Host<T>): void {
    if (host.checks === 0 && host.running === 0 && this.#hosts.get(host.ip) === host)
      this.#hosts.delete(host.ip);
  }
}
