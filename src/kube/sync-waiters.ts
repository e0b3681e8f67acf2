/** Callers that wait for the next whole list of a reflector. */
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

  resolveAll(): void {
    for (const resolve of this.#resolvers) resolve();
  }
}
