import type { Spec } from '../../src/api/external-backend.ts';
import { boundsOf } from '../engine/histories/bounds.ts';
import type { Need } from './needs.ts';

/** Longest durations of one backend, in milliseconds. */
export interface SimulatedBounds {
  /** Until an address that must be published is. */
  readonly joinMs: number;
  /** Until an address that must not be published is removed, by the reason. */
  readonly outMs: Readonly<Record<Exclude<Need['why'], ''>, number>>;
  /** Time for which an address without an answer remains longer, because other hosts and replicas are asked. */
  readonly silenceMs: number;
}

/**
 * Adds to the bounds of a spec:
 *
 * - `silenceMs`: a sample of the other hosts is asked, for the timeout and a second. Then other replicas are, for the
 *   timeout and half a second, and a question about another address may be under way.
 * - with tiers: the next tier is used when the last address of one has left, a better one after `failbackSeconds`.
 * - with `whenNoneReady`: an address is kept until another one has joined.
 */
export function boundsFor(spec: Spec): SimulatedBounds {
  const { joinMs, outMs } = boundsOf(spec);
  const timeoutMs = (spec.probe?.timeoutSeconds ?? 1) * 1000;
  const silenceMs = timeoutMs + 1_000 + 2 * (timeoutMs + 500) + slackMs;
  const goneMs = outMs.dead + silenceMs;
  const failbackMs = hasTiers(spec) ? 1.02 * 1_000 * spec.failbackSeconds : 0;
  const switchMs = hasTiers(spec) ? failbackMs + goneMs : 0;
  const keptMs = (spec.services ?? []).some(({ whenNoneReady }) => whenNoneReady !== 'Empty') ? joinMs : 0;
  return {
    joinMs: joinMs + switchMs,
    outMs: { ...outMs, dead: outMs.dead + keptMs, standby: joinMs + switchMs },
    silenceMs,
  };
}

/** Messages between replicas are late by this time at most. */
const slackMs = 500;

const hasTiers = ({ targets }: Spec): boolean => new Set(targets.map(({ priority }) => priority)).size > 1;
