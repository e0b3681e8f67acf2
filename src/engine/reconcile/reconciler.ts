import type { Backend } from '../../api/external-backend.ts';
import { readingsOf } from '../../api/embedded-ip.ts';
import type { AliasPolicy } from '../../core/resolution/alias-policy.ts';
import { parseIp } from '../../api/ip.ts';
import type { AddressPolicy } from '../../core/resolution/address-policy.ts';
import type { ClusterNetworksOf } from '../../core/resolution/cluster-networks.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { secretNames } from '../../core/probing/probe-secrets.ts';
import { excludedNamespaceHalt, invalidHalt, suspendedHalt, type Halt } from '../../core/status/status.ts';
import { Contests } from './contests.ts';
import { servicesToCreateFirst, hasServicesToCreateFirst } from './create-services-first.ts';
import { BackendTracker, preemptibleWriter, type TrackedBackend } from './backend-tracker.ts';
import { mostUrgentError, applyAll } from './apply.ts';
import type { Secrets } from '../ports.ts';
import { syncChecks, restoreChecks, initialWaitMs, type SyncChecksOptions } from './sync-checks.ts';
import { publish, type PublishingOptions } from './publish-services.ts';
import type { BackendRegistry, RegisteredBackend } from './backend-registry.ts';
import { Reporter, type ReporterOptions } from './reporter.ts';
import { subscribeNames, resolveWith, type NameSubscriptionOptions } from './name-subscriptions.ts';
import { aliasesOf, decideAlias, type AliasDecision } from './alias-decision.ts';
import { writeHaltedStatus } from './halted-status.ts';
import { untilEdgeMs, withMaintenance } from './backend-maintenance.ts';
import {
  maintenanceEffectsOf,
  noMaintenanceEffects,
  thaw,
  type MaintenanceEffects,
} from './maintenance-effects.ts';
import { gatherInputs, type ReconcileInputs } from './inputs.ts';
import { dryRunOptions, observationOf, withdrawObserved } from './observing.ts';
import { observedServiceOf } from './owned-services.ts';
import { withKeptServices } from './replacements.ts';
import { rolesIn } from './observed-roles.ts';
import { noLaterThan, type Outcome } from '../queue/outcome.ts';
import type { MaintenanceState } from '../../core/maintenance/maintenance-state.ts';
import { withdraw } from './withdraw.ts';

export interface ReconcilerOptions
  extends SyncChecksOptions, PublishingOptions, ReporterOptions, NameSubscriptionOptions {
  readonly secrets: Secrets;
  readonly registry: BackendRegistry;
  readonly autoSelectHandler: boolean;
  readonly policy: AddressPolicy;
  /** Default: that without `--alias-deny`. */
  readonly aliasPolicy?: AliasPolicy;
  /** Default: none is known. */
  readonly networksOf?: ClusterNetworksOf;
  /** Namespaces whose backends are not served, which their status reports; default: none. */
  readonly excludedNamespaces?: readonly string[];
}

/** Options of one run: those of the reconciler, or of a dry run. */
type RunOptions = Omit<ReconcilerOptions, 'registry'> & PublishingOptions;

/** Returns true if another address policy may lead to another result, in addition to the networks of its addresses. */
const mayChangeByPolicy = ({ backend, targets }: ReconcileInputs): boolean =>
  targets.some(({ refused }) => refused === true) ||
  servicesOf(backend).some(({ externalIPs }) => externalIPs !== undefined);

/** New Services that were refused are tried first again after this time. */
const FIRST_AGAIN_MS = 30_000;

