import { OperatorError, type ErrorKind } from '../../core/errors.ts';
import { backoffMs, defaultBackoff, slowBackoffMs } from './backoff.ts';
import { DueKeys } from './due-keys.ts';
import { errorOf, requeueDelayMs } from './outcome.ts';
import type { Backoff } from './backoff.ts';
import type { QueuedKey } from './due-keys.ts';
import type { Outcome } from './outcome.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';

/**
 * Time for which keys are started one after another. Runs without work do not wait for anything, so ten
 * thousand of them (at a start) would otherwise be one turn of the event loop, of seconds. No probe would
 * start, and no Lease would be renewed.
 */
const TURN_MS = 10;

/** Runs a key. It may throw an OperatorError instead of returning it. */
export type ReconcileFn = (key: string) => Promise<Outcome>;

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly handler: ReconcileFn;
  /** Most concurrent runs of all keys; of one namespace eight ninths at most (`DueKeys`). */
  readonly concurrency: number;
  readonly backoff?: Backoff;
  /**
   * Called once per run, for metrics and the log. `queuedMs`: time from the instant when the key was due to
   * the start of the run. `retryInMs`: time until the next run; undefined: none until the key is added. Its
   * errors are dropped.
   */
  readonly onOutcome?: (
    key: string,
    outcome: Outcome,
    durationMs: number,
    queuedMs: number,
    retryInMs: number | undefined,
  ) => void;
}

interface Entry extends QueuedKey {
  running: boolean;
  /** Instant for which the key was added during its run; Infinity: it was not. */
  dirtyAt: number;
  /** Number of transient or terminal failures in a row, all of one kind. */
  failures: number;
  failedAs?: ErrorKind | undefined;
  /** Instant of the retry after the last failure that counts, whatever is added before. */
  retryAt: number;
}

