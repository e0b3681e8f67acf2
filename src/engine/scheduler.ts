import { Alarm } from './alarm.ts';
import { Heap } from './heap.ts';
import { VerdictTeller } from './probe-listeners.ts';
import { ProbeRoster } from './probe-roster.ts';
import { ProbeRuns } from './probe-runs.ts';
import { ProbeSlots } from './probe-slots.ts';
import { classAfter, newTask } from './probe-task.ts';
import { catchUp, jittered, nextPhase, secondPhase } from './probe-timing.ts';
import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Random } from './ports.ts';
import type { ProbeListeners } from './probe-listeners.ts';
import type { ProbeRunsOptions } from './probe-runs.ts';
import type { ProbeLimits } from './probe-slots.ts';
import type { Plan, Run, Subscriber, Task } from './probe-task.ts';

export interface ProbeSchedulerOptions extends ProbeRunsOptions, ProbeListeners {
  readonly random: Random;
  readonly limits: ProbeLimits;
}

export interface SetOptions {
  /** Namespace of the backend. */
  readonly namespace: string;
  /** Of all new checks, or asked of each. */
  readonly fresh?: boolean | ((check: Check) => boolean);
  /** First runs of checks that are not fresh are spread over this time at most. Left out: over a period. */
  readonly withinMs?: number | undefined;
}

export interface SchedulerStats {
  /** Of all owners. */
  readonly checks: number;
  /** What they come to, equal ones counted once. */
  readonly probes: number;
  readonly running: number;
  /** Due, but without a slot. */
  readonly waiting: number;
}

/** Starts per turn of the event loop: sockets must be served in between, or a burst would time itself out. */
const BURST = 256;

/**
 * Runs every check once per period, each verdict to `onVerdict`. One heap, one timer, one small record per check.
 *
 * What must hold:
 * - checks with the same question, period and timeout are one probe, whatever backends they belong to, and each is
 *   told its verdicts; a check that joins one is told its last verdict at once (with a duration of 0);
 * - runs of one probe never overlap; the rhythm is that of `probe-timing.ts`, who may run that of `probe-slots.ts`;
 * - a verdict is told only to checks that still want it; a run that nobody wants any more is aborted;
 * - whatever a probe does (throws, never settles), its slot comes back and the loop goes on;
 * - after a standstill of the machine, new checks run first and the overdue ones within ten seconds: no storm.
 *
 * What cannot be helped: targets that answered and then go silent all at once hold a slot each until their timeout,
 * so `maxConcurrent` should exceed (targets per second that may do so) x (their timeout). Where it does not, backends
 * take turns.
 */
export class ProbeScheduler {
  readonly #options: ProbeSchedulerOptions;
  readonly #slots: ProbeSlots<Task>;
  readonly #roster: ProbeRoster;
  readonly #planned = new Heap<Task>();
  readonly #alarm: Alarm;
  readonly #runs: ProbeRuns;
  readonly #teller: VerdictTeller;
  #state: 'new' | 'started' | 'stopped' = 'new';
  /** Tasks that are being asked; a run whose task was dropped is in `#runs` alone until it ends. */
  #asked = 0;

  constructor(options: ProbeSchedulerOptions) {
    this.#options = options;
    this.#slots = new ProbeSlots(options.limits);
    this.#roster = new ProbeRoster((plan) => this.#create(plan));
    this.#alarm = new Alarm(options.clock, (now, stoodStill) => this.#onAlarm(now, stoodStill));
    this.#runs = new ProbeRuns(options, (run, verdict) => this.#end(run, verdict));
    this.#teller = new VerdictTeller(options);
  }

