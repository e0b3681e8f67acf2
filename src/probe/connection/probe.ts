import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { CpuMeter } from './cpu-meter.ts';

/**
 * Makes one probe run; the engine's port has the same shape. Ends within the check's timeout, and at once
 * when the signal aborts.
 */
export type Probe = (check: Check, signal: AbortSignal, meter?: CpuMeter) => Promise<Verdict>;

/**
 * Time that a probe with a verdict waits for the other side to close, in milliseconds (never beyond the
 * check's timeout). Long enough for a slow link, and short enough that a server that never closes does not
 * occupy a probe slot.
 */
export const closeGraceMs = 200;
