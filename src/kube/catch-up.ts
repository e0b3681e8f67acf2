import type { Clock, Logger } from '../engine/ports.ts';

/** Time until a watch that has not been read again is reported. */
const quietMs = 30_000;

/** A watch that can be read again from the beginning. */
interface Watched {
  readonly resource: string;
  caughtUp(signal: AbortSignal): Promise<void>;
}

/** Waits until the watches of a namespace have been read again, and reports those that take long. */
export class CatchUp {
  readonly #options: { readonly clock: Clock; readonly logger: Logger };
  /** Namespace -> resources for which it has waited too long. */
  readonly #late = new Map<string, ReadonlySet<string>>();

  constructor(options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  /** Resources of the namespace that have not been read again although time has passed. */
  lateIn(namespace: string): readonly string[] {
    return [...(this.#late.get(namespace) ?? [])];
  }

  /** Rejects only when the signal aborts. */
  async wait(namespace: string, watches: readonly Watched[], signal: AbortSignal): Promise<void> {
    const missing = new Set(watches.map(({ resource }) => resource));
    const timer = this.#options.clock.after(quietMs, () => this.#report(namespace, missing));
    try {
      await Promise.all(
        watches.map(async (watch) => {
          await watch.caughtUp(signal);
          missing.delete(watch.resource);
        }),
      );
    } finally {
      timer.cancel();
      if (this.#late.get(namespace) === missing) this.#late.delete(namespace);
    }
  }

  #report(namespace: string, missing: ReadonlySet<string>): void {
    this.#late.set(namespace, missing);
    this.#options.logger.warn(
      'The API server does not answer for all resources: nothing is probed or written in this namespace until it does',
      { namespace: namespace === '' ? 'all' : namespace, resources: [...missing] },
    );
  }
}
