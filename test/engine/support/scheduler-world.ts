import { ProbeScheduler } from '../../../src/engine/probing/scheduler.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { ScriptedProbe, aCheck } from '../../support/fakes/scripted-probe.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { ProbeSchedulerOptions, SetOptions } from '../../../src/engine/probing/scheduler.ts';

export const SECOND = 1_000;
/** Planned instants that are closer than this start together. */
export const TICK = 20;

/** Returns a random source that gives the same numbers in every run of the tests. */
export function seeded(): () => number {
  let seed = 1;
  return () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
}

export const overran: Verdict = {
  kind: 'inconclusive',
  reason: 'ProberFault',
  message: 'the probe did not settle within its timeout',
};

/** A scheduler of backends that are in one namespace if none is given. */
export class TeamScheduler extends ProbeScheduler {
  override set(owner: string, checks: readonly Check[], options: Partial<SetOptions> = {}): void {
    super.set(owner, checks, { namespace: 'team', ...options });
  }
}

export const hosts = (count: number, net: string, timing: Partial<Check['timing']> = {}): Check[] =>
  Array.from({ length: count }, (_, i) => aCheck({ ip: `10.${net}.${i >> 8}.${i & 255}`, timing }));

/** A clock, a scripted probe, and everything that schedulers report. */
export class SchedulerWorld {
  readonly clock = new ManualClock();
  readonly script = new ScriptedProbe(this.clock);
  readonly verdicts: { owner: string; id: string; verdict: Verdict; at: number; durationMs: number }[] = [];
  readonly lateness: number[] = [];
  readonly faults: unknown[] = [];

  /** Starts a scheduler; `random` 0 means no jitter and whole periods. */
  schedulerOf(more: Partial<ProbeSchedulerOptions> = {}): TeamScheduler {
    const scheduler = new TeamScheduler({
      clock: this.clock,
      random: () => 0,
      probe: this.script.probe,
      limits: { maxConcurrent: 100, maxPerHost: 2, maxPerHostAndNamespace: 2 },
      onVerdict: (owner, { id }, verdict, durationMs) =>
        this.verdicts.push({ owner, id, verdict, at: this.clock.now(), durationMs }),
      onLateness: (ms) => this.lateness.push(ms),
      onFault: (error) => this.faults.push(error),
      ...more,
    });
    scheduler.start();
    return scheduler;
  }

  verdictsOf(id: string): Verdict[] {
    return this.verdicts.filter((each) => each.id === id).map((each) => each.verdict);
  }
}
