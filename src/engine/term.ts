import type { Logger } from '../util/log.ts';
import type { Clock } from '../util/clock.ts';
import type { ClusterCache } from './ports.ts';

export interface TermOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly cache: Pick<ClusterCache, 'served' | 'caughtUp'>;
  /** Called when the term has begun in a namespace; an empty name is the whole cluster. */
  readonly onBegun: (namespace: string) => void;
}

/**
 * The time from the begin of leading to its end. A term begins in each namespace once the cache contains there
 * what was written before the term.
 */
export class Term {
  readonly #options: TermOptions;
  /** Aborted at the end of the term; undefined: this replica does not lead. */
  #current: AbortController | undefined;
  #working = false;
  /** Namespaces in which the term has not begun, because the cache has not caught up there. */
  readonly #behind = new Set<string>();

  constructor(options: TermOptions) {
    this.#options = options;
  }

  begin(): void {
    this.end();
    const current = new AbortController();
    this.#current = current;
    void this.#begin(current.signal);
  }

  end(): void {
    this.abort();
    this.#current = undefined;
    this.#working = false;
    this.#behind.clear();
  }

  /** Stops waiting for the cache. */
  abort(): void {
    this.#current?.abort();
  }

  /** Returns true if the term has begun in the namespace of this key (`namespace/name`). */
  includes(key: string): boolean {
    const [namespace = ''] = key.split('/');
    return this.#working && !this.#behind.has('') && !this.#behind.has(namespace);
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { clock, logger, cache } = this.#options;
    const startedAt = clock.now();
    const served = cache.served?.() ?? [''];
    for (const namespace of served) this.#behind.add(namespace);
    this.#working = true;
    await Promise.all(served.map((namespace) => this.#beginIn(namespace, signal)));
    if (!signal.aborted) logger.info('term started', { caughtUpMs: Math.round(clock.now() - startedAt) });
  }

  /** Begins the term in one namespace. A namespace that cannot be read delays no other. */
  async #beginIn(namespace: string, signal: AbortSignal): Promise<void> {
    const { cache, logger, onBegun } = this.#options;
    await cache.caughtUp(signal, namespace).catch((error: unknown) => {
      if (!signal.aborted) logger.error('cache did not catch up', { namespace, error });
    });
    if (signal.aborted) return;
    this.#behind.delete(namespace);
    onBegun(namespace);
  }
}
