import type { Check } from '../../core/probing/check.ts';
import type { Health } from '../../core/health/state.ts';
import { mayWarn } from '../../core/events/probe-warnings.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { HealthTable, type RunTimes } from './health-table.ts';
import { NotableVerdicts } from './notable-verdicts.ts';
import type { ProbeFn, ProbeOnceFn } from '../ports.ts';
import type { Clock, Random } from '../../util/clock.ts';
import type { Prober, ProberListeners, ProberSetOptions, ProberStats } from './prober.ts';
import { probedHosts, type ProbedHost } from './probed-hosts.ts';
import { RunCosts } from './run-costs.ts';
import type { RunPlaces } from './in-flight.ts';
import type { ProbeLimits } from './concurrency.ts';
import type { RunTally } from './run-tally.ts';
import { ProbeScheduler } from './scheduler.ts';
import { SingleRuns } from './single-runs.ts';

export interface LocalProberOptions extends Omit<ProberListeners, 'onQuarantined'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly probe: ProbeFn;
  readonly limits: ProbeLimits;
  readonly tally: RunTally;
  readonly places?: RunPlaces;
  /** Called with health that a verdict has confirmed without a transition. */
  readonly onConfirmed?: (owner: string, check: Check, health: Health) => void;
}

/** Prober that runs in its own thread: scheduler and health table. */
export class LocalProber implements Prober {
  readonly #options: LocalProberOptions;
  readonly #health: HealthTable;
  readonly #scheduler: ProbeScheduler;
  readonly #notable = new NotableVerdicts();
  readonly #costs = new RunCosts();
  readonly #single: SingleRuns;

  constructor(options: LocalProberOptions) {
    this.#options = options;
    const { clock, random, probe, limits, tally, places, onFault, onPath } = options;
    this.#health = new HealthTable(options);
    this.#single = new SingleRuns(options);
    this.#scheduler = new ProbeScheduler({
      ...{ clock, random, probe, limits, ...(places && { places }), ...(onPath && { onPath }) },
      onRun: ({ handler }, verdict, durationMs) => tally.ran(handler.kind, verdict, durationMs),
      onLateness: (ms) => tally.late(ms),
      isPending: (owner, id) => (this.#health.get(owner, id)?.consecutive ?? 0) > 0,
      onVerdict: (owner, check, verdict, durationMs, dueAt) =>
        this.#receive(owner, check, verdict, { dueAt, startedAt: clock.now() - durationMs }),
      onFault: (error, check) => onFault(error, check.id),
    });
  }

  set(owner: string, checks: readonly Check[], options: ProberSetOptions): void {
    const kept = new Set(checks.map(({ id }) => id));
    this.#health.retain(owner, kept);
    this.#notable.retain(owner, kept);
    this.#costs.retain(owner, kept);
    this.#scheduler.set(owner, checks, options);
  }

  forget(owner: string): void {
    this.#scheduler.remove(owner);
    this.#health.forget(owner);
    this.#notable.retain(owner, new Set());
    this.#costs.retain(owner, new Set());
  }

  healthOf(owner: string): HealthOf {
    return this.#health.healthOf(owner);
  }

  restore(owner: string, checkId: string, health: Health): boolean {
    return this.#health.restore(owner, checkId, health);
  }

  release(owner: string, checkId: string): void {
    this.#health.release(owner, checkId);
  }

  recount(): void {
    this.#health.recount();
  }

  hosts(): ReadonlyMap<string, ProbedHost> {
    return probedHosts(this.#scheduler.checks(), (owner, { id }) => this.#health.get(owner, id));
  }

  watch(ips: readonly string[], since: number): void {
    this.#scheduler.watch(ips, since);
  }

  readonly probeOnce: ProbeOnceFn = (check, signal) => this.#single.run(check, signal);

  start(): void {
    this.#scheduler.start();
  }

  stop(): Promise<void> {
    return this.#scheduler.stop();
  }

  stats(): ProberStats {
    return { checks: this.#scheduler.stats().checks, workers: 0, quarantined: 0 };
  }

  quarantined(): readonly string[] {
    return [];
  }

  #receive(owner: string, check: Check, verdict: Verdict, run: RunTimes): void {
    const { clock, onNotable, onCost } = this.#options;
    if (mayWarn(verdict) && this.#notable.take(owner, check.id, verdict, clock.now()))
      onNotable(owner, check, verdict);
    this.#health.record(owner, check, verdict, run);
    const cost = this.#costs.take(owner, check, verdict.cpuMs ?? 0);
    if (cost !== undefined) onCost(owner, check, cost);
  }
}
