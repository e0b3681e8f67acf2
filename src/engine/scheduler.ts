import { Heap } from './heap.ts';
import { ProbeRoster } from './probe-roster.ts';
import { ProbeSlots } from './probe-slots.ts';
import { newTask } from './probe-task.ts';
import { firstRun, jittered, nextPhase, secondPhase } from './probe-timing.ts';
import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Clock, Probe, Random, Timer } from './ports.ts';
import type { ProbeLimits } from './probe-slots.ts';
import type { Plan, Run, Subscriber, Task } from './probe-task.ts';

export interface ProbeSchedulerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly probe: Probe;
  readonly limits: ProbeLimits;
  /** Each verdict, for each check that still wants it: a run that several backends share is told to each. */
  readonly onVerdict: (owner: string, check: Check, verdict: Verdict, durationMs: number) => void;
  /** Each run, once: for metrics. */
  readonly onRun?: (check: Check, verdict: Verdict, durationMs: number) => void;
  /** How long after its planned instant a run began. */
  readonly onLateness?: (ms: number) => void;
  /** A probe that threw, or a listener that did: bugs, for the log. */
  readonly onFault?: (error: unknown, check: Check) => void;
}

export interface SetOptions {
  /** Of all new checks, or asked of each. */
  readonly fresh?: boolean | ((check: Check) => boolean);
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

/** A probe keeps its own deadline; one that has not settled this long after it is given up. */
const GRACE_MS = 1_000;
const SWEEP_MS = 1_000;

/**
 * The timer fires at most this often: waking the process costs more than a probe's own bookkeeping, and at 3,000
 * probes a second every millisecond has one that is due.
 */
const TICK_MS = 5;

/** Starts per turn of the event loop: sockets must be served in between, or a burst would time itself out. */
const BURST = 256;

/** A timer this late means that the machine stood still. */
const STANDSTILL_MS = 10_000;

const fault: Verdict = { kind: 'inconclusive', reason: 'ProberFault', message: 'the probe failed by itself' };
const overran: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the probe did not end in time',
};

/**
 * Runs every check once per period, each verdict to `onVerdict`. One heap, one timer, one small record per check.
 *
 * What must hold:
 * - checks with the same question, period and timeout are one probe, whatever backends they belong to, and each is
 *   told its verdicts; a check that joins one is told its last verdict at once (with a duration of 0);
 * - runs of one probe never overlap; the rhythm is that of `probe-timing.ts`, who may run that of `probe-slots.ts`;
 * - a verdict is told only to checks that still want it; a run that nobody wants any more is aborted;
 * - whatever a probe does (throws, never settles), its slot comes back and the loop goes on;
 * - after a standstill of the machine the overdue probes are spread over their period anew: no storm.
 *
 * What cannot be helped: targets that answered and then go silent all at once hold a slot each until their timeout,
 * so `maxConcurrent` should exceed (targets per second that may do so) x (their timeout).
 */
export class ProbeScheduler {
  readonly #options: ProbeSchedulerOptions;
  readonly #slots: ProbeSlots<Task>;
  readonly #roster: ProbeRoster;
  readonly #planned = new Heap<Task>();
  readonly #runs = new Set<Run>();
  #state: 'new' | 'started' | 'stopped' = 'new';
  /** Tasks that are being asked; a run whose task was dropped is in `#runs` alone until it ends. */
  #asked = 0;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #notBefore = 0;
  #sweeper: Timer | undefined;
  #idle: (() => void) | undefined;

  constructor(options: ProbeSchedulerOptions) {
    this.#options = options;
    this.#slots = new ProbeSlots(options.limits);
    this.#roster = new ProbeRoster((plan) => this.#create(plan));
  }

