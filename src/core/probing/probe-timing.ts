import type { ProbeSpec } from '../../api/external-backend.ts';
import { maxTimeoutSeconds } from '../../api/limits.ts';
import type { Timing } from './check.ts';

type TimingSpec = Omit<ProbeSpec, 'port'>;

const DEFAULT_PERIOD_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 1_000;

/** Returns a time that the spec has in seconds or in milliseconds; undefined: in neither. */
const msOf = (seconds: number | undefined, milliseconds: number | undefined): number | undefined =>
  milliseconds ?? (seconds === undefined ? undefined : seconds * 1000);

/**
 * Returns the times of a probe, and a text for the status about a timeout that is shorter than in the spec.
 *
 * | in the spec            | period         | timeout                                    | retries                   |
 * |------------------------|----------------|--------------------------------------------|---------------------------|
 * | nothing                | 10 s           | 1 s, or the period if that is shorter      | each period               |
 * | seconds, milliseconds  | that           | that, at most the period and 60 s          | that, at most the period  |
 *
 * An address that does not answer is probed once per period, so a timeout is not longer than the period.
 */
export function timedBy(probe: TimingSpec): { readonly timing: Timing; readonly cut?: string } {
  const periodMs = msOf(probe.periodSeconds, probe.periodMilliseconds) ?? DEFAULT_PERIOD_MS;
  const given = msOf(probe.timeoutSeconds, probe.timeoutMilliseconds);
  const timeoutMs = Math.min(given ?? DEFAULT_TIMEOUT_MS, periodMs, maxTimeoutSeconds * 1000);
  const retryMs = msOf(probe.retryPeriodSeconds, probe.retryPeriodMilliseconds);
  return {
    timing: {
      initialDelayMs: probe.initialDelaySeconds * 1000,
      periodMs,
      ...(retryMs !== undefined && retryMs < periodMs && { retryMs }),
      timeoutMs,
      successThreshold: probe.successThreshold,
      failureThreshold: probe.failureThreshold,
    },
    ...(given !== undefined && timeoutMs < given && { cut: cutText(timeoutMs, given) }),
  };
}

const cutText = (timeoutMs: number, given: number): string =>
  `timeout ${timeoutMs / 1000} s instead of ${given / 1000} s (at most the period, and at most ${maxTimeoutSeconds} s)`;
