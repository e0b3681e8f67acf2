import { OperatorError } from '../../../src/core/errors.ts';
import { WorkQueue } from '../../../src/engine/queue/work-queue.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import type { Outcome } from '../../../src/engine/queue/outcome.ts';
import type { ReconcileFn, WorkQueueOptions } from '../../../src/engine/queue/work-queue.ts';

export const ok: Outcome = { ok: true };
export const conflict = new OperatorError('409', { kind: 'transient', reason: 'Conflict' });

export const always =
  (outcome: Outcome): ReconcileFn =>
  () =>
    Promise.resolve(outcome);

/** A clock, and the runs of the queues on it as `key@time`. */
export class QueueWorld {
  readonly clock = new ManualClock();
  readonly runs: string[] = [];

  /** Starts a queue; `random` 1 makes a backoff whole. */
  queueOf(handler: ReconcileFn, more: Partial<WorkQueueOptions> = {}): WorkQueue {
    const noted: ReconcileFn = (key) => {
      this.runs.push(`${key}@${this.clock.now()}`);
      return handler(key);
    };
    const backoff = { baseMs: 100, capMs: 1_000 };
    const queue = new WorkQueue({
      clock: this.clock,
      random: () => 1,
      handler: noted,
      concurrency: 2,
      backoff,
      ...more,
    });
    queue.start();
    return queue;
  }

  /** Returns a reconcile that succeeds after `ms`. */
  taking(ms: number): ReconcileFn {
    return () => new Promise((resolve) => this.clock.after(ms, () => resolve(ok)));
  }
}