/**
 * Queue of keys whose handler must run.
 *
 * A key is idle, due at an instant `t`, or running (and then possibly due again at `t`):
 *
 * | event            | idle      | due at t                 | running           | running, again at t       |
 * |------------------|-----------|--------------------------|-------------------|---------------------------|
 * | add(key, d)      | due now+d | due min(t, now+d)        | again at now+d    | again at min(t, now+d)    |
 * | t has come, room | -         | running                  | -                 | - (never twice at a time) |
 * | the run ends     | -         | -                        | next, or idle     | due min(t, next)          |
 *
 * `next` is the result of `nextMs` for the outcome. An error that is not an OperatorError is transient, with
 * reason `Bug`. Failures of one kind, transient or terminal, count toward its backoff; any other outcome ends
 * their row.
 *
 * What follows:
 * - Any number of adds before a run is one run, at the earliest of their instants.
 * - An add during a run is never lost.
 * - An add does not wait for a backoff, because something has changed, and does not reset it.
 * - A terminal failure before the retry was due does not count.
 * - Due keys start in the microtask after the add when there is room. Namespaces take turns, and the keys of
 *   one namespace start in the order in which they became due (`DueKeys`).
 * - While there are always more due keys, the event loop has a turn every 10 ms.
 * - One timer is armed, for the earliest key that is not due.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #keys: DueKeys<Entry>;
  #state: 'new' | 'started' | 'stopped' = 'new';
  #pumping = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  /** Instant since which there has always been a key to start. */
  #busySince: number | undefined;
  #breathing = false;
  #drained: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#keys = new DueKeys(options.concurrency);
  }

  /** Starts the runs. Keys may be added before. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#wake();
  }

  /** Adds a run of the key (`namespace/name`) in `delayMs` at the latest. Does nothing once stopped. */
  add(key: string, delayMs = 0): void {
    if (this.#state === 'stopped' || delayMs === Infinity) return;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = {
        key,
        namespace: namespaceOf(key),
        at: Infinity,
        order: 0,
        slot: -1,
        isDue: false,
        running: false,
        dirtyAt: Infinity,
        failures: 0,
        retryAt: 0,
      };
      this.#entries.set(key, entry);
    }
    this.#schedule(entry, this.#options.clock.now() + Math.max(0, delayMs));
  }

  /**
   * Returns the numbers of keys. `due`: they wait for room; `queued`: all that wait, those of a later instant
   * included.
   */
  stats(): { readonly due: number; readonly queued: number; readonly running: number } {
    const due = this.#keys.countDue(this.#options.clock.now());
    return { due, queued: this.#keys.size, running: this.#keys.running };
  }

  /**
   * Starts no more runs. Resolves when the runs in flight have ended, after `deadlineMs` at the latest. It
   * cannot be started again.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    if (this.#keys.running === 0) return;
    await new Promise<void>((resolve) => {
      const deadline = this.#options.clock.after(deadlineMs, resolve);
      this.#drained = () => {
        deadline.cancel();
        resolve();
      };
    });
  }

  #schedule(entry: Entry, at: number): void {
    if (entry.running) entry.dirtyAt = Math.min(entry.dirtyAt, at);
    else if (this.#keys.plan(entry, at)) this.#wake();
  }

  /** Starts due keys in the next microtask, so that keys that are added together start together. */
  #wake(): void {
    if (this.#pumping || this.#state !== 'started') return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#state !== 'started' || this.#breathing) return;
    let now = this.#options.clock.now();
    while (this.#keys.hasNext(now)) {
      this.#busySince ??= now;
      if (now - this.#busySince >= TURN_MS) {
        this.#yield(now);
        return;
      }
      this.#startNext(now);
      now = this.#options.clock.now();
    }
    if (this.#keys.countDue(now) === 0) this.#busySince = undefined;
    this.#arm(this.#keys.nextAt, now);
  }

  #startNext(now: number): void {
    const entry = this.#keys.take(now);
    if (entry !== undefined) void this.#run(entry, now);
  }

  #yield(now: number): void {
    this.#busySince = undefined;
    this.#breathing = true;
    this.#arm(now, now);
  }

  #arm(at: number, now: number): void {
    if (at === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer =
      at === Infinity ? undefined : this.#options.clock.after(Math.max(0, at - now), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Infinity;
    this.#timer = undefined;
    this.#breathing = false;
    this.#pump();
  };

  /** Performs a run. Never rejects. */
  async #run(entry: Entry, startedAt: number): Promise<void> {
    const queuedMs = startedAt - entry.at;
    entry.running = true;
    const outcome = await this.#handle(entry.key);
    entry.running = false;
    this.#keys.release(entry);
    const now = this.#options.clock.now();
    const retryInMs = this.#done(entry, outcome, startedAt);
    this.#report(entry.key, outcome, now - startedAt, queuedMs, retryInMs);
    if (this.#state === 'stopped' && this.#keys.running === 0) this.#drained?.();
    this.#wake();
  }

  async #handle(key: string): Promise<Outcome> {
    try {
      return await this.#options.handler(key);
    } catch (cause) {
      if (cause instanceof OperatorError) return cause;
      const text = cause instanceof Error ? cause.message : String(cause);
      return new OperatorError(`unexpected error: ${text}`, { kind: 'transient', reason: 'Bug', cause });
    }
  }

  #done(entry: Entry, outcome: Outcome, startedAt: number): number | undefined {
    const now = this.#options.clock.now();
    const isEarly = count(entry, outcome, startedAt);
    const { backoff = defaultBackoff, random } = this.#options;
    const retryInMs = requeueDelayMs(outcome, {
      backoffMs: () => backoffMs(backoff, entry.failures, random),
      slowMs: () => slowBackoffMs(entry.failures, random),
    });
    if (!isEarly) entry.retryAt = now + (retryInMs ?? 0);
    const at = Math.min(entry.dirtyAt, now + (retryInMs ?? Infinity));
    entry.dirtyAt = Infinity;
    if (at < Infinity && this.#state !== 'stopped') this.#schedule(entry, at);
    else this.#entries.delete(entry.key);
    return retryInMs;
  }

  #report(...args: Parameters<NonNullable<WorkQueueOptions['onOutcome']>>): void {
    try {
      this.#options.onOutcome?.(...args);
    } catch {
      // An error of the listener must not stop the queue.
    }
  }
}

const namespaceOf = (key: string): string => key.split('/')[0] ?? '';

/**
 * Counts the failures in a row of one kind. Returns whether this one does not count: a terminal one of a run
 * that was added before the last one was due again.
 */
function count(entry: Entry, outcome: Outcome, startedAt: number): boolean {
  const kind = errorOf(outcome)?.kind;
  const goesOn = kind === entry.failedAs;
  const isEarly = goesOn && kind === 'terminal' && startedAt < entry.retryAt;
  entry.failedAs = kind;
  if (kind === undefined || kind === 'waiting') entry.failures = 0;
  else if (!isEarly) entry.failures = goesOn ? entry.failures + 1 : 1;
  return isEarly;
}
