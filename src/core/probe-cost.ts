import { nextFactor } from './stretch.ts';

/** CPU time that a run may take of the thread that probes, in milliseconds. A handshake of TLS with usual certificates takes 1 to 2. */
export const mostCpuMs = 20;

/** A run that takes less is counted as 0, in milliseconds: to report it would cost more than it does. */
export const notableCpuMs = 5;

/** Runs by which a check is judged: the latest ones, and the fewest. */
const WINDOW = 5;
const FEWEST = 3;

const MAX_FACTOR = 10;
const MAX_PERIOD_MS = 600_000;

/** Cost of a check whose period is stretched. */
export interface ProbeCost {
  /** CPU time of a usual run, in milliseconds. */
  readonly cpuMs: number;
  /** Factor by which its period is longer; 1: it is as the spec has it. */
  readonly factor: number;
}

/** CPU times of the latest runs of a check, in milliseconds. */
export const withRun = (recent: readonly number[], cpuMs: number): readonly number[] =>
  [...recent, cpuMs].slice(-WINDOW);

/**
 * CPU time of a usual run, in milliseconds; undefined until there are three runs. It is the mean of the last five without
 * the longest one. So a garbage collection, which makes a random run longer, makes no check costly. A server that sends
 * costly answers from time to time is judged by their mean.
 */
export function usualCpuMs(recent: readonly number[]): number | undefined {
  if (recent.length < FEWEST) return undefined;
  const sum = recent.reduce((all, each) => all + each, 0);
  return (sum - Math.max(...recent)) / (recent.length - 1);
}

/**
 * Factor by which the period of a check is stretched, so that its runs take no more CPU time than 20 ms in each period of
 * the spec.
 *
 * | a usual run takes | the period becomes                                          |
 * |-------------------|-------------------------------------------------------------|
 * | up to 20 ms       | as it is                                                    |
 * | more              | longer by (CPU time) / 20 ms, rounded up to a step          |
 * |                   | at most ten times as long, and at most ten minutes          |
 *
 * @param periodMs of the spec
 * @param before factor that holds now
 */
export function costFactor(cpuMs: number, periodMs: number, before: number): number {
  const most = Math.max(1, Math.min(MAX_FACTOR, MAX_PERIOD_MS / periodMs));
  return Math.min(most, nextFactor(Math.min(most, cpuMs / mostCpuMs), before));
}
