import { createProbes } from './probe/probes.ts';
import { runProber } from './worker/run-prober.ts';

/** The program of a probe thread. It loads the probes, and nothing of the Kubernetes client. */
runProber((foreign, cpuNow) => createProbes({ icmp: { raw: foreign }, cpuNow }));
