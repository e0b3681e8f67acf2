import type { LeaderCallbacks, Leadership } from './leadership.ts';

/** Leadership with `--leader-elect=false`: the only replica leads from its start to its end. */
export class SoleLeader implements Leadership {
  readonly #hooks: LeaderCallbacks;
  #leading = false;

  constructor(hooks: LeaderCallbacks = {}) {
    this.#hooks = hooks;
  }

  isLeader(): boolean {
    return this.#leading;
  }

  start(): void {
    if (this.#leading) return;
    this.#leading = true;
    this.#hooks.onStartedLeading?.();
  }

  stop(): Promise<void> {
    const led = this.#leading;
    this.#leading = false;
    if (led) this.#hooks.onStoppedLeading?.('Released');
    return Promise.resolve();
  }
}
