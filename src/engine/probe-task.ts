import { firstRun } from './probe-timing.ts';
import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { HeapItem } from './heap.ts';
import type { Random } from './ports.ts';
import type { Host, Standing } from './probe-slots.ts';

/**
 * One probe and where it stands: in the heap (planned), in the slots' lanes (due), or in a run.
 * Checks that ask the same question at the same times, of whatever backends, share one.
 */
export interface Task extends HeapItem {
  readonly key: string;
  /** The check that was there first; it asks for all. */
  readonly check: Check;
  readonly host: Host<Task>;
  /** Who wants to know. Replaced, never changed, so that it may be walked while it is. */
  subscribers: readonly Subscriber[];
  /** The instant that its rhythm means; `at` is that with jitter. */
  phase: number;
  /** New, and not run yet: see `secondPhase`. */
  fresh: boolean;
  standing: Standing;
  gone: boolean;
  run: Run | undefined;
  /** The last verdict; while the task is planned, it is from the period before. */
  last: Verdict | undefined;
}

/** One check of one owner. */
export interface Subscriber {
  readonly owner: string;
  readonly task: Task;
  /** As it was set last; thresholds may differ from the task's. */
  check: Check;
  gone: boolean;
}

export interface Run {
  readonly task: Task;
  readonly controller: AbortController;
  readonly startedAt: number;
  /** Of the task when the run began. */
  readonly standing: Standing;
  /** Where it stands among the runs under way. */
  place: number;
}

/** What is asked the same way whatever the name of the server and the spec say. */
const plain: readonly string[] = ['tcpSocket', 'icmp'];

/** Checks with equal questions ask the same thing of the same address. Joined, as one flat string is half the size. */
function questionOf({ ip, port, host, handler }: Check): string {
  const parts = [ip, port, handler.kind];
  if (!plain.includes(handler.kind)) parts.push(host, JSON.stringify(handler));
  return parts.join(' ');
}

/** Checks with equal keys are one probe: the same question, period and timeout. Thresholds are the health's affair. */
export function probeKey(check: Check): string {
  return [check.timing.periodMs, check.timing.timeoutMs, questionOf(check)].join(' ');
}

export interface Plan {
  readonly key: string;
  readonly check: Check;
  /** The task that the same check of the same owner had before its change. */
  readonly known: Task | undefined;
  readonly fresh: boolean;
}

/**
 * A task with its first instant. After a change of the times alone it takes over rhythm and standing; else it
 * begins anew.
 */
export function newTask(
  { key, check, known, fresh }: Plan,
  host: Host<Task>,
  now: number,
  random: Random,
): Task {
  const same = known !== undefined && !known.fresh && questionOf(known.check) === questionOf(check);
  const phase = same ? replanned(known, check, now) : firstRun(check.timing, fresh, now, random);
  return {
    at: phase,
    order: 0,
    slot: -1,
    key,
    check,
    host,
    subscribers: [],
    phase,
    fresh: fresh && (known === undefined || known.fresh),
    standing: same ? known.standing : 'unheard',
    gone: false,
    run: undefined,
    last: undefined,
  };
}

/** At its next instant as planned, but within one new period. */
function replanned(known: Task, check: Check, now: number): number {
  const { periodMs } = check.timing;
  const next = known.run === undefined ? known.phase : known.phase + periodMs;
  return Math.min(Math.max(next, now), now + periodMs);
}
