import type { Backend, Condition, Status } from '../api/external-backend.ts';
import type { Action } from '../core/action.ts';
import { addressesOf, type BackendAddress, type Cidr, type TargetAddresses } from '../core/address.ts';
import type { Check } from '../core/check.ts';
import { checksOf, portGroups, type PortGroup } from '../core/checks.ts';
import { desiredServices, servicesOf, type DesiredService } from '../core/desired.ts';
import { OperatorError } from '../core/errors.ts';
import type { KubeObject } from '../core/objects.ts';
import { planRemoval, planService, type Observed, type Problem } from '../core/plan.ts';
import { seeds } from '../core/seed.ts';
import { invalid, sameStatus, statusOf, statusWithReady, suspended } from '../core/status.ts';
import type { HealthTable } from './health-table.ts';
import type { ClusterView, Clock, EventSink, Resolver, Writer } from './ports.ts';
import type { BackendRegistry, Entry } from './registry.ts';
import type { ProbeScheduler } from './scheduler.ts';
import type { Outcome } from './work-queue.ts';

export interface ReconcilerOptions {
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly writer: Writer;
  readonly events: EventSink;
  readonly resolver: Resolver;
  readonly registry: BackendRegistry;
  readonly health: HealthTable;
  readonly scheduler: Pick<ProbeScheduler, 'set' | 'remove'>;
  readonly deniedCidrs: readonly Cidr[];
  readonly legacyEndpoints: boolean;
  readonly maxEndpointsPerSlice: number;
  /** Ready and total addresses of a backend; undefined when it is gone. */
  readonly onAddresses?: (
    key: string,
    count: { readonly ready: number; readonly total: number } | undefined,
  ) => void;
}

/** One life of a backend: a namesake created later is another. */
interface Life {
  readonly uid: string;
  /** Monotonic. */
  readonly firstSeen: number;
  /** Transient failures in a row. */
  failures: number;
}

/** What is known of a backend in one run. */
interface Scene {
  readonly key: string;
  readonly raw: KubeObject;
  readonly backend: Backend;
  readonly targets: readonly TargetAddresses[];
  readonly addresses: readonly BackendAddress[];
  readonly groups: readonly PortGroup[];
  readonly checks: readonly Check[];
}

/** A new backend waits this long for its first verdicts, so that what answers is published ready by the first write. */
const SETTLE_MS = 100;

/** From this many transient failures in a row on, the status tells of them. */
const TOLD_FAILURES = 3;

