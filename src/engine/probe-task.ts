import { sameQuestion } from './same-check.ts';
import { firstRun } from './probe-timing.ts';
import type { Check } from '../core/check.ts';
import type { HeapItem } from './heap.ts';
import type { Random } from './ports.ts';
import type { Host, Standing } from './probe-slots.ts';

/** One check and where it stands: in the heap (planned), in the slots' lanes (due), or in a run. */
export interface Task extends HeapItem {
  readonly owner: string;
  readonly check: Check;
  readonly host: Host<Task>;
  /** The instant that its rhythm means; `at` is that with jitter. */
  phase: number;
  /** New, and not run yet: see `secondPhase`. */
  fresh: boolean;
  standing: Standing;
  gone: boolean;
  run: Run | undefined;
}

export interface Run {
  readonly task: Task;
  readonly controller: AbortController;
  readonly startedAt: number;
  /** Of the check when the run began. */
  readonly standing: Standing;
}

export interface Plan {
  readonly owner: string;
  readonly check: Check;
  readonly host: Host<Task>;
  /** The task of the same check id that this one replaces. */
  readonly known: Task | undefined;
  readonly fresh: boolean;
}

/**
 * A task with its first instant. One that replaces a task with the same question (only its times are others) takes
 * over its rhythm and standing; any other begins anew.
 */
export function newTask({ owner, check, host, known, fresh }: Plan, now: number, random: Random): Task {
  const same = known !== undefined && !known.fresh && sameQuestion(known.check, check) ? known : undefined;
  const phase = same === undefined ? firstRun(check.timing, fresh, now, random) : replanned(same, check, now);
  return {
    at: phase,
    order: 0,
    slot: -1,
    owner,
    check,
    host,
    phase,
    fresh: fresh && (known === undefined || known.fresh),
    standing: same?.standing ?? 'unheard',
    gone: false,
    run: undefined,
  };
}

/** At its next instant as planned, but within one new period. */
function replanned(known: Task, check: Check, now: number): number {
  const { periodMs } = check.timing;
  const next = known.run === undefined ? known.phase : known.phase + periodMs;
  return Math.min(Math.max(next, now), now + periodMs);
}