/**
 * Performs all writes: read -> parse -> resolve -> desired -> plan -> apply -> status, for one key at a time.
 * It is level-based: it depends on the current state and never on events, so a run may be cut anywhere and
 * started again.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #tracker: BackendTracker;
  readonly #contests: Contests;
  readonly #reporter: Reporter;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#contests = new Contests(options.clock);
    this.#reporter = new Reporter(options, this.#contests);
    this.#tracker = new BackendTracker({ clock: options.clock, onEnd: (key, uid) => this.#forget(key, uid) });
  }

  /** Returns the key of a backend by its UID; undefined: it is unknown, or was removed. */
  keyOf(uid: string): string | undefined {
    return this.#tracker.keyOf(uid);
  }

  /**
   * Forgets all health and stops all probes, because the term has ended. The next run of each key starts from
   * what is published.
   */
  reset(): void {
    this.#tracker.endAll();
  }

  /**
   * Abandons the writes that a run of the backend still waits for (Endpoints, a status behind a thousand
   * others), so that the next run can write an urgent slice at once.
   */
  preempt(key: string): void {
    this.#tracker.preempt(key);
  }

  /**
   * Returns the keys of the backends with an address in a network of the cluster, with a refused address, or
   * with external IPs.
   */
  concernedByNetworks(): readonly string[] {
    const { networksOf = () => [] } = this.#options;
    const isInside = (text: string): boolean => {
      const ip = parseIp(text);
      return ip !== undefined && readingsOf(ip).some((each) => networksOf(each).length > 0);
    };
    return this.#tracker.keysOf(({ addresses, refused }) => refused || addresses.some(isInside));
  }

  /** Returns the effects of maintenance windows on a backend as of its last run. */
  maintenanceOf(key: string): MaintenanceEffects {
    return this.#tracker.get(key)?.inMaintenance ?? noMaintenanceEffects;
  }

  /** Returns true if the last run of a backend wrote nothing because of spec.observe. */
  isObserving(key: string): boolean {
    return this.#tracker.get(key)?.dryRun !== undefined;
  }

  /**
   * Returns true when a run of this key has started with this generation of the object, and when none has
   * started at all.
   */
  hasSeen(key: string, object: KubeObject | undefined): boolean {
    return this.#tracker.hasSeen(key, object);
  }

  async reconcile(key: string): Promise<Outcome> {
    const { registry, cache } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    // Reads the cache again, because a run must not depend on the report of a change.
    registry.update(key, cache.backend(namespace, name));
    const entry = registry.get(key);
    if (entry === undefined || entry.raw.metadata.deletionTimestamp !== undefined) {
      this.#tracker.end(key);
      return { ok: true };
    }
    const tracked = this.#tracker.track(key, entry.raw);
    if (this.#options.excludedNamespaces?.includes(namespace) === true)
      return this.#suspend(key, entry, tracked, excludedNamespaceHalt(namespace));
    if (!entry.parsed.ok) return this.#suspend(key, entry, tracked, invalidHalt(entry.parsed.problems));
    const { backend } = entry.parsed;
    if (backend.spec.suspend) return this.#suspend(key, entry, tracked, suspendedHalt);
    const { clock } = this.#options;
    const maintenance = tracked.maintenance.at(entry.raw, backend, clock.wall());
    tracked.flapping.begin(tracked.generation, clock.now());
    const outcome = await this.#run(key, entry, withMaintenance(backend, maintenance), tracked, maintenance);
    return noLaterThan(outcome, untilEdgeMs(maintenance, clock.wall()));
  }

  async #run(
    key: string,
    entry: RegisteredBackend,
    backend: Backend,
    tracked: TrackedBackend,
    maintenance: MaintenanceState,
  ): Promise<Outcome> {
    const options = this.#runOptions(key, backend, tracked);
    tracked.replacements.begin(tracked.generation);
    const refusedReplacements = tracked.replacements.at(options.clock.now());
    const kept = withKeptServices(backend, refusedReplacements, observedServiceOf(backend, options.cache));
    const state = { maintenance, refusedReplacements };
    const gather = () => this.#gatherInputs(key, entry, kept, tracked, state, options);
    const first = gather();
    const isThawed = thaw(first, tracked.frozenHealths, options);
    const inputs = restoreChecks(first, options) || isThawed ? gather() : first;
    tracked.inMaintenance = maintenanceEffectsOf(inputs);
    tracked.addresses = inputs.addresses.map(({ ip }) => ip);
    tracked.refused = mayChangeByPolicy(inputs) || backend.spec.observe === true;
    return this.#isFirst(tracked) && hasServicesToCreateFirst(inputs, options.cache)
      ? this.#createServicesFirst(inputs, tracked, options)
      : this.#sync(inputs, tracked, options);
  }

  /** Returns the options of a run, which with spec.observe is a dry run. */
  #runOptions(key: string, backend: Backend, tracked: TrackedBackend): RunOptions {
    if (backend.spec.observe === true) {
      this.#contests.forget(key);
      return dryRunOptions(backend, tracked, this.#options);
    }
    tracked.dryRun = undefined;
    return { ...this.#options, contests: this.#contests };
  }

  /** Creates new Services first. The next run, which follows at once, sees them. */
  async #createServicesFirst(
    inputs: ReconcileInputs,
    tracked: TrackedBackend,
    options: RunOptions,
  ): Promise<Outcome> {
    const againAt = this.#options.clock.now() + FIRST_AGAIN_MS;
    tracked.servicesCreatedFor = { generation: tracked.generation, againAt };
    const lists = servicesToCreateFirst(inputs, options);
    await applyAll(preemptibleWriter(tracked, options.writer), lists);
    return { ok: true, requeueAfterMs: 0 };
  }

  #isFirst({ servicesCreatedFor, generation }: TrackedBackend): boolean {
    if (servicesCreatedFor === undefined || servicesCreatedFor.generation !== generation) return true;
    return this.#options.clock.now() >= servicesCreatedFor.againAt;
  }

  #gatherInputs(
    key: string,
    { raw }: RegisteredBackend,
    backend: Backend,
    { flapping, frozenHealths }: TrackedBackend,
    state: Pick<ReconcileInputs, 'maintenance' | 'refusedReplacements'>,
    options: RunOptions,
  ): ReconcileInputs {
    subscribeNames(backend, options);
    const now = options.clock.now();
    const resolve = resolveWith(backend, options);
    flapping.retain(new Set(backend.spec.targets.map(({ host }) => host)));
    const { secrets, prober } = options;
    secrets.follow(backend.uid, backend.namespace, secretNames(backend.spec));
    return gatherInputs(key, raw, backend, {
      ...options,
      resolve: (host) =>
        backend.spec.mode === 'Endpoints' ? flapping.resolution(host, resolve(host), now) : resolve(host),
      healthOf: prober.healthOf(backend.uid),
      ...{ frozenHealths, ...state },
      quarantined: prober.quarantined(backend.uid),
      secretOf: (name) => secrets.state(backend.namespace, name),
    });
  }

  #forget(key: string, uid: string): void {
    this.#contests.forget(key);
    this.#stopProbing(uid);
    this.#options.onFigures?.(key, undefined);
  }

  #stopProbing(uid: string): void {
    this.#options.prober.forget(uid);
    this.#options.rates?.forget(uid);
    this.#options.costs?.forget(uid);
    this.#options.resolver.follow(uid, [], { namespace: '', minMs: 0, maxMs: 0 });
    this.#options.secrets.follow(uid, '', []);
  }

  /** Ends the effects of maintenance windows on a backend that is no longer reconciled. */
  #endMaintenance(key: string, tracked: TrackedBackend): void {
    tracked.frozenHealths.clear();
    tracked.inMaintenance = noMaintenanceEffects;
    const { figures } = tracked;
    if (figures?.windows === undefined || figures.windows.length === 0) return;
    tracked.figures = { ...figures, windows: [] };
    this.#options.onFigures?.(key, tracked.figures);
  }

  async #sync(inputs: ReconcileInputs, tracked: TrackedBackend, options: RunOptions): Promise<Outcome> {
    syncChecks(inputs, options);
    const settleMs = initialWaitMs(inputs, tracked.seenAt, options);
    if (settleMs > 0) return { ok: true, requeueAfterMs: settleMs };
    const { cache } = options;
    const writer = preemptibleWriter(tracked, this.#options.writer);
    const alias = this.#aliasOf(inputs, tracked, cache);
    const roles = rolesIn(inputs, cache);
    const before = aliasesOf(inputs, cache);
    const { refusals, unstored, flapping, tiers, dryRun } = tracked;
    refusals.begin(tracked.generation);
    const circumstances = { roles, alias, refusals, unstored, flapping, tiers };
    const done = await publish(inputs, circumstances, dryRun ?? writer, options);
    if (tracked.isOver) return { ok: true };
    // The next run keeps these Services and their addresses.
    if (tracked.replacements.addAll(done.unreplaced, options)) return { ok: true, requeueAfterMs: 0 };
    const published = { ...inputs, alias, roles, before, cache };
    if (dryRun === undefined)
      return this.#reporter.report({ ...published, observation: undefined }, done, tracked, writer);
    const error = await withdrawObserved(inputs, tracked, writer, this.#options);
    const observation = observationOf(inputs, done.desired, cache, this.#options);
    const outcome = await this.#reporter.report({ ...published, observation }, done, tracked, writer);
    return error ?? outcome;
  }

  #aliasOf(
    inputs: ReconcileInputs,
    tracked: TrackedBackend,
    cache: RunOptions['cache'],
  ): AliasDecision | undefined {
    const { clock, aliasPolicy } = this.#options;
    const alias = decideAlias(inputs, cache, tracked.hosts ?? new Map(), clock.now(), aliasPolicy);
    tracked.hosts = alias?.hosts;
    return alias;
  }

  /**
   * Stops probing and writing. Published objects and their status remain, except addresses that the address
   * policy forbids. A later run does not use the former health: it starts from what is published, as after a
   * start of the process.
   */
  async #suspend(
    key: string,
    { raw }: RegisteredBackend,
    tracked: TrackedBackend,
    halt: Halt,
  ): Promise<Outcome> {
    tracked.hosts = undefined;
    tracked.dryRun = undefined;
    tracked.refused = true;
    this.#endMaintenance(key, tracked);
    this.#stopProbing(tracked.uid);
    const writer = preemptibleWriter(tracked, this.#options.writer);
    const { errors, ...withdrawn } = await withdraw(raw, writer, this.#options);
    const options = { ...this.#options, writer };
    const more = tracked.isOver ? [] : await writeHaltedStatus(raw, halt, withdrawn, tracked, options);
    return (tracked.isOver ? undefined : mostUrgentError([...errors, ...more])) ?? { ok: true };
  }
}
