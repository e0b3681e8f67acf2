import type { MaintenanceAction, ServiceSpec, Spec } from '../../src/api/external-backend.ts';
import { ownerName } from '../../src/core/kubernetes/ownership.ts';
import { wantedOf, type ServiceLike, type Wanted } from '../engine/histories/wanted.ts';
import { namespace } from '../support/builders/builders.ts';
import type { ManualClock } from '../support/fakes/manual-clock.ts';
import { boundsFor } from './bounds.ts';
import type { Cluster } from './cluster.ts';
import { Evidence } from './evidence.ts';
import type { History } from './history.ts';
import { needsOf, tierIn, type Need } from './needs.ts';
import type { Targets } from './network/targets.ts';
import { Windows } from './windows.ts';
import type { Zones } from './network/zones.ts';
import { publishedByService, readyByService } from './published.ts';
import type { Author } from './replica-options.ts';

/** Spec of a backend from an instant on; undefined: it was deleted. */
interface Edit {
  readonly at: number;
  readonly spec: Spec | undefined;
  readonly annotation: string | undefined;
  readonly windows: Windows | undefined;
}

export interface ActionSpan {
  readonly at: number;
  readonly action: MaintenanceAction | undefined;
}

export interface SceneOptions {
  readonly clock: ManualClock;
  readonly cluster: Cluster;
  readonly targets: Targets;
  readonly zones: Zones;
  readonly history: Pick<History, 'isolation' | 'secondOpinion' | 'replicas'>;
}

/** Window in which a decision and its write may lie apart: normally, and around a disturbance. */
const calmWindowMs = 3_000;
const disturbedWindowMs = 30_000;

export type SimulatedService = ServiceLike & Pick<Partial<ServiceSpec>, 'whenNoneReady'>;

const free: Wanted = { is: 'free', why: '' };

/** What the recorder knows of a run: the truth outside, what people asked for, and what replicas have seen. */
export class Scene {
  readonly clock: ManualClock;
  readonly cluster: Cluster;
  readonly targets: Targets;
  readonly zones: Zones;
  readonly evidence: Evidence;
  readonly history: SceneOptions['history'];
  readonly #edits = new Map<string, Edit[]>();
  readonly #terms = new Map<string, number>();
  /** The latest term that has begun and not ended, and its begin. */
  term: { readonly author: Author; readonly at: number } | undefined;
  /** Instant at which the last disturbance of the operator and its network is over. */
  calmFrom = 0;
  /** The same, without cuts between replicas and servers. */
  steadyFrom = 0;
  /** Instant at which the last event is over. */
  changedAt = 0;
  /** A person has deleted a backend or slices, so that what they showed is lost. */
  isTampered = false;

  constructor({ clock, cluster, targets, zones, history }: SceneOptions) {
    this.history = history;
    this.clock = clock;
    this.cluster = cluster;
    this.targets = targets;
    this.zones = zones;
    this.evidence = new Evidence(clock);
  }

  get now(): number {
    return this.clock.now();
  }

  /** Records that a term has begun. */
  termBegan(author: Author): void {
    this.term = { author, at: this.now };
    this.#terms.set(termOf(author), this.now);
  }

  /** Returns the begin of a term. */
  beginOf(author: Author): number {
    return this.#terms.get(termOf(author)) ?? 0;
  }

  /** @param what `paths`: only the paths from replicas to servers */
  disturbed(untilMs: number, what: 'paths' | 'all' = 'all'): void {
    this.calmFrom = Math.max(this.calmFrom, untilMs);
    if (what === 'all') this.steadyFrom = Math.max(this.steadyFrom, untilMs);
  }

  /** Begin of the window in which a write that was sent at that instant was decided. */
  windowFrom(sentAt: number): number {
    const isCalm = this.calmFrom === 0 || sentAt > this.calmFrom + disturbedWindowMs;
    return sentAt - (isCalm ? calmWindowMs : disturbedWindowMs);
  }

  edited(backend: string, spec: Spec | undefined): void {
    this.#record(backend, spec, spec && this.#edits.get(backend)?.at(-1)?.annotation);
  }

  annotated(backend: string, annotation: string | undefined): void {
    this.#record(backend, this.specOf(backend), annotation);
  }

