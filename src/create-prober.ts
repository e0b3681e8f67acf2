import type { Config } from './config.ts';
import { LocalProber } from './engine/probing/local-prober.ts';
import type { Logger } from './util/log.ts';
import type { CreateProber } from './engine/probing/prober.ts';
import { RunTally } from './engine/probing/run-tally.ts';
import { WorkerPool } from './engine/workers/worker-pool.ts';
import { createProbes, type Probes } from './probe/probes.ts';
import type { Metrics } from './serve/metrics.ts';
import { systemClock as clock, systemRandom as random, systemThreadCpu } from './system-clock.ts';
import { createSpawnThread } from './worker/spawn-thread.ts';

export interface CreateProberInput {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Program of a probe thread. */
  readonly program?: URL | undefined;
}

/** Next to this module in the sources, and next to the single file of a build. */
const defaultProgram = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './prober.ts' : './prober.js', import.meta.url);

export interface Probing {
  /** Creates the prober, with threads of its own or without. */
  readonly createProber: CreateProber;
  /** Closes what the probes of the main thread keep open. */
  readonly close: () => void;
}

interface WithProbes extends CreateProberInput {
  /** Probes of the main thread: all probes without probe threads, else those that a probe thread cannot run. */
  readonly probes: Probes;
}

/** Creates the probes. The main thread has no other way to run one than the prober. */
export function createProbing(input: CreateProberInput): Probing {
  const probes = createProbes({ cpuNow: systemThreadCpu });
  const options = { ...input, probes };
  const createProber = input.config.probeWorkers === 0 ? localProber(options) : workerPool(options);
  return { createProber, close: () => probes.close() };
}

const limitsOf = ({ maxConcurrentProbes, maxProbesPerHost, maxProbesPerHostAndNamespace }: Config) => ({
  maxConcurrent: maxConcurrentProbes,
  maxPerHost: maxProbesPerHost,
  maxPerHostAndNamespace: maxProbesPerHostAndNamespace,
});

function localProber({ config, metrics, probes }: WithProbes): CreateProber {
  const tally = new RunTally();
  metrics.includeRuns([tally]);
  const { probe } = probes;
  return (listeners) =>
    new LocalProber({ ...listeners, clock, random, probe, limits: limitsOf(config), tally });
}

function workerPool({ config, metrics, logger, probes, program }: WithProbes): CreateProber {
  return (listeners) => {
    const pool = new WorkerPool({
      ...listeners,
      clock,
      spawn: createSpawnThread(program ?? defaultProgram()),
      workers: config.probeWorkers,
      limits: limitsOf(config),
      stallMs: config.probeWorkerStall,
      foreign: probes.probe,
      onRestart: (cause, prober, running, error) => {
        metrics.proberRestarted(cause);
        const fields = { prober, cause, running, ...(error !== undefined && { error }) };
        logger.warn('a probe thread ended and is replaced', fields);
      },
    });
    metrics.includeRuns(pool.tallies);
    metrics.sampleAtScrape({ pool });
    return pool;
  };
}
