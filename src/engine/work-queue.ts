import { OperatorError, type ErrorKind } from '../core/errors.ts';
import { backoffMs, defaultBackoff, slowBackoffMs } from './backoff.ts';
import { DueKeys } from './due-keys.ts';
import { errorOf, nextMs } from './outcome.ts';
import type { Backoff } from './backoff.ts';
import type { QueuedKey } from './due-keys.ts';
import type { Outcome } from './outcome.ts';
import type { Clock, Random, Timer } from './ports.ts';

/**
 * For so long keys are started one after another. Runs that find nothing to do wait for nothing, so that ten thousand of
 * them (a start) would else be one turn of the event loop, of seconds: no probe would begin, and no Lease be renewed.
 */
const TURN_MS = 10;

/** May throw what it would return. */
export type Handler = (key: string) => Promise<Outcome>;

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly handler: Handler;
  /** Runs at a time, over all keys; of one namespace eight ninths at most (`DueKeys`). */
  readonly concurrency: number;
  readonly backoff?: Backoff;
  /**
   * For metrics and the log, once per run. `queuedMs`: from the moment the key was due to the start of the run.
   * `retryInMs`: what the outcome was turned into; undefined: nothing until the key is added. What it throws is dropped.
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
  /** When the key was wished for during its run; Infinity: it was not. */
  again: number;
  /** Transient or terminal failures in a row, all of one kind. */
  failures: number;
  failedAs?: ErrorKind | undefined;
  /** When the last failure that counts is tried again, whatever is added before. */
  retryAt: number;
}

/**
 * A queue of keys, each of which asks that something be looked at again.
 *
 * A key is idle, due at an instant `t`, or running (and then perhaps wished for again at `t`):
 *
 * | event            | idle      | due at t                 | running           | running, again at t       |
 * |------------------|-----------|--------------------------|-------------------|---------------------------|
 * | add(key, d)      | due now+d | due min(t, now+d)        | again at now+d    | again at min(t, now+d)    |
 * | t is here, room  | -         | running                  | -                 | - (never twice at a time) |
 * | the run comes to | -         | -                        | next, or idle     | due min(t, next)          |
 *
 * where `next` is what `nextMs` makes of the outcome; any throw but an OperatorError is transient, of reason `Bug`. Failures
 * of one kind, transient or terminal, count toward its backoff; any other outcome ends their row.
 *
 * So: any number of adds before a run is one run, at the earliest of their instants, and it consumes them all; an
 * add during a run is never lost; an add does not wait for a backoff (something changed: look now), but does not
 * reset it either, and a terminal failure that comes before the retry was due does not count. Due keys start in the
 * microtask after the add when there is room. Namespaces take turns; the keys of one start in the order in which they
 * became due (`DueKeys`). While there are always more of them, the event loop has a turn every 10 ms. One timer is
 * armed, for the earliest key that is not due.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #keys: DueKeys<Entry>;
  #state: 'new' | 'started' | 'stopped' = 'new';
  #pumping = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  /** Since when there has always been a key to start. */
  #busySince: number | undefined;
  #breathing = false;
  #drained: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#keys = new DueKeys(options.concurrency);
  }

  /** Keys may be added before; they are held until here. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#wake();
  }

  /** Asks for a run of the key (`namespace/name`) in `delayMs` at the latest. Does nothing once stopped. */
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
        again: Infinity,
        failures: 0,
        retryAt: 0,
      };
      this.#entries.set(key, entry);
    }
    this.#wish(entry, this.#options.clock.now() + Math.max(0, delayMs));
  }

  /** `due`: keys that wait for room; `queued`: all that wait, those of a later instant included. */
  stats(): { readonly due: number; readonly queued: number; readonly running: number } {
    const due = this.#keys.countDue(this.#options.clock.now());
    return { due, queued: this.#keys.size, running: this.#keys.running };
  }

  /** Starts nothing more; resolves when the runs in flight have ended, after `deadlineMs` at the latest. For good. */
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

  #wish(entry: Entry, at: number): void {
    if (entry.running) entry.again = Math.min(entry.again, at);
    else if (this.#keys.plan(entry, at)) this.#wake();
  }

  /** Looks at the keys in the next microtask, so that what is added together is started together. */
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
        this.#breathe(now);
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

  #breathe(now: number): void {
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

  /** Never rejects. */
  async #run(entry: Entry, startedAt: number): Promise<void> {
    const queuedMs = startedAt - entry.at;
    entry.running = true;
    const outcome = await this.#handle(entry.key);
    entry.running = false;
    this.#keys.release(entry);
    const now = this.#options.clock.now();
    const retryInMs = this.#settle(entry, outcome, startedAt);
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

  #settle(entry: Entry, outcome: Outcome, startedAt: number): number | undefined {
    const now = this.#options.clock.now();
    const isEarly = count(entry, outcome, startedAt);
    const { backoff = defaultBackoff, random } = this.#options;
    const retryInMs = nextMs(outcome, {
      backoffMs: () => backoffMs(backoff, entry.failures, random),
      slowMs: () => slowBackoffMs(entry.failures, random),
    });
    if (!isEarly) entry.retryAt = now + (retryInMs ?? 0);
    const at = Math.min(entry.again, now + (retryInMs ?? Infinity));
    entry.again = Infinity;
    if (at < Infinity && this.#state !== 'stopped') this.#wish(entry, at);
    else this.#entries.delete(entry.key);
    return retryInMs;
  }

  #report(...args: Parameters<NonNullable<WorkQueueOptions['onOutcome']>>): void {
    try {
      this.#options.onOutcome?.(...args);
    } catch {
      // A reporter's fault must not take the loop down.
    }
  }
}

const namespaceOf = (key: string): string => key.split('/')[0] ?? '';

/**
 * Counts the failures in a row of one kind. Returns whether this one does not count: a terminal one of a run that was added
 * before the last one was due again.
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
