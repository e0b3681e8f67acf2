import { createProbes } from './probe/probes.ts';
import { runProber } from './worker/run-prober.ts';

/** The program of a thread that probes. It loads what probes need, and nothing of the Kubernetes part. */
runProber((foreign, cpuNow) => createProbes({ icmp: { raw: foreign }, cpuNow }));