  /**
   * Says which checks the owner (a backend's uid) has from now on.
   * One whose question, period and timeout are unchanged keeps its rhythm and its run; one that asks the same at
   * other times keeps its rhythm as far as the new period allows; any other is new, and `fresh` says of it: true
   * (default): it is probed after its initial delay; false (it was published before this process began): within
   * one period.
   */
  set(owner: string, checks: readonly Check[], { namespace, fresh = true, withinMs }: SetOptions): void {
    if (this.#state === 'stopped') return;
    const isFresh = typeof fresh === 'function' ? fresh : () => fresh;
    const { added, dropped, joined } = this.#roster.set(owner, checks, { namespace, isFresh, withinMs });
    for (const task of dropped) this.#drop(task);
    for (const task of added) this.#planned.push(task);
    for (const subscriber of joined) this.#welcome(subscriber, isFresh(subscriber.check));
    this.#arm();
  }

  remove(owner: string): void {
    if (this.#state === 'stopped') return;
    for (const task of this.#roster.remove(owner)) this.#drop(task);
    this.#arm();
  }

  /** Checks may be set before; nothing runs until here. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#arm();
  }

  /** Aborts the runs and waits until they have ended (a second at most). No verdict is reported any more. For good. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#teller.stop();
    this.#alarm.cancel();
    await this.#runs.stop();
  }

  stats(): SchedulerStats {
    const { checks, tasks } = this.#roster;
    const waiting = tasks - this.#planned.size - this.#asked;
    return { checks, probes: tasks, running: this.#runs.size, waiting };
  }

  #create(plan: Plan): Task {
    const { clock, random } = this.#options;
    return newTask(plan, (ip, kind) => this.#slots.enter(ip, kind), clock.now(), random);
  }

  /** Gives a check that joined what is known already, or brings the first run forward to where its own would be. */
  #welcome(subscriber: Subscriber, fresh: boolean): void {
    const { task, check } = subscriber;
    if (task.slot < 0) return;
    const { last } = task;
    const firstAt = this.#options.clock.now() + check.timing.initialDelayMs;
    if (last !== undefined) {
      queueMicrotask(() => this.#teller.tell(task, last, 0, [subscriber]));
    } else if (fresh && task.at > firstAt) {
      task.at = task.phase = firstAt;
      this.#planned.push(task);
    }
  }

  #drop(task: Task): void {
    this.#planned.remove(task);
    this.#slots.leave(task);
    if (task.run === undefined) return;
    this.#asked -= 1;
    task.run.controller.abort();
    task.run = undefined;
  }

  /** Sees to it that the alarm goes for the earliest planned run; `at`: earlier than that. */
  #arm(at = this.#planned.peek()?.at ?? Infinity): void {
    if (this.#state === 'started') this.#alarm.set(at);
  }

  #onAlarm(now: number, stoodStill: boolean): void {
    for (;;) {
      const task = this.#planned.peek();
      if (task === undefined || task.at > now) break;
      if (stoodStill && !task.fresh) {
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

  /** Starts what may run now, a burst at most, and the rest after a breath. */
  #pump(): void {
    for (let started = 0; started < BURST; started++) if (!this.#startNext()) return;
    this.#alarm.soon();
  }

  #startNext(): boolean {
    const slot = this.#state === 'started' ? this.#slots.take() : undefined;
    if (slot === undefined) return false;
    this.#asked += 1;
    void this.#runs.ask(slot);
    return true;
  }

  /** Frees the slot, plans the next run, reports. One slot is free then, so one may start. */
  #end(run: Run, verdict: Verdict): void {
    const { task } = run;
    this.#slots.release(run.slot);
    if (this.#state === 'stopped') return;
    if (task.run === run) this.#conclude(task, run, verdict);
    this.#startNext();
  }

  #conclude(task: Task, run: Run, verdict: Verdict): void {
    const { clock, random } = this.#options;
    const { periodMs } = task.check.timing;
    const ran = { phase: task.phase, dueAt: task.dueAt, startedAt: run.startedAt, endedAt: clock.now() };
    const durationMs = ran.endedAt - ran.startedAt;
    this.#asked -= 1;
    task.run = undefined;
    task.last = verdict;
    const { class: kind, failures } = classAfter(task, verdict, durationMs);
    task.failures = failures;
    if (this.#slots.classify(task, kind)) this.#alarm.soon();
    this.#planAt(task, (task.fresh ? secondPhase : nextPhase)(ran, periodMs, random));
    task.fresh = false;
    this.#teller.ran(task.check, verdict, durationMs);
    this.#teller.tell(task, verdict, durationMs, task.subscribers);
  }

  #planAt(task: Task, phase: number): void {
    const { clock, random } = this.#options;
    task.phase = phase;
    task.at = jittered(phase, clock.now(), task.check.timing.periodMs, random);
    this.#planned.push(task);
    this.#arm(task.at);
  }
}
