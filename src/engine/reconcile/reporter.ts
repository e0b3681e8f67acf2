import type { Status } from '../../api/external-backend.ts';
import { parseStatus } from '../../api/parse.ts';
import { aliasSwitchEvent } from '../../core/publish/external-name.ts';
import { formatHostPort, type Check } from '../../core/probing/check.ts';
import type { CostlyAddress } from '../../core/status/conditions.ts';
import { mostCpuMs } from '../../core/probing/probe-cost.ts';
import type { DesiredService } from '../../core/publish/desired.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { Problem } from '../../core/publish/problems.ts';
import type { Roles } from '../../core/roles/primary-election.ts';
import {
  publishedPrimary,
  sameStatus,
  statusOf,
  statusOfHalt,
  type SuspendedStatus,
} from '../../core/status/status.ts';
import { differsInWords } from '../../core/status/rewording.ts';
import { truncate } from '../../core/status/text.ts';
import {
  haltOfWithdrawal,
  statusWithoutRefused,
  withdrawalText,
  type Withdrawals,
} from '../../core/status/withdrawal-status.ts';
import { writtenService, type WrittenService } from '../../core/publish/written.ts';
import type { Contests } from './contests.ts';
import { eventsWhileTracked, type TrackedBackend } from './backend-tracker.ts';
import type { Outcome } from '../queue/outcome.ts';
import { mostUrgentError } from './apply.ts';
import { observed } from './plan-services.ts';
import type { ClusterCache, Writer } from '../ports.ts';
import type { ProbeCosts } from '../probing/probe-costs.ts';
import type { ProbeRates } from '../probing/probe-rates.ts';
import type { Publication } from './publish-services.ts';
import { requeueAfterMs, type AliasDecision, type ReconcileInputs } from './inputs.ts';
import { recordChanges, writeStatus, type StatusWriterOptions } from './status-writer.ts';

export interface ReporterOptions extends StatusWriterOptions {
  readonly view: ClusterCache;
  readonly rates?: ProbeRates;
  readonly costs?: ProbeCosts;
  /**
   * Delay of a status after slices were written, in milliseconds. The same status then contains what follows
   * at once (the first verdict of a new address, another address of a host that failed). The slices of other
   * backends do not wait behind it in the API server, in which a status is the most expensive write. Default:
   * 100, which is enough for a failover.
   */
  readonly statusPauseMs?: number;
  /** Reports the figures of a backend; undefined when it is deleted. */
  readonly onFigures?: (key: string, has: BackendFigures | undefined) => void;
}

/** Figures of a backend, for metrics. */
export interface BackendFigures {
  /** Numbers of addresses. */
  readonly ready: number;
  readonly total: number;
  /** IPs to which the Services of role Primary lead. */
  readonly primary: readonly string[];
  readonly checks: readonly Check[];
}

/** Inputs of a run, and the content of the view after all its writes were accepted or refused. */
interface WrittenInputs extends ReconcileInputs {
  readonly alias: AliasDecision | undefined;
  readonly roles: Roles;
  readonly desired: readonly DesiredService[];
  readonly written: readonly WrittenService[];
  readonly problems: readonly Problem[];
  readonly waiting: Publication['waiting'];
}

/** Inputs of a run whose Services were written, as far as they were accepted. */
export interface PublishedInputs extends ReconcileInputs, Pick<WrittenInputs, 'alias' | 'roles'> {
  /** Service -> host to which it pointed before, for an alias. */
  readonly before: ReadonlyMap<string, string>;
}

const STATUS_PAUSE_MS = 100;

/** The same delay while the slices of a backend are written in rounds. */
const LIMITED_PAUSE_MS = 1_000;

/**
 * Shortest time between two statuses of a backend that differ only in text, whatever the number of its names.
 */
const REWORD_MS = 60_000;

/** Number of consecutive transient failures from which on the status contains one. */
const FAILURES_BEFORE_STATUS = 3;

