import type { Verdict } from '../core/verdict.ts';
import { cancelled, timedOut } from './classify.ts';

/** The end of a probe run that takes several steps: its timeout or its cancellation, whichever comes first. */
export interface Limit {
  /** The verdict of the run once it must end. */
  stopped: Verdict | undefined;
  /** Set by the step that runs; called once. */
  onStop: (verdict: Verdict) => void;
  release(): void;
}

/**
 * Times out only after the event loop has looked at its sockets once more: where this process was stalled, the answer may
 * lie in the kernel already, and our stall is not the target's fault.
 */
export function createLimit(timeoutMs: number, signal: AbortSignal): Limit {
  const stop = (verdict: Verdict) => {
    limit.stopped ??= verdict;
    limit.onStop(limit.stopped);
  };
  const timer = setTimeout(() => setImmediate(stop, timedOut), timeoutMs);
  const abort = () => stop(cancelled);
  signal.addEventListener('abort', abort);
  const limit: Limit = {
    stopped: signal.aborted ? cancelled : undefined,
    onStop: () => undefined,
    release: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
  return limit;
}
