import type { Timing } from '../probing/check.ts';
import type { Health, Transition } from './state.ts';
import type { Instant } from '../instant.ts';
import { updateReportedReason } from './warnings.ts';
import { applyReplicationVerdict, withoutLagRuns } from './replication.ts';
import type { Verdict } from '../probing/verdict.ts';

export interface StepResult {
  readonly health: Health;
  readonly transition: Transition;
}

/**
 * Steps a health by one verdict, by the kubelet's rules of readiness (pkg/kubelet/prober/worker.go, doProbe).
 *
 * | state     | verdict      | verdicts against the state, this one included | state after | run after | transition                             |
 * |-----------|--------------|-----------------------------------------------|-------------|-----------|----------------------------------------|
 * | any       | inconclusive | as before                                     | same        | same      | unchanged                              |
 * | unknown   | up           | -                                             | healthy     | 0         | changed                                |
 * | unknown   | down         | -                                             | unhealthy   | 0         | changed                                |
 * | healthy   | up           | none                                          | healthy     | 0         | unchanged                              |
 * | healthy   | down         | fewer than failureThreshold                   | healthy     | + 1       | pending                                |
 * | healthy   | down         | failureThreshold                              | unhealthy   | 0         | changed                                |
 * | unhealthy | down         | none                                          | unhealthy   | 0         | unchanged; changed if it had no reason |
 * | unhealthy | up           | fewer than successThreshold                   | unhealthy   | + 1       | pending                                |
 * | unhealthy | up           | successThreshold                              | healthy     | 0         | changed                                |
 *
 * `since` changes only with the state. So do `reason` and `message` of an unhealthy address: one that was
 * refused first and times out now keeps the reason that made it unhealthy (the metrics count the latest
 * reason). For other addresses `updateReportedReason` decides, and a change of the reason is `changed` too. An unchanged
 * health is returned as the same object.
 *
 * A verdict confirms a restored health: it is not `restored` any more. A `down` below the threshold does not: it is no
 * reason to make an address ready again that a late write of a former leader has removed. `readyIn` ends with the
 * first `up`, and when the state changes.
 *
 * The role and the lag of a verdict are kept in addition to the state (replication.ts). A change of them is
 * `changed` too.
 *
 * @param lagLimits in seconds; the lag limits of the Services
 */
export function applyVerdict(
  health: Health,
  verdict: Verdict,
  thresholds: Thresholds,
  { now, wall }: Instant,
  lagLimits: readonly number[] = [],
): StepResult {
  if (verdict.kind === 'inconclusive') return updateReason(health, verdict, thresholds, wall);
  const stepped = applyConfirmedVerdict(health, verdict, thresholds, wall);
  if (verdict.role === undefined && verdict.lagSeconds === undefined && health.replication === undefined)
    return stepped;
  const { failureThreshold } = thresholds;
  const unhealthy = stepped.health.state === 'unhealthy';
  const applied = applyReplicationVerdict(health.replication, verdict, {
    unhealthy,
    failureThreshold,
    lagLimits,
    now,
  });
  const { replication: _, ...rest } = stepped.health;
  return {
    health: applied.replication === undefined ? rest : { ...rest, replication: applied.replication },
    transition: applied.changed ? 'changed' : stepped.transition,
  };
}

function applyConfirmedVerdict(
  health: Health,
  verdict: Verdict,
  thresholds: Thresholds,
  wall: number,
): StepResult {
  const stepped = updateReason(confirmed(health, verdict), verdict, thresholds, wall);
  const isWider = health.readyIn !== undefined && stepped.health.readyIn === undefined;
  return isWider ? { ...stepped, transition: 'changed' } : stepped;
}

function confirmed(health: Health, { kind }: Verdict): Health {
  if (health.restored === undefined && health.readyIn === undefined) return health;
  if (health.state === 'healthy' && kind === 'down') return health;
  const { restored: _, readyIn, ...rest } = health;
  return kind === 'up' || readyIn === undefined ? rest : { ...rest, readyIn };
}

/**
 * Returns the health without its counts of consecutive verdicts, because the next verdict does not directly
 * follow the last one. The state, and everything that was decided by full counts, remains.
 */
export function withoutRuns(health: Health): Health {
  const { pendingReason, replication, ...rest } = health;
  const shortened = replication && withoutLagRuns(replication);
  if (health.consecutive === 0 && pendingReason === undefined && shortened === replication) return health;
  return { ...rest, consecutive: 0, ...(shortened !== undefined && { replication: shortened }) };
}

/**
 * Returns true when two verdicts are consecutive: the gap between them is no longer than the period and
 * timeout allow. It is longer after the machine or the process was stopped, and after the backend was
 * suspended.
 */
export const isInRow = (gapMs: number, { periodMs, timeoutMs }: Timing): boolean =>
  gapMs <= 2 * periodMs + timeoutMs;

type Thresholds = Pick<Timing, 'successThreshold' | 'failureThreshold'>;

function updateReason(health: Health, verdict: Verdict, thresholds: Thresholds, wall: number): StepResult {
  const stepped = applyThresholds(health, verdict, thresholds, wall);
  if (stepped.transition === 'changed') return stepped;
  const after = updateReportedReason(stepped.health, verdict, thresholds.failureThreshold);
  return { health: after, transition: after.reason === health.reason ? stepped.transition : 'changed' };
}

function applyThresholds(health: Health, verdict: Verdict, thresholds: Thresholds, wall: number): StepResult {
  if (verdict.kind === 'inconclusive') return { health, transition: 'unchanged' };
  const reportedState = verdict.kind === 'up' ? 'healthy' : 'unhealthy';
  if (health.state === reportedState) {
    // A restored health without a message.
    const { reason, message } = verdict;
    if (reportedState === 'unhealthy' && health.reason === '')
      return { health: { ...health, consecutive: 0, reason, message }, transition: 'changed' };
    return {
      health: health.consecutive === 0 ? health : { ...health, consecutive: 0 },
      transition: 'unchanged',
    };
  }
  const consecutive = health.consecutive + 1;
  const threshold = reportedState === 'healthy' ? thresholds.successThreshold : thresholds.failureThreshold;
  if (health.state !== 'unknown' && consecutive < threshold)
    return { health: { ...health, consecutive }, transition: 'pending' };
  const { reason, message } = verdict;
  return {
    health: { state: reportedState, consecutive: 0, since: wall, reason, message },
    transition: 'changed',
  };
}