  #record(backend: string, spec: Spec | undefined, annotation: string | undefined): void {
    const isPlain = spec === undefined || (spec.maintenance === undefined && annotation === undefined);
    const windows = isPlain ? undefined : new Windows(spec, annotation);
    const edits = this.#edits.get(backend) ?? [];
    this.#edits.set(backend, [...edits, { at: this.now, spec, annotation, windows }]);
  }

  /** Returns true if a backend has, or had, maintenance windows. */
  hasWindows(backend: string): boolean {
    return this.#edits.get(backend)?.some(({ windows }) => windows !== undefined) === true;
  }

  /**
   * Returns the maintenance actions that applied to an address at any time since an instant, each with its begin. They are
   * those of its target.
   */
  actionsSince(backend: string, ip: string, from: number): readonly ActionSpan[] {
    const edits = this.#edits.get(backend) ?? [];
    const shift = this.clock.wall() - this.now;
    return edits.flatMap(({ at, windows, spec }, i) => {
      const until = Math.min(edits[i + 1]?.at ?? Infinity, this.now);
      if (until < from) return [];
      const host = spec?.targets.find((each) =>
        (this.zones.addresses.get(each.host) ?? [each.host]).includes(ip),
      )?.host;
      const since = Math.max(at, from);
      if (windows === undefined || host === undefined) return [{ at: since, action: undefined }];
      return windows
        .between(host, since + shift, until + shift)
        .map((span) => ({ at: span.at - shift, action: span.action }));
    });
  }

  get backends(): readonly string[] {
    return [...this.#edits.keys()];
  }

  specOf(backend: string): Spec | undefined {
    return this.#edits.get(backend)?.at(-1)?.spec;
  }

  editedAt(backend: string): number {
    return this.#edits.get(backend)?.at(-1)?.at ?? 0;
  }

  /** Returns the specs that were in force at any time since that instant. */
  specsSince(backend: string, from: number): readonly (Spec | undefined)[] {
    const edits = this.#edits.get(backend) ?? [];
    return edits.filter((_, i) => (edits[i + 1]?.at ?? Infinity) >= from).map(({ spec }) => spec);
  }

  /** Returns the backend that owns the Service of this name; of none, the one that has or had it last in its spec. */
  holderOf(service: string): string | undefined {
    const stored = this.cluster.api.cluster.service(namespace, service);
    return (stored && ownerName(stored)) ?? this.backendOf(service);
  }

  /** Returns the backend that has, or had last, a Service of this name. */
  backendOf(service: string): string | undefined {
    return this.backends.findLast((backend) =>
      (this.#edits.get(backend) ?? []).some(({ spec }) =>
        servicesOf(backend, spec).some(({ name }) => name === service),
      ),
    );
  }

  /** True if a replica leads undisturbed, and each address is published where it must be and nowhere else. */
  get isSettled(): boolean {
    if (this.term === undefined || this.now < this.calmFrom) return false;
    if (this.now < this.changedAt + this.#unseenMs()) return false;
    const publishes = this.publishes();
    return this.backends.every((backend) => {
      const spec = this.specOf(backend);
      if (spec === undefined) return true;
      return servicesOf(backend, spec).every((service) => {
        const needOf = this.needs(backend, service, spec);
        return [...this.targets.hosts.keys()].every((ip) => {
          const need = needOf(ip);
          return need.is === 'free' || (need.is === 'in') === publishes(service.name, ip, need);
        });
      });
    });
  }

  /** Time in which the status follows an address of a tier that is not used, which no slice shows. */
  #unseenMs(): number {
    const specs = this.backends.flatMap((backend) => this.specOf(backend) ?? []);
    const tiered = specs.filter(({ targets }) => new Set(targets.map(({ priority }) => priority)).size > 1);
    return Math.max(0, ...tiered.map(boundsFor).map((bounds) => bounds.joinMs));
  }

  /** Returns a lookup: does a Service publish an address, as far as it counts for what it needs of it? */
  publishes(): (service: string, ip: string, need: Need) => boolean {
    const [published, ready] = [publishedByService(this.cluster), readyByService(this.cluster)];
    return (service, ip, { isKept }) => (isKept ? ready : published).get(service)?.has(ip) === true;
  }

  get isIsolated(): boolean {
    return this.term?.author.replica.engine.isIsolated === true;
  }

  /** Returns what a Service needs of each address. */
  needs(backend: string, service: SimulatedService, spec: Spec): (ip: string) => Need {
    const servers = new Map(
      [...this.targets.hosts].map(([of, { state, role }]) => [of, { alive: state === 'up', role }] as const),
    );
    const names = this.zones.addresses;
    const claims = [...servers.values()].filter(({ alive, role }) => alive && role === 'Primary').length;
    // An old primary that only the leader does not reach keeps its role until the leader does.
    const leader = this.term?.author.replica.index ?? 0;
    const seesAll = [...servers].every(([ip, { alive }]) => !alive || this.targets.path(leader, ip).is);
    const alone = [...servers].map(([ip, { alive }]) => {
      // Which of two primaries is elected depends on what each replica has seen.
      if ((claims > 1 || !seesAll) && service.role === 'Primary' && alive) return [ip, free] as const;
      const wanted = wantedOf(ip, service, spec, { servers, names });
      // The leader may know an address that it does not reach only as it was.
      const isOpen = wanted.is === 'in' && !this.targets.path(leader, ip).is;
      return [ip, isOpen || this.#isHeld(ip, wanted) ? free : wanted] as const;
    });
    const hasWindows = this.hasWindows(backend);
    const actionOf = (ip: string) =>
      hasWindows ? this.actionsSince(backend, ip, this.now).at(-1)?.action : undefined;
    return needsOf(service, { tierOf: tierIn(spec, names), actionOf }, new Map(alone));
  }

  /** True if the leader does not remove the address, because most hosts are silent. */
  #isHeld(ip: string, { why }: Wanted): boolean {
    const isSilent = this.targets.hosts.get(ip)?.state !== 'refuses';
    return isSilent && (why === 'dead' || why === 'left') && this.isIsolated;
  }
}

/** Returns the text of a term, which no other one has. */
export const termOf = ({ replica, term }: Author): string => `${replica.identity} ${term}`;

/** Returns the Services of a spec. */
export function servicesOf(backend: string, spec: Spec | undefined): readonly SimulatedService[] {
  if (spec === undefined || spec.mode === 'ExternalName') return [];
  return spec.services ?? [{ name: backend, role: 'Any' }];
}

/** Returns the names of the Services that a spec asks for, also of an alias. */
export const namesOf = (backend: string, spec: Spec | undefined): readonly string[] =>
  spec === undefined ? [] : (spec.services ?? [{ name: backend }]).map(({ name }) => name);
