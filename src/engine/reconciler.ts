import { parseStatus } from '../api/parse.ts';
import type { Backend, Status } from '../api/external-backend.ts';
import type { Cidr } from '../core/address.ts';
import type { DesiredService } from '../core/desired.ts';
import type { Check } from '../core/check.ts';
import type { OperatorError } from '../core/errors.ts';
import type { KubeObject } from '../core/objects.ts';
import { secretsOf } from '../core/materials.ts';
import type { Problem } from '../core/plan.ts';
import type { Roles } from '../core/roles.ts';
import { switchOf } from '../core/alias.ts';
import { invalid, publishedPrimary, statusOf, suspended } from '../core/status.ts';
import { writtenService, type WrittenService } from '../core/written.ts';
import { Contests } from './contests.ts';
import { firstServices, hasFirstServices } from './first-services.ts';
import { Lives, livingEvents, patientWriter, type Life } from './lives.ts';
import { foremost, performAll } from './perform.ts';
import { observed } from './planning.ts';
import type { ClusterView, Resolver, Secrets, Writer } from './ports.ts';
import { probe, seedChecks, settlingMs, type ProbingOptions } from './probing.ts';
import { publish, type Publication, type PublishingOptions } from './publishing.ts';
import type { Entry } from './registry.ts';
import { follow, resolverOf } from './resolving.ts';
import { changesAfterMs, look, lookAtAlias, rolesIn, type AliasScene, type Scene } from './scene.ts';
import { writeReady, writeStatus, type StatusWriterOptions } from './status-writer.ts';
import type { Outcome } from './outcome.ts';

export interface ReconcilerOptions extends ProbingOptions, PublishingOptions, StatusWriterOptions {
  readonly resolver: Resolver;
  readonly secrets: Secrets;
  readonly chooseProbes: boolean;
  readonly deniedCidrs: readonly Cidr[];
  /**
   * How long a status waits once slices were written, in milliseconds. What follows at once (the first verdict of an
   * address that joined, another address of a host that died) is told by the same status, and the slices of other
   * backends do not stand behind it in the API server, to which a status is the dearest of all writes. Default: 100, in
   * which nobody misses it and a failover is over.
   */
  readonly statusPauseMs?: number;
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

/** A scene of which all is written, or was refused. */
interface Written extends Scene {
  readonly alias: AliasScene | undefined;
  readonly roles: Roles;
  readonly desired: readonly DesiredService[];
  readonly written: readonly WrittenService[];
  readonly problems: readonly Problem[];
}

/** A scene in which the Services were written, as far as they were accepted. */
interface Published extends Scene, Pick<Written, 'alias' | 'roles'> {
  /** Service -> the host that it pointed to, of an alias. */
  readonly before: ReadonlyMap<string, string>;
}

const STATUS_PAUSE_MS = 100;

/** Not later than what was refused is tried again. */
const FIRST_AGAIN_MS = 30_000;

/** From this many transient failures in a row on, the status tells of them. */
const TOLD_FAILURES = 3;

/**
 * The only writer: read -> parse -> resolve -> desired -> plan -> apply -> status, for one key at a time.
 * Level-based: it looks at what is there and never at what happened, so a run may be cut anywhere and begun anew.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #lives: Lives;
  readonly #contests: Contests;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#contests = new Contests(options.clock);
    this.#lives = new Lives({ clock: options.clock, onEnd: (key, uid) => this.#forget(key, uid) });
  }

  /** The key of a backend by its uid; undefined: not known (any more). */
  keyOf(uid: string): string | undefined {
    return this.#lives.keyOf(uid);
  }

  /** Forgets all health and stops all probes: the term is over. The next run of each key begins from what is published. */
  reset(): void {
    this.#lives.endAll();
  }

  /**
   * Something urgent happened to a backend that may be in a run: what that run still waits to write (Endpoints, a
   * status behind a thousand others) is given up, so that the next run can write the slice at once.
   */
  hurry(key: string): void {
    this.#lives.hurry(key);
  }

  /** Whether a run of this key began with this generation of the object; true also where none ever did. */
  hasSeen(key: string, object: KubeObject | undefined): boolean {
    return this.#lives.hasSeen(key, object);
  }

