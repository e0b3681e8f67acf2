import type { Check } from '../core/probing/check.ts';
import type { OperatorError } from '../core/errors.ts';
import type { Health } from '../core/health/state.ts';
import type { KubeObject } from '../core/kubernetes/objects.ts';
import { whileObserving } from '../core/events/observed-event.ts';
import { warningEvent } from '../core/events/warning-events.ts';
import { placesFor } from './queue/due-keys.ts';
import { IsolationMonitor, type IsolationSettings } from './isolation/isolation-monitor.ts';
import { SecondOpinions } from './isolation/second-opinions.ts';
import { TransitionEvents } from './reconcile/transition-events.ts';
import { WarningHistory } from './probing/warning-history.ts';
import type { BackendEvent } from '../core/events/backend-event.ts';
import type { ClusterCache, EventSink, ProbeOnceFn, Resolver, Secrets, Witnesses, Writer } from './ports.ts';
import type { Logger } from '../util/log.ts';
import type { Clock, Random } from '../util/clock.ts';
import type { CreateProber, NotableVerdict, Prober, ProberStats } from './probing/prober.ts';
import { ProbeCosts } from './probing/probe-costs.ts';
import { ProbeRates } from './probing/probe-rates.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import type { ReconcilerOptions } from './reconcile/reconciler.ts';
import type { BackendFigures } from './reconcile/backend-figures.ts';
import { BackendRegistry, backendKey } from './reconcile/backend-registry.ts';
import { withMaintenanceEffects } from './reconcile/maintenance-effects.ts';
import { logFailure } from './queue/log-failure.ts';
import { errorOf } from './queue/outcome.ts';
import { WorkQueue } from './queue/work-queue.ts';
import { Term } from './term.ts';

/** Receives what happens, for metrics. Its methods must be cheap and must not throw. */
export interface Observer {
  healthChanged(after: Health): void;
  /** Called after each run. `queuedMs`: time from when it was due until it began. */
  reconciled(error: OperatorError | undefined, durationMs: number, queuedMs: number): void;
  /** Called after each run of a backend (`namespace/name`), and with undefined when it is removed. */
  backendFigures(key: string, figures: BackendFigures | undefined): void;
  /** Called when a probe received a certificate; `expiresAt` in milliseconds of Unix time. */
  certificateSeen(key: string, check: Check, expiresAt: number): void;
}

export interface EngineOptions extends Pick<
  ReconcilerOptions,
  | 'policy'
  | 'aliasPolicy'
  | 'networksOf'
  | 'minRefreshMs'
  | 'legacyEndpoints'
  | 'maxEndpointsPerSlice'
  | 'autoSelectHandler'
  | 'switchedOff'
  | 'excludedNamespaces'
> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly cache: ClusterCache;
  readonly writer: Writer;
  readonly events: EventSink;
  readonly resolver: Resolver;
  readonly secrets: Secrets;
  readonly createProber: CreateProber;
  readonly observer: Observer;
  /** Default: addresses are removed for silence whatever the other hosts do. */
  readonly isolation?: IsolationSettings;
  /** Replicas that are asked before a silent address is removed. Default: none. */
  readonly witnesses?: Witnesses | undefined;
  /** Called when another replica reaches hosts that this one does not: that one should lead. */
  readonly onOutseen?: () => void;
  /** Most probes per second of the backends of one namespace. Default: no limit. */
  readonly maxProbeRatePerNamespace?: number;
  /** Number of backends of one namespace that are reconciled concurrently (`placesFor`). */
  readonly workers: number;
}

