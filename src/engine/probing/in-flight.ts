import type { Verdict } from '../../core/probing/verdict.ts';
import type { ProbeFn } from '../ports.ts';
import type { Clock, Timer } from '../../util/clock.ts';
import type { ProbeListeners } from './result-dispatcher.ts';
import type { Slot } from './concurrency.ts';
import { StallMeter } from './stall-meter.ts';
import type { Run, Task } from './probe-task.ts';

export interface ProbeRunsOptions extends Pick<ProbeListeners, 'onLateness' | 'onFault'> {
  readonly clock: Clock;
  readonly probe: ProbeFn;
  readonly places?: RunPlaces;
}

/** Records which checks are being probed. Places are numbered from 0 without gaps. */
export interface RunPlaces {
  take(place: number, owner: string, checkId: string): void;
  /** Frees a place. The run at the last place moves to it. */
  free(place: number, last: number): void;
}

/** A probe enforces its own timeout. A run that has not settled this long after the timeout is abandoned. */
const GRACE_MS = 1_000;
const SWEEP_MS = 1_000;

/** Verdict of a probe that throws an error. */
export const thrownFault: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the probe threw an error',
};
const exceededDeadline: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the probe did not settle within its timeout',
};

/**
 * Runs in progress. If a probe throws or never settles, its run still ends. `onEnd` is called once for each
 * run.
 */
export class ProbeRuns {
  readonly #options: ProbeRunsOptions;
  readonly #onEnd: (run: Run, verdict: Verdict) => void;
  /**
   * Runs in no order; each run contains its position. Not a Set: the tables of a Set that is filled and
   * emptied all the time are linked, and retain former elements until the next major garbage collection.
   */
  readonly #running: Run[] = [];
  readonly #stalls: StallMeter;
  #sweeper: Timer | undefined;
  #idle: (() => void) | undefined;

  constructor(options: ProbeRunsOptions, onEnd: (run: Run, verdict: Verdict) => void) {
    this.#options = options;
    this.#onEnd = onEnd;
    this.#stalls = new StallMeter(options.clock);
  }

  /** Number of runs, including those of tasks that were dropped. */
  get size(): number {
    return this.#running.length;
  }

  /** Performs one run to its end. Never rejects. */
  async start(slot: Slot<Task>): Promise<void> {
    const { clock, probe } = this.#options;
    const task = slot.candidate;
    const run: Run = {
      task,
      controller: new AbortController(),
      startedAt: clock.now(),
      slot,
      place: this.#running.length,
    };
    task.run = run;
    this.#running.push(run);
    const [subscriber] = task.subscribers;
    if (subscriber !== undefined)
      this.#options.places?.take(run.place, subscriber.owner, subscriber.check.id);
    this.#sweeper ??= clock.after(SWEEP_MS, this.#onSweep);
    this.#stalls.begin();
    this.#options.onLateness?.(run.startedAt - task.at);
    let verdict = thrownFault;
    try {
      verdict = await probe(task.check, run.controller.signal);
    } catch (error) {
      if (!run.controller.signal.aborted) this.#options.onFault?.(error, task.check);
    }
    this.#end(run, this.#verdictAtEnd(run, verdict));
  }

  /** Aborts all runs and waits until they have ended, a second at most. No run may be started after it. */
  async stop(): Promise<void> {
    this.#sweeper?.cancel();
    this.#stalls.stop();
    for (const run of this.#running) run.controller.abort();
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      const deadline = this.#options.clock.after(GRACE_MS, resolve);
      this.#idle = () => {
        deadline.cancel();
        resolve();
      };
    });
  }

  /** Ends a run. Has no effect on a run that was abandoned. */
  #end(run: Run, verdict: Verdict): void {
    if (this.#running[run.place] !== run) return;
    this.#remove(run);
    this.#onEnd(run, verdict);
    if (this.size === 0) this.#idle?.();
  }

  /** Removes a run. The last run moves to its place. */
  #remove(run: Run): void {
    this.#options.places?.free(run.place, this.#running.length - 1);
    const last = this.#running.pop();
    if (last === undefined || last === run) return;
    last.place = run.place;
    this.#running[run.place] = last;
  }

  /**
   * Returns the verdict, or an inconclusive one if this process did not run while the probe waited.
   *
   * | verdict      | the process did not run for       | result                   |
   * |--------------|-----------------------------------|--------------------------|
   * | down         | a second after the timeout        | inconclusive             |
   * | down Timeout | more than a quarter of the timeout | inconclusive            |
   * | any other    | any time                          | the verdict: it is a fact |
   */
  #verdictAtEnd(run: Run, verdict: Verdict): Verdict {
    if (verdict.kind !== 'down') return verdict;
    if (this.#isOverdue(run)) return exceededDeadline;
    return this.#stalls.unlessStalled(verdict, run.startedAt, run.task.check.timing.timeoutMs);
  }

  #isOverdue({ startedAt, task }: Run): boolean {
    return this.#options.clock.now() - startedAt >= task.check.timing.timeoutMs + GRACE_MS;
  }

  readonly #onSweep = (): void => {
    this.#sweeper = undefined;
    for (const run of this.#running.filter((each) => this.#isOverdue(each))) {
      run.controller.abort();
      this.#end(run, exceededDeadline);
    }
    if (this.size === 0) this.#stalls.stop();
    else this.#sweeper ??= this.#options.clock.after(SWEEP_MS, this.#onSweep);
  };
}
