import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { Subscriber, Task } from './probe-task.ts';

/** Listeners for verdicts and runs. */
export interface ProbeListeners {
  /**
   * Called with each verdict, once for each check that is still set; a run that several backends share is
   * passed to each. `dueAt`: when the run began to wait for its slot, monotonic.
   */
  readonly onVerdict: (
    owner: string,
    check: Check,
    verdict: Verdict,
    durationMs: number,
    dueAt: number,
  ) => void;
  /** Called once for each run: for metrics. */
  readonly onRun?: (check: Check, verdict: Verdict, durationMs: number) => void;
  /** Called with the delay of a run after its planned instant. */
  readonly onLateness?: (ms: number) => void;
  /** Called with the error of a probe or listener that threw. Such errors are bugs, and are logged. */
  readonly onFault?: (error: unknown, check: Check) => void;
}

/** Passes verdicts to the listeners. A listener that throws does not affect the others. */
export class VerdictDispatcher {
  readonly #listeners: ProbeListeners;
  #silent = false;

  constructor(listeners: ProbeListeners) {
    this.#listeners = listeners;
  }

  /** Stops all reports at once, also within a report to several checks. */
  stop(): void {
    this.#silent = true;
  }

  /** Reports the end of a run. */
  ran(check: Check, verdict: Verdict, durationMs: number): void {
    this.#guard(check, () => this.#listeners.onRun?.(check, verdict, durationMs));
  }

  /** Reports a verdict to the subscribers that still exist, unless there is a later verdict. */
  dispatch(task: Task, verdict: Verdict, durationMs: number, subscribers: readonly Subscriber[]): void {
    for (const subscriber of subscribers) {
      if (subscriber.gone || task.last !== verdict || this.#silent) continue;
      const { owner, check } = subscriber;
      this.#guard(check, () => this.#listeners.onVerdict(owner, check, verdict, durationMs, task.dueAt));
    }
  }

  #guard(check: Check, listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#listeners.onFault?.(error, check);
    }
  }
}