/**
 * Pipeline between the cache of the cluster and the writer:
 *
 *     cache changed ──► queue ──► reconciler ──► writer
 *                        ▲            └──► prober (scheduler ──► probe ──► health) ─┐
 *                        └────────────────── a transition ──────────────────────────┘
 *
 * It works only between `onStartedLeading` and `onStoppedLeading`, which is a term. A replica that does not
 * lead only keeps its cache up to date. Each term begins without health, once the cache contains what was
 * written before it. So the engine never acts on conclusions from a time when this replica could not write,
 * and never restores health from an old cache.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #registry = new BackendRegistry();
  readonly #prober: Prober;
  readonly #rates: ProbeRates;
  readonly #costs = new ProbeCosts();
  readonly #reconciler: Reconciler;
  readonly #queue: WorkQueue;
  readonly #warnings = new WarningHistory();
  readonly #transitions: TransitionEvents;
  readonly #isolation: IsolationMonitor;
  readonly #opinions: SecondOpinions;
  readonly #term: Term;
  readonly #events: EventSink;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { observer, logger } = options;
    this.#events = this.#sinkInContext(options.events);
    this.#transitions = new TransitionEvents(options.cache);
    this.#opinions = new SecondOpinions({
      ...{ clock: options.clock, witnesses: options.witnesses },
      prober: () => this.#prober,
      keyOf: (owner) => this.#reconciler.keyOf(owner),
      isIsolated: () => this.isIsolated,
      onDue: (held) => this.#isolation.hold(held, options.clock.now() - held.check.timing.periodMs),
      onChanged: (owners) => this.inputsChanged(owners),
    });
    this.#isolation = new IsolationMonitor({
      ...options,
      opinions: this.#opinions,
      onOutseen: () => options.onOutseen?.(),
      settings: options.isolation,
      prober: () => this.#prober,
      onChanged: (owners) => this.inputsChanged(owners),
    });
    this.#prober = options.createProber({
      onHeld: (...held) => this.#isolation.onHeld(...held),
      onSettled: (owner, check) => this.#opinions.settle({ owner, check }),
      onPath: (path) => this.#isolation.onPath(path),
      onChanged: (...transition) => this.#healthChanged(...transition),
      onNotable: (owner, check, verdict) => this.#recordWarnings(owner, check, verdict),
      onQuarantined: (owner) => this.inputsChanged([owner]),
      onCost: (...cost) => this.#costChanged(...cost),
      onFault: (error, check) => logger.error('probe threw an error', { error, check }),
    });
    this.#rates = new ProbeRates({
      maxPerSecond: options.maxProbeRatePerNamespace ?? Infinity,
      onChanged: (namespace) => this.enqueue(this.#keysIn(namespace)),
    });
    this.#reconciler = new Reconciler({
      ...options,
      events: this.#events,
      rates: this.#rates,
      costs: this.#costs,
      registry: this.#registry,
      prober: this.#prober,
      isolationOf: (owner) => ({
        isolation: this.#isolation.noteOf(owner),
        unreachableFromHere: this.#opinions.keptOf(owner),
      }),
      onFigures: (key, figures) => {
        this.#warnings.retain(key, figures?.checks ?? []);
        observer.backendFigures(key, figures);
        for (const [check, expiresAt] of this.#warnings.certificates(key))
          observer.certificateSeen(key, check, expiresAt);
      },
    });
    this.#queue = this.#makeQueue();
    this.#term = new Term({ ...options, onBegun: (namespace) => this.enqueue(this.#keysIn(namespace)) });
  }

  /** Called when a backend was added, changed or removed (`after` undefined). */
  backendChanged(key: string, after: KubeObject | undefined): void {
    this.enqueue(this.#registry.update(key, after));
    // An address that a user removes must not wait behind a status write of the previous run either.
    if (!this.#reconciler.hasSeen(key, after)) this.#reconciler.preempt(key);
  }

  /** Queues runs of these backends (`namespace/name`), because something that concerns them has changed. */
  enqueue(keys: Iterable<string>): void {
    for (const key of keys) this.#queue.add(key);
  }

  /**
   * Queues runs of these owners (UIDs), because the state of a name or Secret that they follow has changed. A
   * failover must not wait behind other writes.
   */
  inputsChanged(owners: Iterable<string>): void {
    for (const owner of owners) {
      const key = this.#reconciler.keyOf(owner);
      if (key === undefined) continue;
      this.#queue.add(key);
      this.#reconciler.preempt(key);
    }
  }

  /**
   * Called when the known networks of the cluster have changed: addresses in them are removed, and refused
   * addresses may be published.
   */
  networksChanged(): void {
    this.enqueue(this.#reconciler.concernedByNetworks());
  }

  /** Starts the queue and the prober. Called when the cache is complete. */
  start(): void {
    this.#queue.start();
    this.#prober.start();
  }

  /** Begins a term: once the cache has caught up, all backends are reconciled. */
  onStartedLeading(): void {
    this.onStoppedLeading();
    this.#term.begin();
  }

  /**
   * Ends the term: probes stop, and health and metric series are forgotten. The next term starts from what is
   * published.
   */
  onStoppedLeading(): void {
    this.#term.end();
    this.#isolation.reset();
    this.#opinions.reset();
    this.#reconciler.reset();
    this.#transitions.clear();
  }

  /** Stops probing, and waits for the writes in flight, `deadlineMs` at most. It cannot be started again. */
  async stop(deadlineMs: number): Promise<void> {
    this.#term.abort();
    this.#isolation.reset();
    this.#opinions.reset();
    await Promise.all([this.#prober.stop(), this.#queue.stop(deadlineMs)]);
  }

  /** Performs one run where the checks are probed, whether this replica leads or not. Changes no health. */
  readonly probeOnce: ProbeOnceFn = (check, signal) => this.#prober.probeOnce(check, signal);

  /** Returns the namespaces whose periods are longer than in their specs, with the factors. */
  slowedNamespaces(): ReadonlyMap<string, number> {
    return this.#rates.slowed();
  }

  /** Returns the keys of the backends in a namespace; of all with an empty name. */
  #keysIn(namespace: string): readonly string[] {
    const isThere = (key: string) => namespace === '' || key.startsWith(`${namespace}/`);
    return [...this.#registry.keys()].filter(isThere);
  }

  /** True while most hosts do not answer, so that no address is removed for silence. */
  get isIsolated(): boolean {
    return this.#isolation.isIsolated;
  }

  stats(): ProberStats & { readonly costly: number; readonly backends: number; readonly due: number } {
    return {
      ...this.#prober.stats(),
      costly: this.#costs.costly,
      backends: [...this.#registry.keys()].length,
      due: this.#queue.stats().due,
    };
  }

  #makeQueue(): WorkQueue {
    const { clock, random, workers, observer, logger } = this.#options;
    return new WorkQueue({
      clock,
      random,
      concurrency: placesFor(workers),
      handler: (key) => {
        this.#transitions.begin(key);
        return this.#term.includes(key) ? this.#reconciler.reconcile(key) : Promise.resolve({ ok: true });
      },
      onOutcome: (key, outcome, durationMs, queuedMs, retryInMs) => {
        const error = errorOf(outcome);
        observer.reconciled(error, durationMs, queuedMs);
        const { frozen } = this.#reconciler.maintenanceOf(key);
        const isObserving = this.#reconciler.isObserving(key);
        for (const event of this.#transitions.end(key, error, { frozen, isObserving }))
          this.#record(key, event);
        if (error !== undefined) logFailure(logger, key, error, retryInMs);
      },
    });
  }

  /** Reports the notable part of a verdict. */
  #recordWarnings(owner: string, check: Check, verdict: NotableVerdict): void {
    const key = this.#reconciler.keyOf(owner);
    const backend = key === undefined ? undefined : this.#registry.get(key)?.raw;
    if (key === undefined || backend === undefined) return;
    const { clock, observer } = this.#options;
    for (const event of this.#warnings.of(key, check, verdict, clock.wall()))
      this.#events.record(backend, event);
    const { certificateExpiresAt } = verdict;
    if (certificateExpiresAt !== undefined) observer.certificateSeen(key, check, certificateExpiresAt);
  }

  /** Stores a cost. The next run of the backend sets its checks with other periods. */
  #costChanged(owner: string, { id }: Check, cost: number): void {
    const key = this.#reconciler.keyOf(owner);
    if (key === undefined) return;
    this.#costs.set(owner, id, cost);
    this.#queue.add(key);
  }

  #healthChanged(owner: string, check: Check, before: Health, after: Health): void {
    if (before.state !== after.state) this.#options.observer.healthChanged(after);
    const key = this.#reconciler.keyOf(owner);
    if (key === undefined) return;
    this.#queue.add(key);
    this.#reconciler.preempt(key);
    this.#transitions.add(key, check, before, after);
    const warning = warningEvent(check, before, after);
    if (warning !== undefined) this.#record(key, warning);
  }

  /** Returns a sink that records Events as maintenance windows and spec.observe require. */
  #sinkInContext(events: EventSink): EventSink {
    return {
      record: (backend, event) => {
        const key = backendKey(backend.metadata);
        const inMaintenance = withMaintenanceEffects(event, this.#reconciler.maintenanceOf(key));
        const isObserving = this.#reconciler.isObserving(key);
        events.record(backend, isObserving ? whileObserving(inMaintenance) : inMaintenance);
      },
    };
  }

  #record(key: string, event: BackendEvent): void {
    const backend = this.#registry.get(key)?.raw;
    if (backend !== undefined) this.#events.record(backend, event);
  }
}
