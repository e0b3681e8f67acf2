import { DeadlineTimer } from '../../util/deadline-timer.ts';
import { Heap } from '../../util/heap.ts';
import { VerdictDispatcher } from './result-dispatcher.ts';
import { HostPaths, type ObservedPath } from './host-paths.ts';
import { ProbeSubscriptions } from './subscriptions.ts';
import { ProbeRuns } from './in-flight.ts';
import { ProbeLimiter } from './concurrency.ts';
import { classAfter, newTask } from './probe-task.ts';
import { catchUp, jittered, nextPhase, secondPhase, tickOf, type FinishedRun } from './timing.ts';
import { isAlive } from './probe-host.ts';
import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { Random } from '../../util/clock.ts';
import type { ProbeListeners } from './result-dispatcher.ts';
import type { ProbeRunsOptions } from './in-flight.ts';
import type { ProbeLimits } from './concurrency.ts';
import type { TaskSpec, Run, Subscriber, Task } from './probe-task.ts';

export interface ProbeSchedulerOptions extends ProbeRunsOptions, ProbeListeners {
  readonly random: Random;
  readonly limits: ProbeLimits;
  /** Returns true while verdicts count toward a change of the health of a check. Default: never. */
  readonly isPending?: (owner: string, checkId: string) => boolean;
  /** Called when a watched host answers, or stops answering. */
  readonly onPath?: (path: ObservedPath) => void;
}

export interface SetOptions {
  /** Namespace of the backend. */
  readonly namespace: string;
  /** Default true. A function is called for each new check. */
  readonly fresh?: boolean | ((check: Check) => boolean);
  /** Time over which first runs of checks that are not fresh are spread at most. Default: a period. */
  readonly withinMs?: number | undefined;
}

export interface SchedulerStats {
  /** Number of checks of all owners. */
  readonly checks: number;
  /** Number of probes: equal checks count once. */
  readonly probes: number;
  readonly running: number;
  /** Number of due probes without a slot. */
  readonly waiting: number;
}

/**
 * Starts per turn of the event loop. Sockets must be served in between, or the probes of a burst would time
 * out.
 */
const BURST = 256;

/**
 * Runs every check once per period and passes each verdict to `onVerdict`. One heap, one timer, one small
 * record per check.
 *
 * What must hold:
 * - Checks with the same question, period and timeout are one probe, whatever backends they belong to. Each
 *   check receives its verdicts. A check that joins a probe receives the last verdict at once (with a
 *   duration of 0).
 * - Runs of one probe never overlap. `timing.ts` decides when a probe is due, `concurrency.ts` which
 *   due probe runs.
 * - A verdict is passed only to checks that are still set. A run without a subscriber is aborted.
 * - If a probe throws or never settles, its slot is released and the loop continues.
 * - After the machine was suspended, new checks run first and overdue ones within ten seconds, so there is no
 *   burst.
 *
 * Known limit: targets that answered and then become silent all at once use a slot each until their timeout.
 * So `maxConcurrent` should exceed (targets per second that may do so) x (their timeout). If it does not,
 * backends take turns.
 */
export class ProbeScheduler {
  readonly #options: ProbeSchedulerOptions;
  readonly #slots: ProbeLimiter<Task>;
  readonly #subscriptions: ProbeSubscriptions;
  readonly #planned = new Heap<Task>();
  readonly #alarm: DeadlineTimer;
  readonly #runs: ProbeRuns;
  readonly #dispatcher: VerdictDispatcher;
  readonly #paths: HostPaths;
  #state: 'new' | 'started' | 'stopped' = 'new';
  /** Number of tasks with a run. A run whose task was dropped is only in `#runs` until it ends. */
  #outstanding = 0;

