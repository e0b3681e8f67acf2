import runtime, { hrtime } from 'node:process';
import type { Clock, Timer } from './util/clock.ts';

/** The longest delay of a Node timer (2^31 - 1 ms). Node uses 1 ms in place of a longer one. */
const MAX_MS = 2_147_483_647;

/** `performance.now` begins at 0 in each thread. The clock behind it is the same in all threads. */
const originMs = Number(hrtime.bigint()) / 1e6 - performance.now();

/**
 * The real clock. Its timers keep the process alive, because a process that only waits for its next attempt must not end
 * with exit code 0. The code that starts a loop must stop it, which cancels its timer.
 */
export const systemClock: Clock = {
  now: () => originMs + performance.now(),
  wall: () => Date.now(),
  after: (delayMs, run) => new SystemTimer(delayMs, run),
};

/** CPU time of the thread that calls it, in milliseconds. Node before 23.9 cannot read it; there it is the wall time. */
export const systemThreadCpu: () => number =
  'threadCpuUsage' in runtime
    ? () => {
        const { user, system } = runtime.threadCpuUsage();
        return (user + system) / 1_000;
      }
    : () => performance.now();

export const systemRandom = (): number => Math.random();

class SystemTimer implements Timer {
  #timeout: NodeJS.Timeout;

  constructor(delayMs: number, run: () => void) {
    this.#timeout = this.#arm(delayMs, run);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  /** Rounds the delay up, because Node rounds down and would run early. */
  #arm(delayMs: number, run: () => void): NodeJS.Timeout {
    if (delayMs <= MAX_MS) return setTimeout(run, Math.ceil(delayMs));
    return setTimeout(() => (this.#timeout = this.#arm(delayMs - MAX_MS, run)), MAX_MS);
  }
}
