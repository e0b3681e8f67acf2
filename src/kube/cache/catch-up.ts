import type { Logger } from '../../util/log.ts';
import type { Clock } from '../../util/clock.ts';

/** Time after which a watch that has not been read again is reported. */
const quietMs = 30_000;

/** Watch that can be read again from its beginning. */
interface Watched {
  readonly resource: string;
  caughtUp(signal: AbortSignal): Promise<void>;
}

/** Waits until the watches of a namespace have been read again, and reports those that take long. */
export class CatchUp {
  readonly #options: { readonly clock: Clock; readonly logger: Logger };
  /** Resources that have taken too long, by namespace. */
  readonly #late = new Map<string, ReadonlySet<string>>();

  constructor(options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  /** Returns the resources of the namespace that have taken too long and are not read again yet. */
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
      'the API server does not answer for all resources; nothing is probed or written in this namespace until it does',
      { namespace: namespace === '' ? 'all' : namespace, resources: [...missing] },
    );
  }
}
