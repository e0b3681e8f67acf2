import type { Status } from '../../api/external-backend.ts';
import { aliasSwitchEvent } from '../../core/events/alias-events.ts';
import type { OperatorError } from '../../core/errors.ts';
import { publishedPrimary } from '../../core/status/status.ts';
import { differsOnlyInFailures } from '../../core/status/failure-wording.ts';
import { writtenService, type WrittenService } from '../../core/publish/written-service.ts';
import type { BackendFigures } from './backend-figures.ts';
import type { Contests } from './contests.ts';
import { eventsWhileTracked, type TrackedBackend } from './backend-tracker.ts';
import type { Outcome } from '../queue/outcome.ts';
import { mostUrgentError } from './apply.ts';
import { observedObjects } from './plan-services.ts';
import type { Writer } from '../ports.ts';
import type { Publication } from './publish-services.ts';
import { outcomeOfRun } from './run-outcome.ts';
import { statusOfRun, type RunStatusOptions } from './run-status.ts';
import { writeTrackedStatus, type StatusWriterOptions } from './status-writer.ts';
import type { PublishedInputs, WrittenInputs } from './written-inputs.ts';

export interface ReporterOptions extends StatusWriterOptions, RunStatusOptions {
  /**
   * Delay of a status after slices were written, in milliseconds. The same status then contains what follows
   * at once (the first verdict of a new address, another address of a host that failed). The slices of other
   * backends do not wait behind it in the API server, in which a status is the most expensive write. Default:
   * 100, which is enough for a failover.
   */
  readonly statusPauseMs?: number;
  /** Reports the figures of a backend; undefined when it is deleted. */
  readonly onFigures?: (key: string, figures: BackendFigures | undefined) => void;
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
    inputs: PublishedInputs,
    done: Publication,
    tracked: TrackedBackend,
    writer: Writer,
  ): Promise<Outcome> {
    const [refused, kept] = [done.failed, done.kept].map((failed) => failed.map(({ error }) => error));
    const errors = [...(refused ?? []), ...(kept ?? [])];
    // A node port or cluster IP of a removed Service is free now, which may be all that was missing.
    if (done.freed && mostUrgentError(errors)?.kind === 'terminal') return { ok: true, requeueAfterMs: 0 };
    const { statusPauseMs = STATUS_PAUSE_MS } = this.#options;
    const now = this.#options.clock.now();
    const isLimited = tracked.flapping.delaysStatus(now);
    if (done.sliceWrites > 0 || isLimited)
      tracked.statusAt ??= now + (isLimited ? Math.max(statusPauseMs, LIMITED_PAUSE_MS) : statusPauseMs);
    const isObserving = inputs.observation !== undefined;
    const problems = isObserving ? [] : done.plans.flatMap(({ problem }) => problem ?? []);
    const { desired } = done;
    const { namespace } = inputs.backend;
    const written = desired.map((each) =>
      writtenService(each, observedObjects(namespace, each.name, inputs.cache)),
    );
    this.#recordSwitch(inputs, written, tracked);
    const { waiting } = done;
    return this.#writeConclusion({ ...inputs, desired, written, problems, waiting }, tracked, writer, errors);
  }

  /** Records an Event when a Service that pointed to another host points to the chosen one. */
  #recordSwitch(
    { raw, alias, before }: PublishedInputs,
    written: readonly WrittenService[],
    tracked: TrackedBackend,
  ): void {
    if (alias === undefined || alias.choice.none === true) return;
    const { candidates, choice } = alias;
    const pointsThere = written
      .filter(({ available }) => available)
      .flatMap(({ name }) => before.get(name) ?? []);
    const left = pointsThere.find((host) => host !== choice.name);
    const event = aliasSwitchEvent(candidates, left, choice.name);
    if (event !== undefined) eventsWhileTracked(tracked, this.#options.events).record(raw, event);
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
    inputs: WrittenInputs,
    tracked: TrackedBackend,
    writer: Writer,
    errors: readonly OperatorError[],
  ): Promise<Outcome> {
    const failed = errors.filter((error) => error.kind !== 'waiting');
    tracked.failures = failed.length > 0 ? tracked.failures + 1 : 0;
    const lasting =
      failed.find((e) => e.kind === 'terminal') ??
      (tracked.failures >= FAILURES_BEFORE_STATUS ? failed[0] : undefined);
    const status = statusOfRun(inputs, lasting ?? tracked.refusals.error(), tracked, this.#options);
    this.#count(inputs, status, tracked);
    const pauseMs = errors.length > 0 ? 0 : (tracked.statusAt ?? 0) - this.#options.clock.now();
    if (pauseMs > 0) return this.#outcome(undefined, inputs, tracked, pauseMs);
    if (errors.length > 0 && lasting === undefined)
      return this.#outcome(mostUrgentError(errors), inputs, tracked);
    const rewordMs = this.#rewordMs(inputs.backend.status, status, tracked);
    if (rewordMs > 0) return this.#outcome(mostUrgentError(errors), inputs, tracked, rewordMs);
    tracked.statusAt = undefined;
    const more = await writeTrackedStatus(inputs.raw, status, tracked, { ...this.#options, writer });
    return tracked.isOver
      ? { ok: true }
      : this.#outcome(mostUrgentError([...errors, ...more]), inputs, tracked);
  }

  #outcome(
    error: OperatorError | undefined,
    inputs: WrittenInputs,
    tracked: TrackedBackend,
    pauseMs?: number,
  ): Outcome {
    return outcomeOfRun(error, inputs, tracked, this.#contests, this.#options.clock.now(), pauseMs);
  }

  /** Returns after how many milliseconds the status may be written, if it differs only in text; 0: now. */
  #rewordMs(previous: Status | undefined, status: Status, tracked: TrackedBackend): number {
    if (!differsOnlyInFailures(previous, status)) return 0;
    const now = this.#options.clock.now();
    const dueAt = (tracked.rewordedAt ?? -Infinity) + REWORD_MS;
    if (now < dueAt) return dueAt - now;
    tracked.rewordedAt = now;
    return 0;
  }

  #count(
    inputs: WrittenInputs,
    { readyAddresses: ready = 0, totalAddresses: total = 0 }: Status,
    tracked: TrackedBackend,
  ): void {
    const primary = publishedPrimary(inputs).map(({ ip }) => ip);
    const fallbacks = inputs.written.flatMap(({ name: service, fallback: policy }) =>
      policy === undefined ? [] : [{ service, policy }],
    );
    const tiers = inputs.written.flatMap(({ name: service, tier }) =>
      tier === undefined ? [] : [{ service, priority: tier.priority }],
    );
    const { checks, maintenance } = inputs;
    const windows = maintenance.active;
    const isObserving = inputs.observation !== undefined;
    tracked.figures = { ready, total, primary, fallbacks, tiers, windows, isObserving, checks };
    this.#options.onFigures?.(inputs.key, tracked.figures);
  }
}