/**
 * The only writer: read -> parse -> resolve -> desired -> plan -> apply -> status, for one key at a time.
 * Level-based: it looks at what is there and never at what happened, so a run may be cut anywhere and begun anew.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #lives = new Map<string, Life>();
  readonly #keys = new Map<string, string>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** The key of a backend by its uid; undefined: not known (any more). */
  keyOf(uid: string): string | undefined {
    return this.#keys.get(uid);
  }

  /** Forgets all health and stops all probes: another replica leads. The next run of each key begins from what is published. */
  reset(): void {
    for (const key of [...this.#lives.keys()]) this.#forget(key);
  }

  async reconcile(key: string): Promise<Outcome> {
    const { registry, view } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    registry.update(key, view.backend(namespace, name));
    const entry = registry.get(key);
    if (entry === undefined || entry.raw.metadata.deletionTimestamp !== undefined) {
      this.#forget(key);
      return { ok: true };
    }
    const life = this.#enter(key, entry.raw.metadata.uid ?? '');
    if (!entry.parsed.ok) return this.#refuse(entry, entry.parsed.problems);
    const { backend } = entry.parsed;
    if (backend.spec.suspend) return this.#suspend(entry, backend);
    return this.#run(this.#look(key, entry.raw, backend), life);
  }

  #enter(key: string, uid: string): Life {
    const known = this.#lives.get(key);
    if (known?.uid === uid) return known;
    this.#forget(key);
    const life = { uid, firstSeen: this.#options.clock.now(), failures: 0 };
    this.#lives.set(key, life);
    this.#keys.set(uid, key);
    return life;
  }

  #forget(key: string): void {
    const life = this.#lives.get(key);
    if (life === undefined) return;
    this.#options.scheduler.remove(life.uid);
    this.#options.health.forget(life.uid);
    this.#options.onAddresses?.(key, undefined);
    this.#lives.delete(key);
    this.#keys.delete(life.uid);
  }

  #look(key: string, raw: KubeObject, backend: Backend): Scene {
    const { resolver, deniedCidrs } = this.#options;
    const alias = backend.spec.mode === 'ExternalName';
    const targets = alias
      ? backend.spec.targets.map((target) => ({ target, addresses: [] }))
      : addressesOf(backend.spec.targets, (host) => resolver.resolve(host), deniedCidrs, backend.spec.ports);
    const addresses = targets.flatMap((target) => target.addresses);
    const groups = alias ? [] : portGroups(backend.spec);
    return { key, raw, backend, targets, addresses, groups, checks: checksOf(groups, addresses) };
  }

  async #run(scene: Scene, life: Life): Promise<Outcome> {
    this.#probe(scene);
    const wait = this.#settling(scene, life);
    if (wait > 0) return { ok: true, afterMs: wait };
    const desired = desiredServices({
      backend: scene.backend,
      addresses: scene.addresses,
      groups: scene.groups,
      healthOf: (id) => this.#options.health.get(scene.backend.uid, id),
      legacyEndpoints: this.#options.legacyEndpoints,
    });
    const plans = desired.map((service) => this.#plan(scene, service));
    const removals = this.#removals(scene.backend);
    const errors = await this.#perform([...plans.map((plan) => plan.actions), ...removals]);
    const problems = plans.flatMap(({ problem }) => problem ?? []);
    return this.#conclude(scene, life, desired, problems, errors);
  }

  /** Checks that were published before this process began start with what was published, and within a period. */
  #probe({ backend, groups, addresses, checks }: Scene): void {
    const { health, scheduler, clock } = this.#options;
    health.retain(
      backend.uid,
      checks.map((check) => check.id),
    );
    if (checks.some((check) => health.get(backend.uid, check.id) === undefined)) {
      const published = this.#published(backend);
      const found = seeds(groups, addresses, published, backend.status, clock.wall());
      const isNew = ({ id }: Check): boolean => health.get(backend.uid, id) === undefined;
      const seeded = checks.filter((check) => !isNew(check) || found.has(check.id));
      for (const [id, value] of found) health.seed(backend.uid, id, value);
      if (seeded.length < checks.length && seeded.length > 0)
        scheduler.set(backend.uid, seeded, { fresh: false });
      if (seeded.length === checks.length) return scheduler.set(backend.uid, checks, { fresh: false });
    }
    scheduler.set(backend.uid, checks);
  }

  #published(backend: Backend) {
    const { view } = this.#options;
    const names = servicesOf(backend).filter((spec) => {
      const service = view.service(backend.namespace, spec.name);
      return (
        spec.adopt ||
        (service !== undefined && view.ownedNames(backend.namespace, backend.name).has(spec.name))
      );
    });
    return {
      slices: names.flatMap(({ name }) => view.slices(backend.namespace, name)),
      endpoints: names.flatMap(({ name }) => view.endpoints(backend.namespace, name) ?? []),
    };
  }

  /** How long to wait for first verdicts; 0 as soon as anything is published or known of all. */
  #settling({ backend, checks }: Scene, life: Life): number {
    const { health, clock, view } = this.#options;
    if (view.ownedNames(backend.namespace, backend.name).size > 0) return 0;
    const open = checks.some(
      ({ id, timing }) =>
        timing.initialDelayMs === 0 && (health.get(backend.uid, id)?.state ?? 'unknown') === 'unknown',
    );
    return open ? life.firstSeen + SETTLE_MS - clock.now() : 0;
  }

  #plan({ backend }: Scene, desired: DesiredService) {
    return planService(desired, this.#observed(backend.namespace, desired.name), {
      backend,
      rival: this.#options.registry.rival(backend, desired.name),
      maxEndpointsPerSlice: this.#options.maxEndpointsPerSlice,
    });
  }

  /** What was made under names that the spec does not have any more; a name that a sibling claims is the sibling's to take over. */
  #removals(backend: Backend): readonly (readonly Action[])[] {
    const wanted = new Set(servicesOf(backend).map(({ name }) => name));
    const { view, registry } = this.#options;
    return [...view.ownedNames(backend.namespace, backend.name)]
      .filter((name) => !wanted.has(name) && registry.rival(backend, name) === undefined)
      .map((name) => planRemoval(this.#observed(backend.namespace, name), backend.name));
  }

  #observed(namespace: string, name: string): Observed {
    const { view } = this.#options;
    return {
      service: view.service(namespace, name),
      slices: view.slices(namespace, name),
      endpoints: view.endpoints(namespace, name),
    };
  }

  /** Each list in its order, the lists side by side: one Service that is refused holds back no other. */
  async #perform(lists: readonly (readonly Action[])[]): Promise<readonly OperatorError[]> {
    const results = await Promise.allSettled(
      lists.map(async (actions) => {
        for (const action of actions) await this.#options.writer.perform(action);
      }),
    );
    return results.flatMap((result) =>
      result.status === 'rejected' ? [asOperatorError(result.reason)] : [],
    );
  }

  async #conclude(
    scene: Scene,
    life: Life,
    desired: readonly DesiredService[],
    problems: readonly Problem[],
    errors: readonly OperatorError[],
  ): Promise<Outcome> {
    const failed = errors.filter((error) => error.kind !== 'waiting');
    life.failures = failed.length > 0 ? life.failures + 1 : 0;
    const told =
      failed.find((e) => e.kind === 'terminal') ?? (life.failures >= TOLD_FAILURES ? failed[0] : undefined);
    const status = statusOf({
      ...scene,
      healthOf: (id) => this.#options.health.get(scene.backend.uid, id),
      desired,
      problems,
      error: told,
      now: this.#options.clock.wall(),
    });
    this.#options.onAddresses?.(scene.key, {
      ready: status.readyAddresses ?? 0,
      total: status.totalAddresses ?? 0,
    });
    const more = await this.#writeStatus(scene.raw, scene.backend.status, status);
    return foremost([...errors, ...more]) ?? { ok: true };
  }

  async #refuse(entry: Entry, problems: Parameters<typeof invalid>[0]): Promise<Outcome> {
    this.#options.scheduler.remove(entry.raw.metadata.uid ?? '');
    return this.#writeReady(entry.raw, undefined, invalid(problems));
  }

  async #suspend(entry: Entry, backend: Backend): Promise<Outcome> {
    this.#options.scheduler.remove(backend.uid);
    return this.#writeReady(entry.raw, backend.status, suspended);
  }

  async #writeReady(
    raw: KubeObject,
    previous: Status | undefined,
    ready: typeof suspended,
  ): Promise<Outcome> {
    const status = statusWithReady(previous, raw.metadata.generation ?? 0, ready, this.#options.clock.wall());
    return foremost(await this.#writeStatus(raw, previous, status)) ?? { ok: true };
  }

  async #writeStatus(
    raw: KubeObject,
    previous: Status | undefined,
    status: Status,
  ): Promise<readonly OperatorError[]> {
    if (sameStatus(previous, status)) return [];
    const { namespace, name, uid = '' } = raw.metadata;
    const action: Action = { op: 'status', ref: { kind: 'ExternalBackend', namespace, name, uid }, status };
    const errors = await this.#perform([[action]]);
    if (errors.length === 0) this.#tell(raw, readyOf(previous), readyOf(status));
    return errors;
  }

  /** An Event when `Ready` becomes false, or false for another reason, and when it is true again. */
  #tell(raw: KubeObject, before: Condition | undefined, after: Condition | undefined): void {
    if (after === undefined || (before?.reason === after.reason && before.message === after.message)) return;
    if (after.status === 'True' && before?.status !== 'False') return;
    const type = after.status === 'True' ? 'Normal' : 'Warning';
    this.#options.events.record(raw, {
      type,
      reason: after.reason,
      action: 'Reconcile',
      note: after.message,
    });
  }
}

const readyOf = (status: Status | undefined): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === 'Ready');

const asOperatorError = (error: unknown): OperatorError =>
  error instanceof OperatorError
    ? error
    : new OperatorError(String(error), { kind: 'transient', reason: 'Bug', cause: error });

/** The one that decides when to look again: what may pass is retried soonest, what cannot pass is not. */
const foremost = (errors: readonly OperatorError[]): OperatorError | undefined =>
  errors.find((e) => e.kind === 'transient') ?? errors.find((e) => e.kind === 'waiting') ?? errors[0];
