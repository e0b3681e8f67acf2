import type { Timing } from './check.ts';
import type { Health, Transition } from './health-state.ts';
import type { Instant } from './instant.ts';
import { remark } from './remarks.ts';
import { tell, withoutLagRuns } from './telling.ts';
import type { Verdict } from './verdict.ts';

export interface Step {
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
 * reason). For other addresses `remark` decides, and a change of the reason is `changed` too. An unchanged
 * health is returned as the same object.
 *
 * A conclusive verdict confirms a seeded health: it is not `seeded` any more. `readyIn` ends with the first
 * `up`, and when the state changes.
 *
 * The role and the lag of a verdict are kept in addition to the state (telling.ts). A change of them is
 * `changed` too.
 *
 * @param lagLimits in seconds; the lag limits of the Services
 */
export function step(
  health: Health,
  verdict: Verdict,
  thresholds: Thresholds,
  { now, wall }: Instant,
  lagLimits: readonly number[] = [],
): Step {
  if (verdict.kind === 'inconclusive') return stepReason(health, verdict, thresholds, wall);
  const stepped = stepConfirmed(health, verdict, thresholds, wall);
  if (verdict.role === undefined && verdict.lagSeconds === undefined && health.telling === undefined)
    return stepped;
  const { failureThreshold } = thresholds;
  const unhealthy = stepped.health.state === 'unhealthy';
  const told = tell(health.telling, verdict, { unhealthy, failureThreshold, lagLimits, now });
  const { telling: _, ...rest } = stepped.health;
  return {
    health: told.telling === undefined ? rest : { ...rest, telling: told.telling },
    transition: told.changed ? 'changed' : stepped.transition,
  };
}

function stepConfirmed(health: Health, verdict: Verdict, thresholds: Thresholds, wall: number): Step {
  const stepped = stepReason(confirmed(health, verdict), verdict, thresholds, wall);
  const isWider = health.readyIn !== undefined && stepped.health.readyIn === undefined;
  return isWider ? { ...stepped, transition: 'changed' } : stepped;
}

function confirmed(health: Health, { kind }: Verdict): Health {
  if (health.seeded === undefined && health.readyIn === undefined) return health;
  const { seeded: _, readyIn, ...rest } = health;
  return kind === 'up' || readyIn === undefined ? rest : { ...rest, readyIn };
}

/**
 * Returns the health without its counts of consecutive verdicts, because the next verdict does not directly
 * follow the last one. The state, and everything that was decided by full counts, remains.
 */
export function withoutRuns(health: Health): Health {
  const { heard, telling, ...rest } = health;
  const shortened = telling && withoutLagRuns(telling);
  if (health.run === 0 && heard === undefined && shortened === telling) return health;
  return { ...rest, run: 0, ...(shortened !== undefined && { telling: shortened }) };
}

/**
 * Returns true when two verdicts are consecutive: the gap between them is no longer than the period and
 * timeout allow. It is longer after the machine or the process was stopped, and after the backend was
 * suspended.
 */
export const isInRow = (gapMs: number, { periodMs, timeoutMs }: Timing): boolean =>
  gapMs <= 2 * periodMs + timeoutMs;

type Thresholds = Pick<Timing, 'successThreshold' | 'failureThreshold'>;

function stepReason(health: Health, verdict: Verdict, thresholds: Thresholds, wall: number): Step {
  const stepped = stepState(health, verdict, thresholds, wall);
  if (stepped.transition === 'changed') return stepped;
  const after = remark(stepped.health, verdict, thresholds.failureThreshold);
  return { health: after, transition: after.reason === health.reason ? stepped.transition : 'changed' };
}

function stepState(health: Health, verdict: Verdict, thresholds: Thresholds, wall: number): Step {
  if (verdict.kind === 'inconclusive') return { health, transition: 'unchanged' };
  const said = verdict.kind === 'up' ? 'healthy' : 'unhealthy';
  if (health.state === said) {
    // A seeded health without a message.
    const { reason, message } = verdict;
    if (said === 'unhealthy' && health.reason === '')
      return { health: { ...health, run: 0, reason, message }, transition: 'changed' };
    return { health: health.run === 0 ? health : { ...health, run: 0 }, transition: 'unchanged' };
  }
  const run = health.run + 1;
  const threshold = said === 'healthy' ? thresholds.successThreshold : thresholds.failureThreshold;
  if (health.state !== 'unknown' && run < threshold)
    return { health: { ...health, run }, transition: 'pending' };
  const { reason, message } = verdict;
  return { health: { state: said, run: 0, since: wall, reason, message }, transition: 'changed' };
}
