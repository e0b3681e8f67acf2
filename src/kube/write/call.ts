import { supersededError } from '../client/errors.ts';
import type { CacheKind } from '../cache/cluster-cache.ts';

/** Receiver of answers: `KubeCache`. */
export interface CacheUpdater {
  put(kind: CacheKind, namespace: string, raw: unknown, own?: boolean): void;
  putRead(kind: CacheKind, namespace: string, raw: unknown, own?: boolean): void;
  remove(kind: CacheKind, namespace: string, name: string, uid: string, own?: boolean): void;
}

/** One action in progress: whether its caller still waits for it, and the receiver of its answers. */
export class Call implements CacheUpdater {
  readonly preempt: AbortSignal | undefined;
  /** Term in which it began. */
  readonly term: number | undefined;
  readonly #cache: CacheUpdater;
  /** True when its caller no longer waits: then its answers are changes that are reported to its owner. */
  #left = false;

  constructor(cache: CacheUpdater, preempt: AbortSignal | undefined, term: number | undefined) {
    this.#cache = cache;
    this.preempt = preempt;
    this.term = term;
  }

  /**
   * Settles like `done`. Rejects (`waiting`, Superseded) when the signal of the caller aborts; the action
   * goes on by itself.
   */
  unlessSuperseded<T>(done: Promise<T>, what: string, onLeft?: () => void): Promise<T> {
    const { preempt } = this;
    if (preempt === undefined) return done;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const leave = () => {
      this.#left = true;
      onLeft?.();
      reject(supersededError({ verb: 'write', resource: what }));
    };
    done.then(resolve, reject).finally(() => preempt.removeEventListener('abort', leave));
    if (preempt.aborted) leave();
    else preempt.addEventListener('abort', leave, { once: true });
    return promise;
  }

  put(...[kind, namespace, raw]: Parameters<CacheUpdater['put']>): void {
    this.#cache.put(kind, namespace, raw, !this.#left);
  }

  putRead(...[kind, namespace, raw]: Parameters<CacheUpdater['putRead']>): void {
    this.#cache.putRead(kind, namespace, raw, !this.#left);
  }

  remove(...[kind, namespace, name, uid]: Parameters<CacheUpdater['remove']>): void {
    this.#cache.remove(kind, namespace, name, uid, !this.#left);
  }
}
