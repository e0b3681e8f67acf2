import { parseStatus } from '../api/parse.ts';
import type { Backend, ServiceSpec, Status } from '../api/external-backend.ts';
import type { Action } from '../core/action.ts';
import type { Cidr } from '../core/address.ts';
import { desiredServices, isForServerToSay, servicesOf, type DesiredService } from '../core/desired.ts';
import type { Check } from '../core/check.ts';
import type { OperatorError } from '../core/errors.ts';
import { secretsOf } from '../core/materials.ts';
import { planRemoval, planService, type Observed, type Problem } from '../core/plan.ts';
import type { Service } from '../core/objects.ts';
import type { HealthOf } from '../core/readiness.ts';
import type { Roles } from '../core/roles.ts';
import { switchOf } from '../core/alias.ts';
import { invalid, statusOf, suspended } from '../core/status.ts';
import { foremost, performAll } from './perform.ts';
import type { Resolver, Secrets, Writer } from './ports.ts';
import { probe, settlingMs, type ProbingOptions } from './probing.ts';
import type { BackendRegistry, Entry } from './registry.ts';
import { follow, resolverOf } from './resolving.ts';
import { look, lookAtAlias, rolesIn, type AliasScene, type Scene } from './scene.ts';
import { writeReady, writeStatus, type StatusWriterOptions } from './status-writer.ts';
import type { Outcome } from './work-queue.ts';

export interface ReconcilerOptions extends ProbingOptions, StatusWriterOptions {
  readonly resolver: Resolver;
  readonly secrets: Secrets;
  readonly chooseProbes: boolean;
  readonly registry: BackendRegistry;
  readonly deniedCidrs: readonly Cidr[];
  readonly legacyEndpoints: boolean;
  readonly maxEndpointsPerSlice: number;
  /** What a backend has now; undefined when it is gone. */
  readonly onAddresses?: (key: string, has: BackendFigures | undefined) => void;
}

/** What is counted of a backend. */
export interface BackendFigures {
  /** Addresses. */
  readonly ready: number;
  readonly total: number;
  /** IPs that the Services of role Primary lead to. */
  readonly primary: readonly string[];
  readonly checks: readonly Check[];
}

/** One life of a backend: a namesake created later is another. */
interface Life {
  readonly uid: string;
  generation: number | undefined;
  /** When this generation was first seen, monotonic. */
  seenAt: number;
  /** Transient failures in a row. */
  failures: number;
  /** The generation whose new Services were made first, or refused. */
  triedFirst?: number | undefined;
  /** Of the run in progress, or of the last one. */
  patience: AbortController;
}

