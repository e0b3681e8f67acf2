import type { Verdict } from '../../core/probing/verdict.ts';
import { cancelled, timedOut } from '../verdict/verdicts.ts';

/** End of a probe run with several steps: its timeout or its cancellation, whichever is first. */
export interface Deadline {
  /** Verdict of the run when it must end, otherwise undefined. */
  stopped: Verdict | undefined;
  /** Set by the current step; called once. */
  onStop: (verdict: Verdict) => void;
  release(): void;
}

/**
 * Creates a limit. It times out only after the event loop has read its sockets once more: if this process was
 * stalled, the answer may already be in the kernel, and the stall is not a fault of the target.
 */
export function createDeadline(timeoutMs: number, signal: AbortSignal): Deadline {
  const stop = (verdict: Verdict) => {
    limit.stopped ??= verdict;
    limit.onStop(limit.stopped);
  };
  const timer = setTimeout(() => setImmediate(stop, timedOut), timeoutMs);
  const abort = () => stop(cancelled);
  signal.addEventListener('abort', abort);
  const limit: Deadline = {
    stopped: signal.aborted ? cancelled : undefined,
    onStop: () => undefined,
    release: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
  return limit;
}
