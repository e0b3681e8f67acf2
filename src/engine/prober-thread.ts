import type { Clock, Timer } from './ports.ts';
import { ProberLane } from './prober-lane.ts';
import type { ProberReport, SendCommand } from './prober-messages.ts';
import type { ProbeLimits } from './probe-slots.ts';
import { RunBoard } from './run-board.ts';
import { RunTally } from './run-tally.ts';

/** Causes for which a thread that probes is replaced by a new one. */
export const threadEnds = ['Stalled', 'OutOfMemory', 'Failed'] as const;
export type ThreadEnd = (typeof threadEnds)[number];

/** Memory that a thread shares with the one that leads. */
export interface ThreadMemory {
  readonly tally: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
}

/** A thread that runs a ProberHost. */
export interface SpawnedThread {
  readonly send: SendCommand;
  /** Resolves when it is gone. It may take as long as what runs in it cannot be interrupted. */
  terminate(): Promise<void>;
}

export interface SpawnOptions {
  readonly name: string;
  readonly memory: ThreadMemory;
  readonly limits: ProbeLimits;
  readonly onReport: (report: ProberReport) => void;
  /** Called once, when it ends by itself. */
  readonly onEnd: (cause: ThreadEnd, error: unknown) => void;
}

export type SpawnThread = (options: SpawnOptions) => SpawnedThread;

export interface ProberThreadOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly spawn: SpawnThread;
  readonly limits: ProbeLimits;
  /** A thread whose event loop does not turn for this time is replaced. */
  readonly stallMs: number;
  readonly onReport: (thread: ProberThread, report: ProberReport) => void;
  /** The thread is gone, with the runs of these checks. A new one follows. */
  readonly onLost: (
    thread: ProberThread,
    cause: ThreadEnd,
    running: readonly number[],
    error: unknown,
  ) => void;
  /** A thread is there, and has no checks yet. */
  readonly onSpawned: (thread: ProberThread, isFirst: boolean) => void;
}

/** A thread must load its modules before it answers; a machine that is overloaded takes seconds for it. */
const START_MS = 30_000;
/**
 * Of threads that end sooner after their start than this, so many in a row are replaced at once: a few checks that are about
 * to be quarantined must not keep the others waiting. From then on there is a pause, which doubles each time.
 */
const SOON_MS = 10_000;
const SOON_ENDS = 6;
const PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;
const STOP_MS = 1_500;

/** What becomes of a run whose thread is gone. */
export const lostRun = { kind: 'inconclusive', reason: 'ProberFault' } as const;

interface Current {
  readonly thread: SpawnedThread;
  readonly board: RunBoard;
  readonly startedAt: number;
  beats: number;
  /** When its pulse was last seen to have changed, monotonic. */
  seenAt: number;
}

/**
 * One place for a thread that probes: starts it, watches its pulse, and replaces it when it ends or does not answer. The
 * lane and what was counted remain; the checks are sent again (`onSpawned`).
 */
export class ProberThread {
  readonly name: string;
  readonly lane = new ProberLane((command) => this.#current?.thread.send(command));
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

  /** Looks at the pulse. */
  watch(now: number): void {
    const current = this.#current;
    if (current === undefined) return;
    const { beats } = current.board;
    if (beats !== current.beats) Object.assign(current, { beats, seenAt: now });
    else if (now - current.seenAt >= (beats === 0 ? START_MS : this.#options.stallMs))
      this.#lose(current.thread, 'Stalled', undefined);
  }

  /** The time until now does not count: the thread that watches did not run either. */
  excuse(now: number): void {
    if (this.#current !== undefined) this.#current.seenAt = now;
  }

  /** Lets the runs end, and ends the thread. A later `start` begins again. */
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
