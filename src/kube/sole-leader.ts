import type { LeaderHooks, Leadership } from './leadership.ts';

/** Leadership with `--leader-elect=false`: the only replica leads from its start to its end. */
export class SoleLeader implements Leadership {
  readonly #hooks: LeaderHooks;
  #leading = false;

  constructor(hooks: LeaderHooks = {}) {
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
    if (led) this.#hooks.onLost?.('Released');
    return Promise.resolve();
  }
}