/** A scene of which all is written, or was refused. */
interface Written extends Scene {
  readonly alias: AliasScene | undefined;
  readonly roles: Roles;
  readonly desired: readonly DesiredService[];
  readonly problems: readonly Problem[];
}

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

  /**
   * Something urgent happened to a backend that may be in a run: what that run still waits to write (Endpoints, a
   * status behind a thousand others) is given up, so that the next run can write the slice at once.
   */
  hurry(key: string): void {
    this.#lives.get(key)?.patience.abort();
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
    const life = this.#enter(key, entry);
    if (!entry.parsed.ok) return this.#halt(entry, invalid(entry.parsed.problems));
    const { backend } = entry.parsed;
    if (backend.spec.suspend) return this.#halt(entry, suspended);
    const scene = this.#look(key, entry, backend);
    return this.#isForServerToSay(scene, life) ? this.#makeFirst(scene, life) : this.#run(scene, life);
  }

  /** Whether there are IPv6 addresses and a new Service of which only the server can say whether it carries them. */
  #isForServerToSay({ backend, addresses }: Scene, { triedFirst, generation }: Life): boolean {
    if (triedFirst === generation || backend.spec.mode !== 'Endpoints') return false;
    return (
      addresses.some(({ family }) => family === 'IPv6') && servicesOf(backend).some(this.#isNew(backend))
    );
  }

  #isNew({ namespace }: Backend): (spec: ServiceSpec) => boolean {
    return (spec) => isForServerToSay(spec) && this.#options.view.service(namespace, spec.name) === undefined;
  }

  /**
   * Makes such Services before anybody is asked: an address that no Service carries is not waited for, and is in no
   * slice. What is refused is tried again, and told, by the run that comes next.
   */
  async #makeFirst(scene: Scene, life: Life): Promise<Outcome> {
    life.triedFirst = life.generation;
    const { backend } = scene;
    const roles = rolesIn(scene, this.#healthOf(backend), this.#options.view);
    const isNew = this.#isNew(backend);
    const lists = this.#desired(scene, roles, undefined)
      .filter(({ spec }) => isNew(spec))
      .map((desired) => this.#plan(scene, desired))
      .filter(({ problem }) => problem === undefined)
      .map(({ actions }) => actions.filter(({ op }) => op === 'applyService'));
    await performAll(this.#patientWriter(life), lists);
    return { ok: true, afterMs: 0 };
  }

  #look(key: string, { raw }: Entry, backend: Backend): Scene {
    follow(backend, this.#options);
    const { secrets } = this.#options;
    secrets.follow(backend.uid, backend.namespace, secretsOf(backend.spec));
    return look(key, raw, backend, {
      ...this.#options,
      resolve: resolverOf(backend, this.#options),
      healthOf: this.#healthOf(backend),
      secretOf: (name) => secrets.state(backend.namespace, name),
      standing: this.#standing(backend),
    });
  }

  #enter(key: string, { raw }: Entry): Life {
    const { uid = '', generation } = raw.metadata;
    const known = this.#lives.get(key);
    const seenAt = this.#options.clock.now();
    if (known?.uid === uid) {
      if (known.generation !== generation) Object.assign(known, { generation, seenAt });
      return known;
    }
    this.#forget(key);
    const life = { uid, generation, seenAt, failures: 0, patience: new AbortController() };
    this.#lives.set(key, life);
    this.#keys.set(uid, key);
    return life;
  }

  #forget(key: string): void {
    const life = this.#lives.get(key);
    if (life === undefined) return;
    this.#stopAsking(life.uid);
    this.#options.health.forget(life.uid);
    this.#options.onAddresses?.(key, undefined);
    this.#lives.delete(key);
    this.#keys.delete(life.uid);
  }

  #stopAsking(uid: string): void {
    this.#options.scheduler.remove(uid);
    this.#options.resolver.follow(uid, [], { minMs: 0, maxMs: 0 });
    this.#options.secrets.follow(uid, '', []);
  }

  async #run(scene: Scene, life: Life): Promise<Outcome> {
    probe(scene, this.#options);
    const settleMs = settlingMs(scene, life.seenAt, this.#options);
    if (settleMs > 0) return { ok: true, afterMs: settleMs };
    const { clock, view } = this.#options;
    const writer = this.#patientWriter(life);
    const alias = lookAtAlias(scene, this.#healthOf(scene.backend), view, clock.wall());
    const roles = rolesIn(scene, this.#healthOf(scene.backend), view);
    const desired = this.#desired(scene, roles, alias);
    const plans = desired.map((service) => this.#plan(scene, service));
    const removals = this.#removals(scene.backend);
    const [refused, kept] = await Promise.all([
      performAll(
        writer,
        plans.map((plan) => plan.actions),
      ),
      performAll(writer, removals),
    ]);
    // What a removed Service held (a node port, a cluster IP) is free now, and may be all that was missing.
    const freed = removals.flat().length > 0 && kept.length === 0;
    if (freed && foremost(refused)?.kind === 'terminal') return { ok: true, afterMs: 0 };
    const problems = plans.flatMap(({ problem }) => problem ?? []);
    if (refused.length === 0 && problems.length === 0) this.#tellSwitch(scene, alias);
    return this.#conclude({ ...scene, alias, roles, desired, problems }, life, writer, [...refused, ...kept]);
  }

  #desired(scene: Scene, roles: Roles, alias: AliasScene | undefined): readonly DesiredService[] {
    const { backend } = scene;
    const { legacyEndpoints } = this.#options;
    return desiredServices({
      ...scene,
      roles,
      healthOf: this.#healthOf(backend),
      legacyEndpoints,
      alias: alias?.choice.name,
      standing: this.#standing(backend),
    });
  }

  /** The Service of a name as it stands, if it is ours. */
  #standing({ namespace, name }: Backend): (service: string) => Service | undefined {
    const { view } = this.#options;
    const owned = view.ownedNames(namespace, name);
    return (service) => (owned.has(service) ? view.service(namespace, service) : undefined);
  }

  #tellSwitch({ raw }: Scene, alias: AliasScene | undefined): void {
    const told = alias && switchOf(alias.candidates, alias.before, alias.choice.name);
    if (told === undefined) return;
    this.#options.events.record(raw, { ...told, reason: 'AliasSwitched', action: 'Switch' });
  }

  /** Gives up what waits when the backend is hurried during this run. */
  #patientWriter(life: Life): Writer {
    life.patience = new AbortController();
    const { signal } = life.patience;
    return { perform: (action) => this.#options.writer.perform(action, signal) };
  }

  #healthOf({ uid }: Backend): HealthOf {
    return (id) => this.#options.health.get(uid, id);
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

  /**
   * Says how it went.
   *
   * | errors                             | status written | Ready tells of                |
   * |------------------------------------|----------------|-------------------------------|
   * | none                               | yes            | the problems, or that all is well |
   * | a terminal one                     | yes            | it                            |
   * | transient, for the third time      | yes            | it                            |
   * | transient before that, or waiting  | no             | -: the work is not done, and nothing false is said |
   */
  async #conclude(
    scene: Written,
    life: Life,
    writer: Writer,
    errors: readonly OperatorError[],
  ): Promise<Outcome> {
    const failed = errors.filter((error) => error.kind !== 'waiting');
    life.failures = failed.length > 0 ? life.failures + 1 : 0;
    const told =
      failed.find((e) => e.kind === 'terminal') ?? (life.failures >= TOLD_FAILURES ? failed[0] : undefined);
    const status = this.#statusOf(scene, told);
    const { readyAddresses: ready = 0, totalAddresses: total = 0 } = status;
    const primary = scene.roles.primary.map(({ ip }) => ip);
    this.#options.onAddresses?.(scene.key, { ready, total, primary, checks: scene.checks });
    const unsaid = errors.length > 0 && told === undefined;
    const more = unsaid
      ? []
      : await writeStatus(scene.raw, scene.backend.status, status, { ...this.#options, writer });
    return this.#outcome(foremost([...errors, ...more]), scene);
  }

  /** What changes by the mere passing of time does so whatever became of the writes. */
  #outcome(error: OperatorError | undefined, scene: Written): Outcome {
    const afterMs = this.#next(scene);
    if (error !== undefined) return afterMs === undefined ? error : { ok: false, error, afterMs };
    return { ok: true, ...(afterMs !== undefined && { afterMs }) };
  }

  #statusOf({ alias, ...scene }: Written, error: OperatorError | undefined): Status {
    const healthOf = this.#healthOf(scene.backend);
    const now = this.#options.clock.wall();
    const { candidates = [], choice } = alias ?? {};
    return statusOf({ ...scene, healthOf, candidates, alias: choice?.name, error, now });
  }

  /** When something changes by the mere passing of time. */
  #next({ nextAt, alias }: Written): number | undefined {
    const aging = nextAt === undefined ? [] : [Math.max(1, nextAt - this.#options.clock.now())];
    const all = [...aging, ...(alias?.choice.afterMs === undefined ? [] : [alias.choice.afterMs])];
    return all.length > 0 ? Math.min(...all) : undefined;
  }

  /** Probing and writing stop; what is published stays, and so does what was said of it. */
  async #halt({ raw }: Entry, ready: typeof suspended): Promise<Outcome> {
    this.#stopAsking(raw.metadata.uid ?? '');
    return foremost(await writeReady(raw, parseStatus(raw), ready, this.#options)) ?? { ok: true };
  }
}
