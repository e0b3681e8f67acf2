import type { Clock } from './clock.ts';

/**
 * Resolves after `delayMs`, or at once when the signal aborts. Never rejects: the caller checks the signal.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = () => {
    timer.cancel();
    signal?.removeEventListener('abort', done);
    resolve(undefined);
  };
  const timer = clock.after(delayMs, done);
  if (signal?.aborted === true) done();
  else signal?.addEventListener('abort', done, { once: true });
  return promise;
}