  /**
   * Says which checks the owner (a backend's uid) has from now on.
   * One whose question, period and timeout are unchanged keeps its rhythm and its run; one that asks the same at
   * other times keeps its rhythm as far as the new period allows; any other is new, and `fresh` says of it: true
   * (default): it is probed after its initial delay; false (it was published before this process began): within
   * one period.
   */
  set(owner: string, checks: readonly Check[], { fresh = true }: SetOptions = {}): void {
    if (this.#state === 'stopped') return;
    const isFresh = typeof fresh === 'function' ? fresh : () => fresh;
    const { added, dropped, joined } = this.#roster.set(owner, checks, isFresh);
    for (const task of dropped) this.#drop(task);
    for (const task of added) this.#planned.push(task);
    for (const subscriber of joined) this.#welcome(subscriber, isFresh(subscriber.check));
    this.#arm();
  }

  remove(owner: string): void {
    this.set(owner, []);
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
    this.#timer?.cancel();
    this.#sweeper?.cancel();
    for (const run of this.#runs) run.controller.abort();
    if (this.#runs.size === 0) return;
    await new Promise<void>((resolve) => {
      const deadline = this.#options.clock.after(GRACE_MS, resolve);
      this.#idle = () => {
        deadline.cancel();
        resolve();
      };
    });
  }

  stats(): SchedulerStats {
    const { checks, tasks } = this.#roster;
    const waiting = tasks - this.#planned.size - this.#asked;
    return { checks, probes: tasks, running: this.#runs.size, waiting };
  }

  #create(plan: Plan): Task {
    const { clock, random } = this.#options;
    return newTask(plan, this.#slots.enter(plan.check.ip), clock.now(), random);
  }

  /** Gives a check that joined what is known already, or brings the first run forward to where its own would be. */
  #welcome(subscriber: Subscriber, fresh: boolean): void {
    const { task, check } = subscriber;
    if (task.slot < 0) return;
    const { last } = task;
    const firstAt = this.#options.clock.now() + check.timing.initialDelayMs;
    if (last !== undefined) {
      queueMicrotask(() => this.#tell(task, last, 0, [subscriber]));
    } else if (fresh && task.at > firstAt) {
      task.at = task.phase = firstAt;
      this.#planned.push(task);
    }
  }

  #drop(task: Task): void {
    this.#planned.remove(task);
    this.#slots.leave(task.host);
    task.gone = true;
    if (task.run === undefined) return;
    this.#asked -= 1;
    task.run.controller.abort();
    task.run = undefined;
  }

  /** Sees to it that the timer fires for the earliest planned run; `at`: earlier than that. */
  #arm(at = this.#planned.peek()?.at ?? Infinity): void {
    const wanted = Math.max(at, this.#notBefore);
    if (this.#state !== 'started' || wanted >= this.#timerAt) return;
    const now = this.#options.clock.now();
    this.#timer?.cancel();
    this.#timerAt = Math.max(wanted, now);
    this.#timer = this.#options.clock.after(this.#timerAt - now, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    const now = this.#options.clock.now();
    const stoodStill = now - this.#timerAt > STANDSTILL_MS;
    this.#timerAt = Infinity;
    this.#timer = undefined;
    this.#notBefore = now + TICK_MS;
    for (;;) {
      const task = this.#planned.peek();
      if (task === undefined || task.at > now) break;
      if (stoodStill) {
        task.last = undefined;
        this.#planAt(task, firstRun(task.check.timing, false, now, this.#options.random));
      } else {
        this.#planned.remove(task);
        this.#slots.enqueue(task);
      }
    }
    this.#pump();
    this.#arm();
  };

  /** Starts what may run now, a burst at most, and the rest at the next tick. */
  #pump(): void {
    for (let started = 0; started < BURST; started++) if (!this.#startNext()) return;
    this.#arm(this.#options.clock.now());
  }

  #startNext(): boolean {
    const task = this.#state === 'started' ? this.#slots.take() : undefined;
    if (task !== undefined) void this.#ask(task);
    return task !== undefined;
  }

  /** One run. Never rejects. */
  async #ask(task: Task): Promise<void> {
    const { clock, probe } = this.#options;
    const run: Run = {
      task,
      controller: new AbortController(),
      startedAt: clock.now(),
      standing: task.standing,
    };
    task.run = run;
    this.#asked += 1;
    this.#runs.add(run);
    this.#sweeper ??= clock.after(SWEEP_MS, this.#onSweep);
    this.#options.onLateness?.(run.startedAt - task.at);
    let verdict = fault;
    try {
      verdict = await probe(task.check, run.controller.signal);
    } catch (error) {
      if (!run.controller.signal.aborted) this.#options.onFault?.(error, task.check);
    }
    this.#end(run, verdict);
  }

  /** Frees the slot, plans the next run, reports. Comes too late for a run that was given up. One slot is free then, so one may start. */
  #end(run: Run, verdict: Verdict): void {
    if (!this.#runs.delete(run)) return;
    const { task } = run;
    this.#slots.release(task.host, run.standing);
    if (this.#state === 'stopped') {
      if (this.#runs.size === 0) this.#idle?.();
      return;
    }
    if (task.run === run) this.#conclude(task, run, verdict);
    this.#startNext();
  }

  #conclude(task: Task, run: Run, verdict: Verdict): void {
    const { clock, random, onRun } = this.#options;
    const { periodMs } = task.check.timing;
    const ran = { phase: task.phase, startedAt: run.startedAt, endedAt: clock.now() };
    const durationMs = ran.endedAt - ran.startedAt;
    this.#asked -= 1;
    task.run = undefined;
    task.last = verdict;
    task.standing = verdict.kind === 'up' ? 'steady' : 'doubtful';
    this.#planAt(task, task.fresh ? secondPhase(ran, periodMs, random) : nextPhase(ran, periodMs));
    task.fresh = false;
    this.#guard(task.check, () => onRun?.(task.check, verdict, durationMs));
    this.#tell(task, verdict, durationMs, task.subscribers);
  }

  /** Tells those who still want to know, unless there is a later verdict or the scheduler has stopped. */
  #tell(task: Task, verdict: Verdict, durationMs: number, subscribers: readonly Subscriber[]): void {
    for (const subscriber of subscribers) {
      if (subscriber.gone || task.last !== verdict || this.#state === 'stopped') continue;
      const { owner, check } = subscriber;
      this.#guard(check, () => this.#options.onVerdict(owner, check, verdict, durationMs));
    }
  }

  #guard(check: Check, listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.onFault?.(error, check);
    }
  }

  #planAt(task: Task, phase: number): void {
    const { clock, random } = this.#options;
    task.phase = phase;
    task.at = jittered(phase, clock.now(), task.check.timing.periodMs, random);
    this.#planned.push(task);
    this.#arm(task.at);
  }

  readonly #onSweep = (): void => {
    this.#sweeper = undefined;
    const now = this.#options.clock.now();
    for (const run of this.#runs) {
      if (now - run.startedAt < run.task.check.timing.timeoutMs + GRACE_MS) continue;
      run.controller.abort();
      this.#end(run, overran);
    }
    if (this.#runs.size > 0) this.#sweeper ??= this.#options.clock.after(SWEEP_MS, this.#onSweep);
  };
}
