import { firstRun } from './timing.ts';
import type { Check, Timing } from '../../core/probing/check.ts';
import { handlerTraits } from '../../core/probing/handler-kinds.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { HeapItem } from '../../util/heap.ts';
import type { Random } from '../../util/clock.ts';
import type { HostShare, ProbeHost } from './probe-host.ts';
import type { ProbeClass, ProbeOwner } from './probe-shares.ts';
import type { Slot } from './concurrency.ts';
import type { Ticket } from '../../util/fair-queue.ts';
import type { InternedHandler } from './handler-table.ts';

/**
 * One probe and its state: in the heap (planned), in a queue of the slots (due), or running. Checks with the
 * same question and the same times share one, whatever backends they belong to.
 */
export interface Task extends HeapItem {
  readonly key: string;
  /** The check that was set first; it is used for all subscribers. Its handler is the interned one. */
  readonly check: Check;
  readonly handler: InternedHandler;
  readonly host: ProbeHost<Task>;
  /** Subscribers. The array is replaced and never changed, so that it can be replaced during an iteration. */
  subscribers: readonly Subscriber[];
  /** Owners of the subscribers, each once; the last owners if there are no subscribers any more. */
  owners: readonly ProbeOwner[];
  /** Planned instant by the period; `at` is the same with jitter. */
  phase: number;
  /** Time when it began to wait for its latest run. */
  dueAt: number;
  /** True while it has not run and was added together with others: see `secondPhase`. */
  isNew: boolean;
  class: ProbeClass;
  /** Number of failures in a row. */
  failures: number;
  ticket: Ticket<Task> | undefined;
  place: HostShare<Task> | undefined;
  run: Run | undefined;
  /** Last verdict. While the task is planned, it is the verdict of the previous period. */
  last: Verdict | undefined;
}

/** One check of one owner. */
export interface Subscriber {
  readonly owner: string;
  readonly share: ProbeOwner;
  readonly task: Task;
  /** The check as it was set last. Thresholds may differ from those of the task. */
  check: Check;
  gone: boolean;
}

export interface Run {
  readonly task: Task;
  readonly controller: AbortController;
  readonly startedAt: number;
  readonly slot: Slot<Task>;
  /** Its position among the runs in progress. */
  place: number;
}

/** Handlers whose question does not depend on the name of the server. */
const isNameless = ({ handler }: Check): boolean => !handlerTraits[handler.kind].usesHost;

/** Returns true when the check has the same question to the same address as the task. */
function isSameProbe(task: Task, check: Check, handler: InternedHandler): boolean {
  const { ip, port, host } = task.check;
  if (task.handler !== handler || ip !== check.ip || port !== check.port) return false;
  return host === check.host || isNameless(check);
}

/**
 * Returns true when the task is the probe of this check: the same question, periods and timeout. Thresholds do
 * not matter.
 */
export function isProbeOf(task: Task, check: Check, handler: InternedHandler): boolean {
  return isSamePace(task.check.timing, check.timing) && isSameProbe(task, check, handler);
}

/** Returns true when both have the same periods and timeout. */
export const isSamePace = (a: Timing, b: Timing): boolean =>
  a.periodMs === b.periodMs && a.retryMs === b.retryMs && a.timeoutMs === b.timeoutMs;

/**
 * Returns the key of the probe of a check. A joined string is flat, which is half the size. It contains no
 * secret and no PEM text.
 */
export function probeKey(check: Check, handler: InternedHandler): string {
  const { timing, ip, port, host } = check;
  const parts = [timing.periodMs, timing.retryMs ?? '', timing.timeoutMs, ip, port, handler.id];
  if (!isNameless(check)) parts.push(host);
  return parts.join(' ');
}

export interface TaskSpec {
  readonly key: string;
  readonly check: Check;
  readonly handler: InternedHandler;
  /** Task that the same check of the same owner had before its change. */
  readonly known: Task | undefined;
  readonly isNew: boolean;
  /** See `SetOptions`. */
  readonly withinMs?: number | undefined;
}

/**
 * Returns a task with its first instant. If only the times have changed, it keeps the phase and the class of
 * the known task. Otherwise it starts as a new one.
 */
export function newTask(
  { key, check, handler, known, isNew, withinMs }: TaskSpec,
  enter: (ip: string, kind: ProbeClass) => ProbeHost<Task>,
  now: number,
  random: Random,
): Task {
  const same = known !== undefined && !known.isNew && isSameProbe(known, check, handler);
  const phase = same
    ? replanned(known, check, now)
    : firstRun(check.timing, { fresh: isNew, withinMs }, now, random);
  const kind = same ? known.class : isNew ? 'new' : 'suspect';
  return {
    at: phase,
    order: 0,
    slot: -1,
    key,
    check: check.handler === handler.handler ? check : { ...check, handler: handler.handler },
    handler,
    host: enter(check.ip, kind),
    subscribers: [],
    owners: [],
    phase,
    dueAt: phase,
    isNew: (isNew || withinMs !== undefined) && (known === undefined || known.isNew),
    class: kind,
    failures: same ? known.failures : 0,
    ticket: undefined,
    place: undefined,
    run: undefined,
    last: undefined,
  };
}

/** Returns the class of a task and its failures in a row after a verdict. */
export function classAfter(
  task: Task,
  verdict: Verdict,
  durationMs: number,
): Pick<Task, 'class' | 'failures'> {
  if (verdict.kind === 'up') return { class: 'steady', failures: 0 };
  // Inconclusive shows nothing about the address, but a probe that used its whole timeout will use it again.
  if (verdict.kind === 'inconclusive' && durationMs < task.check.timing.timeoutMs) return task;
  const failures = task.failures + 1;
  const allowed = Math.max(...task.subscribers.map(({ check }) => check.timing.failureThreshold));
  const isDead = task.class === 'new' || task.class === 'dead' || failures >= allowed;
  return { class: isDead ? 'dead' : 'suspect', failures };
}

/** Returns the next instant as planned, but within one new period. */
function replanned(known: Task, check: Check, now: number): number {
  const { periodMs } = check.timing;
  const next = known.run === undefined ? known.phase : known.phase + periodMs;
  return Math.min(Math.max(next, now), now + periodMs);
}
