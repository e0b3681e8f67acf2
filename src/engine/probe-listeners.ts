import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Subscriber, Task } from './probe-task.ts';

/** Who is told what of the probes. */
export interface ProbeListeners {
  /**
   * Receives each verdict for each check that still wants it; a run that several backends share is passed to each. `dueAt`: when the
   * run began to wait for its slot, monotonic.
   */
  readonly onVerdict: (
    owner: string,
    check: Check,
    verdict: Verdict,
    durationMs: number,
    dueAt: number,
  ) => void;
  /** Each run, once: for metrics. */
  readonly onRun?: (check: Check, verdict: Verdict, durationMs: number) => void;
  /** How long after its planned instant a run began. */
  readonly onLateness?: (ms: number) => void;
  /** A probe that threw, or a listener that did: bugs, for the log. */
  readonly onFault?: (error: unknown, check: Check) => void;
}

/** Tells verdicts. A listener that throws keeps nobody else from hearing. */
export class VerdictTeller {
  readonly #listeners: ProbeListeners;
  #silent = false;

  constructor(listeners: ProbeListeners) {
    this.#listeners = listeners;
  }

  /** Nothing is told any more, also not the rest of what is being told. */
  stop(): void {
    this.#silent = true;
  }

  /** A run has ended. */
  ran(check: Check, verdict: Verdict, durationMs: number): void {
    this.#guard(check, () => this.#listeners.onRun?.(check, verdict, durationMs));
  }

  /** Tells those who still want to know, unless there is a later verdict. */
  tell(task: Task, verdict: Verdict, durationMs: number, subscribers: readonly Subscriber[]): void {
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
