import type { Clock, Timer } from '../../src/util/clock.ts';
import type { ManualClock } from '../support/fakes/manual-clock.ts';

export interface Skew {
  /** Seconds of this machine in a second of the world. */
  readonly rate: number;
  /** Milliseconds by which its wall clock is ahead. */
  readonly wallMs: number;
}

/**
 * One operating system process: what reaches it runs now, after its pause, or never. Its clock has the skew of
 * its machine, and goes on while it is paused, as with SIGSTOP.
 */
export class Process {
  readonly clock: Clock;
  readonly #world: ManualClock;
  #wallMs: number;
  #isAlive = true;
  /** What has reached it during the pause; undefined: it runs. */
  #held: (() => void)[] | undefined;

  constructor(world: ManualClock, { rate, wallMs }: Skew) {
    this.#world = world;
    this.#wallMs = wallMs;
    this.clock = {
      now: () => world.now() * rate,
      wall: () => world.wall() + this.#wallMs,
      after: (delayMs, run) => this.#after(delayMs / rate, run),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get runs(): boolean {
    return this.#isAlive && this.#held === undefined;
  }

  /** Steps the wall clock. */
  shiftWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** Runs what reaches the process. */
  reach(run: () => void): void {
    if (!this.#isAlive) return;
    if (this.#held === undefined) run();
    else this.#held.push(run);
  }

  /** SIGKILL. */
  kill(): void {
    this.#isAlive = false;
    this.#held = undefined;
  }

  /** SIGSTOP. */
  pause(): void {
    this.#held ??= [];
  }

  /** SIGCONT. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) this.#world.after(0, () => this.reach(run));
  }

  #after(delayMs: number, run: () => void): Timer {
    let isCancelled = false;
    const timer = this.#world.after(delayMs, () => this.reach(() => (isCancelled ? undefined : run())));
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }
}