  async reconcile(key: string): Promise<Outcome> {
    const { registry, view } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    registry.update(key, view.backend(namespace, name));
    const entry = registry.get(key);
    if (entry === undefined || entry.raw.metadata.deletionTimestamp !== undefined) {
      this.#lives.end(key);
      return { ok: true };
    }
    const life = this.#lives.enter(key, entry.raw);
    if (!entry.parsed.ok) return this.#halt(entry, life, invalid(entry.parsed.problems));
    const { backend } = entry.parsed;
    if (backend.spec.suspend) return this.#halt(entry, life, suspended);
    const first = this.#look(key, entry, backend);
    const scene = seedChecks(first, this.#options) ? this.#look(key, entry, backend) : first;
    return this.#isFirst(life) && hasFirstServices(scene, view)
      ? this.#makeFirst(scene, life)
      : this.#run(scene, life);
  }

  /** They are part of what the next run looks at, and it comes at once. */
  async #makeFirst(scene: Scene, life: Life): Promise<Outcome> {
    const againAt = this.#options.clock.now() + FIRST_AGAIN_MS;
    life.triedFirst = { generation: life.generation, againAt };
    const lists = firstServices(scene, this.#options);
    await performAll(patientWriter(life, this.#options.writer), lists);
    return { ok: true, afterMs: 0 };
  }

  #isFirst({ triedFirst, generation }: Life): boolean {
    if (triedFirst === undefined || triedFirst.generation !== generation) return true;
    return this.#options.clock.now() >= triedFirst.againAt;
  }

  #look(key: string, { raw }: Entry, backend: Backend): Scene {
    follow(backend, this.#options);
    const { secrets, health } = this.#options;
    secrets.follow(backend.uid, backend.namespace, secretsOf(backend.spec));
    return look(key, raw, backend, {
      ...this.#options,
      resolve: resolverOf(backend, this.#options),
      healthOf: health.of(backend.uid),
      secretOf: (name) => secrets.state(backend.namespace, name),
    });
  }

  #forget(key: string, uid: string): void {
    this.#contests.forget(key);
    this.#stopAsking(uid);
    this.#options.health.forget(uid);
    this.#options.onAddresses?.(key, undefined);
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
    const { view } = this.#options;
    const writer = patientWriter(life, this.#options.writer);
    const alias = this.#aliasOf(scene, life);
    const roles = rolesIn(scene, view);
    const before = aliasesOf(scene, view);
    const { refusals } = life;
    refusals.begin(life.generation);
    const options = { ...this.#options, contests: this.#contests };
    const done = await publish(scene, { roles, alias, refusals }, writer, options);
    return life.over ? { ok: true } : this.#published({ ...scene, alias, roles, before }, done, life, writer);
  }

  async #published(scene: Published, done: Publication, life: Life, writer: Writer): Promise<Outcome> {
    const [refused, kept] = [done.failed, done.kept].map((failed) => failed.map(({ error }) => error));
    const errors = [...(refused ?? []), ...(kept ?? [])];
    // What a removed Service held (a node port, a cluster IP) is free now, and may be all that was missing.
    if (done.freed && foremost(errors)?.kind === 'terminal') return { ok: true, afterMs: 0 };
    const { statusPauseMs = STATUS_PAUSE_MS } = this.#options;
    if (done.wroteSlices) life.statusAt ??= this.#options.clock.now() + statusPauseMs;
    const problems = done.plans.flatMap(({ problem }) => problem ?? []);
    const { desired } = done;
    const { namespace } = scene.backend;
    const written = desired.map((each) =>
      writtenService(each, observed(namespace, each.name, this.#options.view)),
    );
    this.#tellSwitch(scene, written, life);
    return this.#conclude({ ...scene, desired, written, problems }, life, writer, errors);
  }

  #aliasOf(scene: Scene, life: Life): AliasScene | undefined {
    const { clock, view } = this.#options;
    const alias = lookAtAlias(scene, view, life.hosts ?? new Map(), clock.now());
    life.hosts = alias?.hosts;
    return alias;
  }

  /** Records an Event when a Service that pointed to another host points to the chosen one. */
  #tellSwitch({ raw, alias, before }: Published, written: readonly WrittenService[], life: Life): void {
    if (alias === undefined) return;
    const { candidates, choice } = alias;
    const pointsThere = written
      .filter(({ available }) => available)
      .flatMap(({ name }) => before.get(name) ?? []);
    const left = pointsThere.find((host) => host !== choice.name);
    const told = switchOf(candidates, left, choice.name);
    if (told === undefined) return;
    const events = livingEvents(life, this.#options.events);
    events.record(raw, { ...told, reason: 'AliasSwitched', action: 'Switch' });
  }

  /**
   * Says how it went.
   *
   * | errors                             | status written | Ready tells of                |
   * |------------------------------------|----------------|-------------------------------|
   * | none                               | yes            | the problems, or that all is well |
   * | none, slices were written just now | after a pause  | the same, as it is then       |
   * | a terminal one                     | yes            | it                            |
   * | transient, for the third time      | yes            | it                            |
   * | transient before that, or waiting  | no             | -: the work is not done, and nothing false is said |
   * | none, an address is left out       | yes            | its refusal                   |
   */
  async #conclude(
    scene: Written,
    life: Life,
    writer: Writer,
    errors: readonly OperatorError[],
  ): Promise<Outcome> {
    const failed = errors.filter((error) => error.kind !== 'waiting');
    life.failures = failed.length > 0 ? life.failures + 1 : 0;
    const lasting =
      failed.find((e) => e.kind === 'terminal') ?? (life.failures >= TOLD_FAILURES ? failed[0] : undefined);
    const status = this.#statusOf(scene, lasting ?? life.refusals.error(), life);
    this.#count(scene, status);
    const pauseMs = errors.length > 0 ? 0 : (life.statusAt ?? 0) - this.#options.clock.now();
    if (pauseMs > 0) return this.#outcome(undefined, scene, life, pauseMs);
    if (errors.length > 0 && lasting === undefined) return this.#outcome(foremost(errors), scene, life);
    const more = await this.#writeStatus(scene, status, life, writer);
    return life.over ? { ok: true } : this.#outcome(foremost([...errors, ...more]), scene, life);
  }

  #count(scene: Written, { readyAddresses: ready = 0, totalAddresses: total = 0 }: Status): void {
    const primary = publishedPrimary(scene).map(({ ip }) => ip);
    this.#options.onAddresses?.(scene.key, { ready, total, primary, checks: scene.checks });
  }

  #writeStatus(
    scene: Written,
    status: Status,
    life: Life,
    writer: Writer,
  ): Promise<readonly OperatorError[]> {
    life.statusAt = undefined;
    const events = livingEvents(life, this.#options.events);
    return writeStatus(scene.raw, scene.backend.status, status, { ...this.#options, writer, events });
  }

  /** What changes by the mere passing of time does so whatever became of the writes. */
  #outcome(error: OperatorError | undefined, scene: Written, { refusals }: Life, pauseMs?: number): Outcome {
    const now = this.#options.clock.now();
    const retryAt = refusals.nextAt();
    const times = [
      changesAfterMs(scene, scene.alias, now, pauseMs),
      this.#contests.nextMs(scene.key),
      retryAt === undefined ? undefined : Math.max(1, retryAt - now),
    ];
    const known = times.filter((ms) => ms !== undefined);
    const afterMs = known.length > 0 ? Math.min(...known) : undefined;
    if (error !== undefined) return afterMs === undefined ? error : { ok: false, error, afterMs };
    return { ok: true, ...(afterMs !== undefined && { afterMs }) };
  }

  #statusOf({ alias, ...scene }: Written, error: OperatorError | undefined, { refusals }: Life): Status {
    const now = this.#options.clock.wall();
    const { candidates = [], choice } = alias ?? {};
    return statusOf({ ...scene, candidates, alias: choice?.name, error, refused: refusals.words(), now });
  }

  /**
   * Probing and writing stop; what is published stays, and so does what was said of it. Health of before is not believed
   * by a later run: it begins from what is published, as after a start.
   */
  async #halt({ raw }: Entry, life: Life, ready: typeof suspended): Promise<Outcome> {
    life.hosts = undefined;
    this.#stopAsking(life.uid);
    this.#options.health.forget(life.uid);
    const writer = patientWriter(life, this.#options.writer);
    const events = livingEvents(life, this.#options.events);
    const errors = await writeReady(raw, parseStatus(raw), ready, { ...this.#options, writer, events });
    return (life.over ? undefined : foremost(errors)) ?? { ok: true };
  }
}

/** Service -> the host that it points to, of the Services of an alias. */
function aliasesOf({ backend, standing }: Scene, view: ClusterView): ReadonlyMap<string, string> {
  const names = backend.spec.mode === 'ExternalName' ? view.ownedNames(backend.namespace, backend.name) : [];
  return new Map(
    [...names].flatMap((name) => {
      const { externalName } = standing(name)?.spec ?? {};
      return externalName === undefined ? [] : [[name, externalName] as const];
    }),
  );
}
