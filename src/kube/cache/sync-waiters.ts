/** Callers that wait for the next complete list of a reflector. */
export class SyncWaiters {
  readonly #resolvers = new Set<() => void>();

  /** Resolves with the next call of `resolveAll`. Rejects when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const synced = Promise.withResolvers<undefined>();
    const resolve = () => synced.resolve(undefined);
    const reject = () => synced.reject(signal.reason);
    this.#resolvers.add(resolve);
    signal.addEventListener('abort', reject, { once: true });
    try {
      await synced.promise;
    } finally {
      this.#resolvers.delete(resolve);
      signal.removeEventListener('abort', reject);
    }
  }

  /** Resolves for all callers that wait now. */
  resolveAll(): void {
    for (const resolve of this.#resolvers) resolve();
  }
}
