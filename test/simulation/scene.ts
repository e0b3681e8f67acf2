import type { Spec } from '../../src/api/external-backend.ts';
import type { Endpoints, EndpointSlice } from '../../src/core/kubernetes/objects.ts';
import { labels, ownerName } from '../../src/core/kubernetes/ownership.ts';
import { boundsOf, type Bounds } from '../engine/histories/bounds.ts';
import { wantedOf, type ServiceLike, type Wanted } from '../engine/histories/wanted.ts';
import { namespace } from '../support/builders/builders.ts';
import type { ManualClock } from '../support/fakes/manual-clock.ts';
import type { Cluster } from './cluster.ts';
import { Evidence } from './evidence.ts';
import type { History } from './history.ts';
import type { Targets } from './network/targets.ts';
import type { Zones } from './network/zones.ts';
import type { Author } from './replica.ts';

/** Spec of a backend from an instant on; undefined: it was deleted. */
interface Edit {
  readonly at: number;
  readonly spec: Spec | undefined;
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
    const edits = this.#edits.get(backend) ?? [];
    this.#edits.set(backend, [...edits, { at: this.now, spec }]);
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

  /** True if a replica leads undisturbed, and each address is ready where it must be and nowhere else. */
  get isSettled(): boolean {
    if (this.term === undefined || this.now < this.calmFrom) return false;
    const ready = readyByService(this.cluster);
    return this.backends.every((backend) => {
      const spec = this.specOf(backend);
      const places = servicesOf(backend, spec).flatMap((service) =>
        [...this.targets.hosts.keys()].map((ip) => ({ service, ip })),
      );
      return places.every(({ service, ip }) => {
        const { is } = spec === undefined ? { is: 'free' } : this.wanted(ip, service, spec);
        return is === 'free' || (is === 'in') === (ready.get(service.name)?.has(ip) === true);
      });
    });
  }

  /** True if the leader does not remove the address, because most hosts are silent. */
  #isKept(ip: string, { why }: Wanted): boolean {
    const isSilent = this.targets.hosts.get(ip)?.state !== 'refuses';
    return isSilent && (why === 'dead' || why === 'left') && this.isIsolated;
  }

  get isIsolated(): boolean {
    return this.term?.author.replica.engine.isIsolated === true;
  }

  wanted(ip: string, service: ServiceLike, spec: Spec): Wanted {
    const servers = new Map(
      [...this.targets.hosts].map(([of, { state, role }]) => [of, { alive: state === 'up', role }] as const),
    );
    const claims = [...servers.values()].filter(({ alive, role }) => alive && role === 'Primary').length;
    // Which of two primaries is elected depends on what each replica has seen.
    if (claims > 1 && service.role === 'Primary' && servers.get(ip)?.alive === true)
      return { is: 'free', why: '' };
    const wanted = wantedOf(ip, service, spec, { servers, names: this.zones.addresses });
    return this.#isKept(ip, wanted) ? { is: 'free', why: '' } : wanted;
  }
}

/** Returns the text of a term, which no other one has. */
export const termOf = ({ replica, term }: Author): string => `${replica.identity} ${term}`;

/** Returns the Services of a spec. */
export function servicesOf(backend: string, spec: Spec | undefined): readonly ServiceLike[] {
  if (spec === undefined || spec.mode === 'ExternalName') return [];
  return spec.services ?? [{ name: backend, role: 'Any' }];
}

/** Returns the names of the Services that a spec asks for, also of an alias. */
export const namesOf = (backend: string, spec: Spec | undefined): readonly string[] =>
  spec === undefined ? [] : (spec.services ?? [{ name: backend }]).map(({ name }) => name);

export const boundsFor = (spec: Spec): Bounds => boundsOf(spec);

/** Returns the ready addresses of each Service, as kube-proxy reads them. */
export const readyByService = (cluster: Cluster): ReadonlyMap<string, ReadonlySet<string>> =>
  readyBy(cluster, ({ metadata }) => metadata.labels?.[labels.serviceName]);

/** Returns the addresses that any slice or Endpoints object has as ready, also one that kube-proxy does not read. */
export function readyAnywhere(cluster: Cluster): ReadonlySet<string> {
  const endpoints = cluster.api.cluster.all('Endpoints') as readonly Endpoints[];
  const inEndpoints = endpoints.flatMap(({ subsets = [] }) =>
    subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
  );
  return new Set([...inEndpoints, ...(readyBy(cluster, () => 'all').get('all') ?? [])]);
}

/** Returns the ready addresses of all Services, each with the names of their backends. */
export function backendsOfReady({ api }: Cluster): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const slice of api.cluster.all('EndpointSlice') as readonly EndpointSlice[])
    for (const { addresses, conditions } of slice.endpoints ?? [])
      if (conditions?.ready !== false)
        for (const ip of addresses)
          found.set(ip, (found.get(ip) ?? new Set()).add(ownerName(slice) ?? slice.metadata.name));
  return found;
}

/** Returns the addresses of each Service that are in its slices and not ready. */
export const listedByService = (cluster: Cluster): ReadonlyMap<string, ReadonlySet<string>> =>
  readyBy(cluster, ({ metadata }) => metadata.labels?.[labels.serviceName], false);

function readyBy(
  { api }: Cluster,
  serviceIn: (slice: EndpointSlice) => string | undefined,
  isReady = true,
): ReadonlyMap<string, ReadonlySet<string>> {
  const ready = new Map<string, Set<string>>();
  for (const slice of api.cluster.all('EndpointSlice') as readonly EndpointSlice[]) {
    const service = serviceIn(slice);
    if (service === undefined) continue;
    const set = ready.get(service) ?? new Set();
    ready.set(service, set);
    for (const { addresses, conditions } of slice.endpoints ?? [])
      if ((conditions?.ready !== false) === isReady) for (const ip of addresses) set.add(ip);
  }
  return ready;
}
