import type { Check } from '../../../src/core/probing/check.ts';
import { ProberHost } from '../../../src/engine/workers/prober-host.ts';
import type { ProbeFn } from '../../../src/engine/ports.ts';
import type { Clock } from '../../../src/util/clock.ts';
import type { ProberCommand, ProberReport } from '../../../src/engine/workers/prober-messages.ts';
import type { SpawnOptions, SpawnThread, ThreadEnd } from '../../../src/engine/workers/prober-thread.ts';
import { RunBoard } from '../../../src/engine/workers/run-board.ts';
import { RunTally } from '../../../src/engine/probing/run-tally.ts';

/** State of a thread: it works, or its event loop is blocked. */
export interface FakeThread {
  readonly name: string;
  readonly host: ProberHost;
  isStalled: boolean;
  isTerminated: boolean;
  /** It ends by itself. */
  end(cause: ThreadEnd): void;
}

export interface FakeThreadsInput {
  readonly clock: Clock;
  readonly probe: ProbeFn;
  readonly isForeign?: (check: Check) => boolean;
  /** Messages wait until `deliver…`; default: they arrive at once. */
  readonly isManual?: boolean;
}

const never = new Promise<never>(() => undefined);

const clockOf = (clock: Clock): Pick<Clock, 'now' | 'wall'> => ({
  now: () => clock.now(),
  wall: () => clock.wall(),
});

/** Fake threads: hosts in this thread, connected by queues. Messages are copied as between threads. */
export class FakeThreads {
  readonly threads: FakeThread[] = [];
  readonly commands: [FakeThread, ProberCommand][] = [];
  readonly reports: [SpawnOptions, ProberReport][] = [];
  readonly #input: FakeThreadsInput;

  constructor(input: FakeThreadsInput) {
    this.#input = input;
  }

  readonly spawn: SpawnThread = (options) => {
    const { clock, probe, isForeign = () => false, isManual = false } = this.#input;
    const board = new RunBoard(options.memory.board);
    const host = new ProberHost({
      ...{ random: () => 0.5, limits: options.limits, board },
      clock: { ...clockOf(clock), after: (ms, run) => clock.after(ms, () => (runs() ? run() : undefined)) },
      tally: new RunTally(options.memory.tally),
      createProbe: (foreign) => (check, signal) => {
        if (isForeign(check)) return foreign(check, signal);
        return runs() ? probe(check, signal).then((verdict) => (runs() ? verdict : never)) : never;
      },
      onStopped: () => send({ op: 'stopped' }),
      send: (report) => send(report),
    });
    const runs = (): boolean => !thread.isStalled && !thread.isTerminated;
    const send = (report: ProberReport): void => {
      if (!runs()) return;
      this.reports.push([options, structuredClone(report)]);
      if (!isManual) while (this.deliverReport());
    };
    const thread: FakeThread = {
      name: options.name,
      host,
      isStalled: false,
      isTerminated: false,
      end: (cause) => {
        thread.isTerminated = true;
        options.onEnd(cause, undefined);
      },
    };
    this.threads.push(thread);
    const beat = (): void => {
      if (thread.isTerminated) return;
      if (!thread.isStalled) board.beat(0);
      clock.after(250, beat);
    };
    beat();
    return {
      send: (command) => {
        this.commands.push([thread, structuredClone(command)]);
        if (!isManual) while (this.deliverCommand());
      },
      terminate: () => {
        thread.isTerminated = true;
        return Promise.resolve();
      },
    };
  };

  /** The oldest command arrives. Returns false where there is none. */
  deliverCommand(): boolean {
    const [thread, command] = this.commands.shift() ?? [];
    if (thread === undefined || command === undefined) return false;
    if (!thread.isStalled && !thread.isTerminated) thread.host.receive(command);
    return true;
  }

  deliverReport(): boolean {
    const [options, report] = this.reports.shift() ?? [];
    if (options === undefined || report === undefined) return false;
    options.onReport(report);
    return true;
  }
}