  constructor(options: ProbeSchedulerOptions) {
    this.#options = options;
    this.#slots = new ProbeLimiter(options.limits);
    this.#subscriptions = new ProbeSubscriptions((plan) => this.#create(plan));
    this.#alarm = new DeadlineTimer(options.clock, (now, stoodStill) => this.#onAlarm(now, stoodStill));
    this.#runs = new ProbeRuns(options, (run, verdict) => this.#end(run, verdict));
    this.#dispatcher = new VerdictDispatcher(options);
    this.#paths = new HostPaths((path) => options.onPath?.(path));
  }

  /**
   * Sets all checks of the owner (the UID of a backend). A check whose question, period and timeout are
   * unchanged keeps its phase and its run. A check with the same question and other times keeps its phase as
   * far as the new period allows. Any other check is new. If it is `fresh` (default), it is probed after its
   * initial delay; otherwise it was published before this process started, and is probed within one period.
   */
  set(owner: string, checks: readonly Check[], { namespace, fresh = true, withinMs }: SetOptions): void {
    if (this.#state === 'stopped') return;
    const isFresh = typeof fresh === 'function' ? fresh : () => fresh;
    const { added, dropped, joined } = this.#subscriptions.set(owner, checks, {
      namespace,
      isFresh,
      withinMs,
    });
    for (const task of dropped) this.#drop(task);
    for (const task of added) this.#planned.push(task);
    for (const subscriber of joined) this.#onSubscriberJoined(subscriber, isFresh(subscriber.check));
    this.#arm();
  }

  remove(owner: string): void {
    if (this.#state === 'stopped') return;
    for (const task of this.#subscriptions.remove(owner)) this.#drop(task);
    this.#arm();
  }

  /** Starts the runs. Checks may be set before. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#arm();
  }

  /**
   * Aborts the runs and waits until they have ended, a second at most. Then no verdict is reported. It cannot
   * be started again.
   */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#dispatcher.stop();
    this.#alarm.cancel();
    await this.#runs.stop();
  }

  stats(): SchedulerStats {
    const { checks, tasks } = this.#subscriptions;
    const waiting = tasks - this.#planned.size - this.#outstanding;
    return { checks, probes: tasks, running: this.#runs.size, waiting };
  }

  /**
   * Reports for each of these hosts if it has answered since `since` (monotonic), and later each change. A host without
   * evidence since then is probed at once, if possible by a check that answered last time.
   */
  watch(ips: readonly string[], since: number): void {
    if (this.#state === 'stopped') return;
    this.#paths.watch(ips, since);
    const unknown = new Set(
      ips.flatMap((ip) => {
        const host = this.#slots.host(ip);
        return host === undefined || this.#paths.reportKnown(host) ? [] : [host];
      }),
    );
    if (unknown.size === 0) return;
    const chosen = new Map<object, Task>();
    for (const task of this.#subscriptions.allTasks())
      if (unknown.has(task.host) && (isAlive(task.class) || !chosen.has(task.host)))
        chosen.set(task.host, task);
    for (const task of chosen.values()) this.#planNow(task);
    this.#arm();
  }

  /** Plans a run for now, if the task neither waits for a slot nor runs. */
  #planNow(task: Task): void {
    if (task.slot < 0) return;
    task.at = task.phase = this.#options.clock.now();
    this.#planned.push(task);
  }

  /** All checks, each with its owner. */
  checks(): Iterable<readonly [owner: string, check: Check]> {
    return this.#subscriptions.all();
  }

  #create(plan: TaskSpec): Task {
    const { clock, random } = this.#options;
    return newTask(plan, (ip, kind) => this.#slots.acquireHost(ip, kind), clock.now(), random);
  }

  /**
   * Passes the last verdict to a check that joined a task. If there is none, advances the first run to the
   * check's own first instant.
   */
  #onSubscriberJoined(subscriber: Subscriber, fresh: boolean): void {
    const { task, check } = subscriber;
    if (task.slot < 0) return;
    const { last } = task;
    const firstAt = this.#options.clock.now() + check.timing.initialDelayMs;
    if (last !== undefined) {
      queueMicrotask(() => this.#dispatcher.dispatch(task, last, 0, [subscriber]));
    } else if (fresh && task.at > firstAt) {
      task.at = task.phase = firstAt;
      this.#planned.push(task);
    }
  }

  #drop(task: Task): void {
    this.#planned.remove(task);
    this.#slots.leave(task);
    if (task.run === undefined) return;
    this.#outstanding -= 1;
    task.run.controller.abort();
    task.run = undefined;
  }

  /** Sets the alarm for the earliest planned run, or for that of `task` if it is earlier. */
  #arm(task = this.#planned.peek()): void {
    if (this.#state === 'started' && task !== undefined) this.#alarm.set(task.at, tickOf(task.check.timing));
  }

  #onAlarm(now: number, stoodStill: boolean): void {
    for (;;) {
      const task = this.#planned.peek();
      if (task === undefined || task.at > now) break;
      if (stoodStill && !task.isNew) {
        task.last = undefined;
        task.at = task.phase = catchUp(task.check.timing.periodMs, now, this.#options.random);
        this.#planned.push(task);
      } else {
        this.#planned.remove(task);
        task.dueAt = now;
        this.#slots.enqueue(task);
      }
    }
    this.#pump();
    this.#arm();
  }

  /** Starts the runs that are possible now, a burst at most, and the rest a little later. */
  #pump(): void {
    for (let started = 0; started < BURST; started++) if (!this.#startNext()) return;
    this.#alarm.yield();
  }

  #startNext(): boolean {
    const slot = this.#state === 'started' ? this.#slots.take() : undefined;
    if (slot === undefined) return false;
    this.#outstanding += 1;
    void this.#runs.start(slot);
    return true;
  }

  /** Releases the slot, plans the next run and reports the verdict. Then one more run may start. */
  #end(run: Run, verdict: Verdict): void {
    const { task } = run;
    this.#slots.release(run.slot);
    if (this.#state === 'stopped') return;
    if (task.run === run) this.#complete(task, run, verdict);
    this.#startNext();
  }

  #complete(task: Task, run: Run, verdict: Verdict): void {
    const { clock, random } = this.#options;
    const { periodMs } = task.check.timing;
    const ran = { phase: task.phase, dueAt: task.dueAt, startedAt: run.startedAt, endedAt: clock.now() };
    const durationMs = ran.endedAt - ran.startedAt;
    this.#outstanding -= 1;
    task.run = undefined;
    task.last = verdict;
    const { class: kind, failures } = classAfter(task, verdict, durationMs);
    task.failures = failures;
    if (this.#slots.classify(task, kind)) this.#alarm.yield();
    this.#planAt(task, (task.isNew ? secondPhase : nextPhase)(ran, periodMs, random));
    task.isNew = false;
    this.#paths.record(task.host, verdict, run.startedAt);
    this.#dispatcher.ran(task.check, verdict, durationMs);
    this.#dispatcher.dispatch(task, verdict, durationMs, task.subscribers);
    this.#retrySoon(task, ran);
  }

  /**
   * Plans the next run a shorter period later while verdicts count toward a change of the health. A listener may
   * have dropped the task.
   */
  #retrySoon(task: Task, ran: FinishedRun): void {
    const { random, isPending } = this.#options;
    const { retryMs } = task.check.timing;
    if (retryMs === undefined || task.slot < 0) return;
    if (task.subscribers.some(({ owner, check }) => isPending?.(owner, check.id) === true))
      this.#planAt(task, nextPhase(ran, retryMs, random), retryMs);
  }

  #planAt(task: Task, phase: number, periodMs = task.check.timing.periodMs): void {
    const { clock, random } = this.#options;
    task.phase = phase;
    task.at = jittered(phase, clock.now(), periodMs, random);
    this.#planned.push(task);
    this.#arm(task);
  }
}
