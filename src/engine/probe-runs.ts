import type { Verdict } from '../core/verdict.ts';
import type { Clock, Probe, Timer } from './ports.ts';
import type { ProbeListeners } from './probe-listeners.ts';
import type { Slot } from './probe-slots.ts';
import type { Run, Task } from './probe-task.ts';

export interface ProbeRunsOptions extends Pick<ProbeListeners, 'onLateness' | 'onFault'> {
  readonly clock: Clock;
  readonly probe: Probe;
  readonly places?: RunPlaces;
}

/** Learns which checks are being probed. Places are numbered from 0 without gaps. */
export interface RunPlaces {
  take(place: number, owner: string, checkId: string): void;
  /** The run at the last place takes this one over. */
  free(place: number, last: number): void;
}

/** A probe keeps its own deadline; one that has not settled this long after it is given up. */
const GRACE_MS = 1_000;
const SWEEP_MS = 1_000;

const fault: Verdict = { kind: 'inconclusive', reason: 'ProberFault', message: 'the probe failed by itself' };
const overran: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the probe did not end in time',
};

/** The runs under way. Whatever a probe does (throws, never settles), its run ends, and `onEnd` hears of it once. */
export class ProbeRuns {
  readonly #options: ProbeRunsOptions;
  readonly #onEnd: (run: Run, verdict: Verdict) => void;
  /**
   * In no order; each run knows its place. The tables of a Set that is filled and emptied all the time hang together, and
   * keep what they once held until the next major collection.
   */
  readonly #running: Run[] = [];
  #sweeper: Timer | undefined;
  #idle: (() => void) | undefined;

  constructor(options: ProbeRunsOptions, onEnd: (run: Run, verdict: Verdict) => void) {
    this.#options = options;
    this.#onEnd = onEnd;
  }

  /** Also those of tasks that were dropped since. */
  get size(): number {
    return this.#running.length;
  }

  /** One run, from here to its end. Never rejects. */
  async ask(slot: Slot<Task>): Promise<void> {
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
    this.#options.onLateness?.(run.startedAt - task.at);
    let verdict = fault;
    try {
      verdict = await probe(task.check, run.controller.signal);
    } catch (error) {
      if (!run.controller.signal.aborted) this.#options.onFault?.(error, task.check);
    }
    // It failed in a time in which this process did not run: a timer was run before the answer was read.
    if (verdict.kind === 'down' && this.#isOverdue(run)) verdict = overran;
    this.#end(run, verdict);
  }

  /** Aborts all and waits until they have ended (a second at most). No run may be begun any more. */
  async stop(): Promise<void> {
    this.#sweeper?.cancel();
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

  /** Comes too late for a run that was given up. */
  #end(run: Run, verdict: Verdict): void {
    if (this.#running[run.place] !== run) return;
    this.#remove(run);
    this.#onEnd(run, verdict);
    if (this.size === 0) this.#idle?.();
  }

  /** The last one takes its place. */
  #remove(run: Run): void {
    this.#options.places?.free(run.place, this.#running.length - 1);
    const last = this.#running.pop();
    if (last === undefined || last === run) return;
    last.place = run.place;
    this.#running[run.place] = last;
  }

  #isOverdue({ startedAt, task }: Run): boolean {
    return this.#options.clock.now() - startedAt >= task.check.timing.timeoutMs + GRACE_MS;
  }

  readonly #onSweep = (): void => {
    this.#sweeper = undefined;
    for (const run of this.#running.filter((each) => this.#isOverdue(each))) {
      run.controller.abort();
      this.#end(run, overran);
    }
    if (this.size > 0) this.#sweeper ??= this.#options.clock.after(SWEEP_MS, this.#onSweep);
  };
}
