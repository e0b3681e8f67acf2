import { parentPort, workerData } from 'node:worker_threads';
import type { ProberCommand, ProberReport } from '../engine/workers/prober-messages.ts';
import { ProberHost } from '../engine/workers/prober-host.ts';
import type { ProbeFn } from '../engine/ports.ts';
import type { ThreadMemory } from '../engine/workers/prober-thread.ts';
import type { ProbeLimits } from '../engine/probing/concurrency.ts';
import { RunBoard } from '../engine/workers/run-board.ts';
import { RunTally } from '../engine/probing/run-tally.ts';
import type { Probes } from '../probe/probes.ts';
import { systemClock as clock, systemRandom as random, systemThreadCpu } from '../system-clock.ts';

/** Data that a probe thread is started with. */
export interface ThreadData {
  readonly memory: ThreadMemory;
  readonly limits: ProbeLimits;
}

const BEAT_MS = 250;

/**
 * Runs a ProberHost in this thread, for the main thread that started it.
 *
 * @param createProbes receives the probe that the main thread runs, and the CPU clock of this thread
 */
export function runProber(createProbes: (foreign: ProbeFn, cpuNow: () => number) => Probes): void {
  if (parentPort === null)
    throw new Error('this program runs only in a worker thread: start the operator instead');
  const port = parentPort;
  const { memory, limits } = workerData as ThreadData;
  const board = new RunBoard(memory.board);
  let reports: ProberReport[] = [];
  const flush = (): void => {
    const sent = reports;
    reports = [];
    port.postMessage(sent);
  };
  const send = (report: ProberReport): void => {
    reports.push(report);
    if (reports.length === 1) setImmediate(flush);
  };
  let probes: Probes | undefined;
  const host = new ProberHost({
    ...{ clock, random, limits, board, send },
    tally: new RunTally(memory.tally),
    createProbe: (foreign) => (probes = createProbes(foreign, systemThreadCpu)).probe,
    onStopped: () => {
      probes?.close();
      send({ op: 'stopped' });
    },
  });
  port.on('message', (commands: readonly ProberCommand[]) => {
    for (const command of commands) host.receive(command);
  });
  beat(board);
}

/** Reports to the board that the event loop turns, and how late it is. */
function beat(board: RunBoard): void {
  let dueAt = clock.now() + BEAT_MS;
  board.beat(0);
  setInterval(() => {
    const now = clock.now();
    board.beat(Math.max(0, now - dueAt));
    dueAt = now + BEAT_MS;
  }, BEAT_MS);
}
