import type { Clock, Timer } from '../../util/clock.ts';
import { ThreadChannel } from './thread-channel.ts';
import type { ProberReport, SendCommand } from './prober-messages.ts';
import type { ProbeLimits } from '../probing/concurrency.ts';
import { RunBoard } from './run-board.ts';
import { RunTally } from '../probing/run-tally.ts';

/** Causes for which a probe thread is replaced by a new one. */
export const threadEnds = ['Stalled', 'OutOfMemory', 'Failed'] as const;
export type ThreadEnd = (typeof threadEnds)[number];

/** Memory that a probe thread shares with the main thread. */
export interface ThreadMemory {
  readonly tally: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
}

/** A thread that runs a ProberHost. */
export interface SpawnedThread {
  readonly send: SendCommand;
  /** Resolves when the thread has ended. That may take as long as native code in it cannot be interrupted. */
  terminate(): Promise<void>;
}

export interface SpawnOptions {
  readonly name: string;
  readonly memory: ThreadMemory;
  readonly limits: ProbeLimits;
  readonly onReport: (report: ProberReport) => void;
  /** Called once, when the thread ends without `terminate`. */
  readonly onEnd: (cause: ThreadEnd, error: unknown) => void;
}

export type SpawnThread = (options: SpawnOptions) => SpawnedThread;

export interface ProberThreadOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly spawn: SpawnThread;
  readonly limits: ProbeLimits;
  /** A thread whose event loop makes no turn for this time is replaced. */
  readonly stallMs: number;
  readonly onReport: (thread: ProberThread, report: ProberReport) => void;
  /** Called when the thread has ended, with the checks whose runs are lost. A new thread follows. */
  readonly onLost: (
    thread: ProberThread,
    cause: ThreadEnd,
    running: readonly number[],
    error: unknown,
  ) => void;
  /** Called when a thread was started. It has no checks yet. */
  readonly onSpawned: (thread: ProberThread, isFirst: boolean) => void;
}

/** A thread must load its modules before it answers. An overloaded machine needs seconds for that. */
const START_MS = 30_000;
/**
 * A thread that ends sooner after its start than `SOON_MS` is replaced at once for `SOON_ENDS` times in a
 * row: a few checks that are about to be quarantined must not delay the others. After that there is a pause,
 * which doubles each time.
 */
const SOON_MS = 10_000;
const SOON_ENDS = 6;
const PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;
const STOP_MS = 1_500;

/** Verdict of a run whose thread has ended. */
export const lostRun = { kind: 'inconclusive', reason: 'ProberFault' } as const;

interface Current {
  readonly thread: SpawnedThread;
  readonly board: RunBoard;
  readonly startedAt: number;
  beats: number;
  /** Time when a change of its pulse was last seen, monotonic. */
  seenAt: number;
}

/**
 * Supervises one probe thread: starts it, watches its pulse, and replaces it when it ends or does not
 * answer. The channel and the counts remain; the checks are sent again (`onSpawned`).
 */
export class ProberThread {
  readonly name: string;
  readonly channel = new ThreadChannel((command) => this.#current?.thread.send(command));
  readonly tally: RunTally;
  readonly #memory = new SharedArrayBuffer(RunTally.bytes);
  readonly #options: ProberThreadOptions;
  #current: Current | undefined;
  #timer: Timer | undefined;
  #isFirst = true;
  #soonEnds = 0;
  #onStopped: (() => void) | undefined;
  #isStopping = false;

  constructor(options: ProberThreadOptions) {
    this.#options = options;
    this.name = options.name;
    this.tally = new RunTally(this.#memory);
  }

  get isRunning(): boolean {
    return this.#current !== undefined;
  }

  /** Returns the longest delay of its event loop since it was taken last, in milliseconds. */
  takeDelay(): number {
    return this.#current?.board.takeDelay() ?? 0;
  }

  start(): void {
    if (this.#current !== undefined) return;
    this.#isStopping = false;
    const { name, clock, spawn, limits, onSpawned } = this.#options;
    const memory = new SharedArrayBuffer(RunBoard.bytesFor(limits.maxConcurrent));
    const thread = spawn({
      ...{ name, limits, memory: { tally: this.#memory, board: memory } },
      onReport: (report) => this.#receive(thread, report),
      onEnd: (cause, error) => this.#lose(thread, cause, error),
    });
    const now = clock.now();
    this.#current = { thread, board: new RunBoard(memory), startedAt: now, beats: 0, seenAt: now };
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    onSpawned(this, isFirst);
    thread.send({ op: 'start' });
  }

  /** Checks the pulse. */
  watch(now: number): void {
    const current = this.#current;
    if (current === undefined) return;
    const { beats } = current.board;
    if (beats !== current.beats) Object.assign(current, { beats, seenAt: now });
    else if (now - current.seenAt >= (beats === 0 ? START_MS : this.#options.stallMs))
      this.#lose(current.thread, 'Stalled', undefined);
  }

  /** Ignores the time until now, because the main thread did not run either. */
  excuse(now: number): void {
    if (this.#current !== undefined) this.#current.seenAt = now;
  }

  /** Waits for the runs, then ends the thread. A later `start` starts a new one. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    const thread = this.#current?.thread;
    if (thread === undefined) return;
    await new Promise<void>((resolve) => {
      const deadline = this.#options.clock.after(STOP_MS, resolve);
      this.#onStopped = () => {
        deadline.cancel();
        resolve();
      };
      thread.send({ op: 'stop' });
    });
    this.#current = undefined;
    await thread.terminate();
  }

  #receive(thread: SpawnedThread, report: ProberReport): void {
    if (this.#current?.thread !== thread) return;
    if (report.op === 'stopped') this.#onStopped?.();
    else this.#options.onReport(this, report);
  }

  #lose(thread: SpawnedThread, cause: ThreadEnd, error: unknown): void {
    const current = this.#current;
    if (current?.thread !== thread) return;
    this.#current = undefined;
    this.#onStopped?.();
    void thread.terminate().catch(() => undefined);
    if (!this.#isStopping) this.#replace(current, cause, error);
  }

  #replace(current: Current, cause: ThreadEnd, error: unknown): void {
    const running = current.board.running();
    const { clock, onLost } = this.#options;
    this.#soonEnds = clock.now() - current.startedAt < SOON_MS ? this.#soonEnds + 1 : 0;
    const paused = this.#soonEnds - SOON_ENDS;
    const pauseMs = paused <= 0 ? 0 : Math.min(PAUSE_MS * 2 ** (paused - 1), MAX_PAUSE_MS);
    this.#timer = clock.after(pauseMs, () => this.start());
    onLost(this, cause, running, error);
  }
}
