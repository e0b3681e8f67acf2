import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { CpuMeter } from './cpu-meter.ts';

/** One probe run: the engine's port of the same shape. Ends within the check's timeout, at once when the signal aborts. */
export type Probe = (check: Check, signal: AbortSignal, meter?: CpuMeter) => Promise<Verdict>;

/**
 * How long a probe that has its verdict waits for the other side to close, in milliseconds (never beyond the check's
 * timeout). Long enough for a slow link, short enough that a server which never closes does not hold a probing slot.
 */
export const closeGraceMs = 200;
