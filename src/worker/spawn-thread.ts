import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { ProberCommand, ProberReport } from '../engine/workers/prober-messages.ts';
import type { SpawnedThread, SpawnOptions, SpawnThread, ThreadEnd } from '../engine/workers/prober-thread.ts';
import type { ThreadData } from './run-prober.ts';

/** A thread may use one PART-th of the heap limit of the process, and at least LEAST_MB. */
const PART = 2;
const LEAST_MB = 64;

/** Returns a function that starts the program, which calls `runProber`, in a worker thread. */
export function createSpawnThread(program: URL, heapMb = defaultHeapMb()): SpawnThread {
  return (options) => new WorkerThread(program, options, heapMb);
}

function defaultHeapMb(): number {
  const { heap_size_limit: limit } = getHeapStatistics();
  return Math.max(LEAST_MB, Math.floor(limit / PART / 2 ** 20));
}

class WorkerThread implements SpawnedThread {
  readonly #worker: Worker;
  #commands: ProberCommand[] = [];

  constructor(program: URL, options: SpawnOptions, maxOldGenerationSizeMb: number) {
    const { name, memory, limits, onReport, onEnd } = options;
    const workerData: ThreadData = { memory, limits };
    const resourceLimits = { maxOldGenerationSizeMb };
    this.#worker = new Worker(program, { name: `prober-${name}`, workerData, resourceLimits });
    this.#worker.on('message', (reports: readonly ProberReport[]) => {
      for (const report of reports) onReport(report);
    });
    this.#worker.on('error', (error) => onEnd(causeOf(error), error));
    this.#worker.on('exit', () => onEnd('Failed', undefined));
  }

  readonly send = (command: ProberCommand): void => {
    this.#commands.push(command);
    if (this.#commands.length === 1) setImmediate(() => this.#flush());
  };

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #flush(): void {
    const commands = this.#commands;
    this.#commands = [];
    this.#worker.postMessage(commands);
  }
}

const causeOf = (error: unknown): ThreadEnd =>
  // Not `instanceof`, because it may be an Error of another realm.
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? 'OutOfMemory'
    : 'Failed';