/**
 * Reports the result of a run according to what is written: status, Events and figures, and the time of the
 * next run.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #contests: Contests;

  constructor(options: ReporterOptions, contests: Contests) {
    this.#options = options;
    this.#contests = contests;
  }

  /** Reports a run in which all steps were tried. */
  async report(
    scene: PublishedInputs,
    done: Publication,
    life: TrackedBackend,
    writer: Writer,
  ): Promise<Outcome> {
    const [refused, kept] = [done.failed, done.kept].map((failed) => failed.map(({ error }) => error));
    const errors = [...(refused ?? []), ...(kept ?? [])];
    // A node port or cluster IP of a removed Service is free now, which may be all that was missing.
    if (done.freed && mostUrgentError(errors)?.kind === 'terminal') return { ok: true, requeueAfterMs: 0 };
    const { statusPauseMs = STATUS_PAUSE_MS } = this.#options;
    const now = this.#options.clock.now();
    const isLimited = life.flapping.delaysStatus(now);
    if (done.sliceWrites > 0 || isLimited)
      life.statusAt ??= now + (isLimited ? Math.max(statusPauseMs, LIMITED_PAUSE_MS) : statusPauseMs);
    const problems = done.plans.flatMap(({ problem }) => problem ?? []);
    const { desired } = done;
    const { namespace } = scene.backend;
    const written = desired.map((each) =>
      writtenService(each, observed(namespace, each.name, this.#options.view)),
    );
    this.#tellSwitch(scene, written, life);
    const { waiting } = done;
    return this.#writeConclusion({ ...scene, desired, written, problems, waiting }, life, writer, errors);
  }

  /** Records an Event when a Service that pointed to another host points to the chosen one. */
  #tellSwitch(
    { raw, alias, before }: PublishedInputs,
    written: readonly WrittenService[],
    life: TrackedBackend,
  ): void {
    if (alias === undefined || alias.choice.none === true) return;
    const { candidates, choice } = alias;
    const pointsThere = written
      .filter(({ available }) => available)
      .flatMap(({ name }) => before.get(name) ?? []);
    const left = pointsThere.find((host) => host !== choice.name);
    const told = aliasSwitchEvent(candidates, left, choice.name);
    if (told === undefined) return;
    const events = eventsWhileTracked(life, this.#options.events);
    events.record(raw, { ...told, reason: 'AliasSwitched', action: 'Switch' });
  }

  /**
   * Writes the status if it is due, and returns the outcome of the run.
   *
   * | errors                             | status written | Ready contains                                         |
   * |------------------------------------|----------------|--------------------------------------------------------|
   * | none                               | yes            | the problems, or that everything is published          |
   * | none, slices were written just now | after a pause  | the same, as it is then                                |
   * | a terminal one                     | yes            | it                                                     |
   * | transient, for the third time      | yes            | it                                                     |
   * | transient before that, or waiting  | no             | -: the work is not done, and nothing false is reported |
   * | none, an address is left out       | yes            | its refusal                                            |
   */
  async #writeConclusion(
    scene: WrittenInputs,
    life: TrackedBackend,
    writer: Writer,
    errors: readonly OperatorError[],
  ): Promise<Outcome> {
    const failed = errors.filter((error) => error.kind !== 'waiting');
    life.failures = failed.length > 0 ? life.failures + 1 : 0;
    const lasting =
      failed.find((e) => e.kind === 'terminal') ??
      (life.failures >= FAILURES_BEFORE_STATUS ? failed[0] : undefined);
    const status = this.#statusOf(scene, lasting ?? life.refusals.error(), life);
    this.#count(scene, status);
    const pauseMs = errors.length > 0 ? 0 : (life.statusAt ?? 0) - this.#options.clock.now();
    if (pauseMs > 0) return this.#outcome(undefined, scene, life, pauseMs);
    if (errors.length > 0 && lasting === undefined)
      return this.#outcome(mostUrgentError(errors), scene, life);
    const rewordMs = this.#rewordMs(scene.backend.status, status, life);
    if (rewordMs > 0) return this.#outcome(mostUrgentError(errors), scene, life, rewordMs);
    life.statusAt = undefined;
    const more = await this.#writeStatus(scene.raw, status, life, writer);
    return life.isOver ? { ok: true } : this.#outcome(mostUrgentError([...errors, ...more]), scene, life);
  }

  /** Returns after how many milliseconds the status may be written, if it differs only in text; 0: now. */
  #rewordMs(previous: Status | undefined, status: Status, life: TrackedBackend): number {
    if (!differsInWords(previous, status)) return 0;
    const now = this.#options.clock.now();
    const dueAt = (life.rewordedAt ?? -Infinity) + REWORD_MS;
    if (now < dueAt) return dueAt - now;
    life.rewordedAt = now;
    return 0;
  }

  #count(scene: WrittenInputs, { readyAddresses: ready = 0, totalAddresses: total = 0 }: Status): void {
    const primary = publishedPrimary(scene).map(({ ip }) => ip);
    this.#options.onFigures?.(scene.key, { ready, total, primary, checks: scene.checks });
  }

  /**
   * Writes why a backend is not reconciled. What is published remains, and so does the rest of its status.
   *
   * @param withdrawn addresses and external IPs that were withdrawn, with the reasons
   */
  async halt(
    raw: KubeObject,
    halt: SuspendedStatus,
    withdrawn: Withdrawals,
    life: TrackedBackend,
    writer: Writer,
  ): Promise<readonly OperatorError[]> {
    const { generation = 0 } = raw.metadata;
    const previous = parseStatus(raw);
    const whole = { ...halt, ...haltOfWithdrawal(previous, withdrawn) };
    const rest = previous && statusWithoutRefused(previous, withdrawn.refused);
    this.#tellWithdrawal(raw, withdrawn, life);
    const status = statusOfHalt(rest, generation, whole, this.#options.clock.wall());
    return this.#writeStatus(raw, status, life, writer);
  }

  #tellWithdrawal(raw: KubeObject, { refused, externalIps }: Withdrawals, life: TrackedBackend): void {
    const events = eventsWhileTracked(life, this.#options.events);
    const event = { type: 'Warning', action: 'Withdraw' } as const;
    if (refused.size > 0)
      events.record(raw, {
        ...event,
        reason: 'TargetsRefused',
        note: `no longer published: ${withdrawalText(refused)}`,
      });
    if (externalIps.length > 0)
      events.record(raw, { ...event, reason: 'ExternalIPsRefused', note: truncate(externalIps.join('; ')) });
  }

  /**
   * Writes a status. If an earlier write was cancelled and is found to be stored, its Events are recorded
   * first.
   */
  async #writeStatus(
    raw: KubeObject,
    status: Status,
    life: TrackedBackend,
    writer: Writer,
  ): Promise<readonly OperatorError[]> {
    const previous = parseStatus(raw);
    const options = { ...this.#options, writer, events: eventsWhileTracked(life, this.#options.events) };
    const { abandoned } = life;
    life.abandoned = undefined;
    if (abandoned !== undefined && sameStatus(previous, abandoned.status))
      recordChanges(options.events, raw, abandoned.previous, abandoned.status);
    const errors = await writeStatus(raw, previous, status, options);
    if (errors.some(({ reason }) => reason === 'Superseded')) life.abandoned = { previous, status };
    return errors;
  }

  /**
   * Returns the outcome. Changes that depend only on time are due whether or not the writes were accepted.
   */
  #outcome(
    error: OperatorError | undefined,
    scene: WrittenInputs,
    { refusals, unstored, flapping }: TrackedBackend,
    pauseMs?: number,
  ): Outcome {
    const now = this.#options.clock.now();
    const retries = [refusals.nextAt(), unstored.nextAt()].filter((at) => at !== undefined);
    const times = [
      requeueAfterMs(scene, scene.alias, now, pauseMs),
      this.#contests.nextMs(scene.key),
      flapping.nextMs(
        now,
        scene.waiting !== undefined || flapping.isNameHeld,
        scene.waiting?.isEmpty === true,
      ),
      ...retries.map((at) => Math.max(1, at - now)),
    ];
    const known = times.filter((ms) => ms !== undefined);
    const afterMs = known.length > 0 ? Math.min(...known) : undefined;
    if (error !== undefined)
      return afterMs === undefined ? error : { ok: false, error, requeueAfterMs: afterMs };
    return { ok: true, ...(afterMs !== undefined && { requeueAfterMs: afterMs }) };
  }

  #statusOf(
    { alias, ...scene }: WrittenInputs,
    error: OperatorError | undefined,
    { refusals, flapping }: TrackedBackend,
  ): Status {
    const now = this.#options.clock.wall();
    const slowdown = this.#options.rates?.factorOf(scene.backend.namespace) ?? 1;
    const isSlowed = slowdown > 1 && scene.checks.length > 0;
    const costly = costlyAddresses(scene, this.#options.costs);
    const isFlapping = flapping.isSlow(this.#options.clock.now());
    const { candidates = [], choice } = alias ?? {};
    return statusOf({
      ...scene,
      candidates,
      alias: choice?.name,
      ...(choice?.none === true && { hasNoHost: true }),
      error,
      refused: refusals.words(),
      now,
      isFlapping,
      ...(isSlowed && { slowdown }),
      costly,
    });
  }
}

/**
 * Returns the addresses that are probed less often than in the spec, because of the CPU time of their probes.
 */
function costlyAddresses(
  { backend, checks }: ReconcileInputs,
  costs: ProbeCosts | undefined,
): readonly CostlyAddress[] {
  const known = costs?.of(backend.uid);
  if (known === undefined || known.size === 0) return [];
  return checks.flatMap((check) => {
    const cpuMs = known.get(check.id) ?? 0;
    return cpuMs <= mostCpuMs
      ? []
      : { address: formatHostPort(check), periodMs: check.timing.periodMs, cpuMs };
  });
}

/** Service -> host to which it points, of the Services of an alias. */
export function aliasesOf(
  { backend, observedService }: ReconcileInputs,
  view: ClusterCache,
): ReadonlyMap<string, string> {
  const names = backend.spec.mode === 'ExternalName' ? view.ownedNames(backend.namespace, backend.name) : [];
  return new Map(
    [...names].flatMap((name) => {
      const { externalName } = observedService(name)?.spec ?? {};
      return externalName === undefined ? [] : [[name, externalName] as const];
    }),
  );
}
