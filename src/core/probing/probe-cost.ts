import { nextFactor } from './period-factor.ts';

/**
 * CPU time of the probe thread that a run may take, in milliseconds. A TLS handshake with usual certificates
 * takes 1 to 2.
 */
export const maxCpuMs = 20;

/** A run that takes less counts as 0, in milliseconds. To report it would cost more than it does. */
export const notableCpuMs = 2;

/** Most and fewest runs by which a check is judged. */
const WINDOW = 5;
const FEWEST = 3;

const MAX_FACTOR = 10;
const MAX_PERIOD_MS = 600_000;

/** Adds a run to the CPU times of the latest runs of a check, in milliseconds. */
export const withRun = (recent: readonly number[], cpuMs: number): readonly number[] =>
  [...recent, cpuMs].slice(-WINDOW);

/**
 * Returns the CPU time of a usual run, in milliseconds; undefined until there are three runs. It is the mean
 * of the last five without the longest one. So a garbage collection, which makes a random run longer, makes
 * no check costly. A server that sends costly answers from time to time is judged by their mean.
 */
export function usualCpuMs(recent: readonly number[]): number | undefined {
  if (recent.length < FEWEST) return undefined;
  const sum = recent.reduce((all, each) => all + each, 0);
  return (sum - Math.max(...recent)) / (recent.length - 1);
}

/**
 * Returns the cost of a check in milliseconds: the CPU time of a usual run, rounded up to a step of
 * `period-factor.ts`, so that it changes seldom. 0: it is not notable.
 *
 * @param before cost that is in effect now
 */
export function probeCost(usualMs: number, before: number): number {
  const cost = nextFactor(usualMs, Math.max(1, before));
  return cost < notableCpuMs ? 0 : cost;
}

/**
 * Returns the factor by which the period of a check is longer, so that its runs take at most 20 ms of CPU in
 * each period of the spec.
 *
 * | cost         | period                                                                            |
 * |--------------|-----------------------------------------------------------------------------------|
 * | up to 20 ms  | as in the spec                                                                    |
 * | more         | longer by cost / 20 ms; at most ten times as long, and at most ten minutes        |
 *
 * @param cost of `probeCost`, in milliseconds
 * @param periodMs of the spec
 */
export function costFactor(cost: number, periodMs: number): number {
  const most = Math.max(1, Math.min(MAX_FACTOR, MAX_PERIOD_MS / periodMs));
  return Math.max(1, Math.min(most, cost / maxCpuMs));
}
