import type { EndpointSlice, Endpoints, KubeObject, Service } from '../core/objects.ts';
import { serviceOf } from '../core/ownership.ts';
import type { Clock, ClusterView, Logger, Random } from '../engine/ports.ts';
import type { KubeClient } from './client.ts';
import { Grouped } from './grouped.ts';
import { Namespaces } from './namespaces.ts';
import { projectBackend, projectEndpoints, projectService, projectSlice } from './project.ts';
import type { RawBackend } from './project.ts';
import { Reflector } from './reflector.ts';
import { claimsOf, ownersOf, serviceOfSlice } from './relations.ts';
import { resources } from './resources.ts';
import type { Resource } from './resources.ts';
import { keyOf } from './store.ts';
import type { Change } from './store.ts';

export type ViewKind = 'ExternalBackend' | 'Service' | 'EndpointSlice' | 'Endpoints';

/** `concerned`: keys (`namespace/name`) of the backends that should look again; see `KubeView`. */
export type ViewListener = (kind: ViewKind, change: Change<KubeObject>, concerned: readonly string[]) => void;

export interface ViewOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Empty: the whole cluster. */
  readonly namespaces: readonly string[];
  readonly onChange?: ViewListener;
  readonly onRestart?: (resource: string, reason: string) => void;
  readonly silenceMs?: number;
}

/** Pods' own endpoints change all the time and are nobody's business here: the server leaves them out. */
const notThePods = {
  EndpointSlice: 'endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io',
  Endpoints: 'endpoints.kubernetes.io/managed-by!=endpoint-controller',
};

/** Whether the watch of its kind leaves the object out. */
const isHidden = (kind: ViewKind, raw: unknown): boolean => {
  const [label = '', value] =
    kind === 'EndpointSlice' || kind === 'Endpoints' ? notThePods[kind].split('!=') : [];
  const { labels } = (raw as { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } })
    .metadata;
  return value !== undefined && labels?.[label] === value;
};

/** One kind over all watched namespaces. */
class Collection<T extends KubeObject> {
  readonly #reflectors: ReadonlyMap<string, Reflector<T>>;

  constructor(reflectors: ReadonlyMap<string, Reflector<T>>) {
    this.#reflectors = reflectors;
  }

  of(namespace: string): Reflector<T> | undefined {
    return this.#reflectors.get(namespace) ?? this.#reflectors.get('');
  }

  get(namespace: string, name: string): T | undefined {
    return this.of(namespace)?.store.get(`${namespace}/${name}`);
  }

  *values(): IterableIterator<T> {
    for (const reflector of this.#reflectors.values()) yield* reflector.store.values();
  }

  get all(): readonly Reflector<T>[] {
    return [...this.#reflectors.values()];
  }
}

/**
 * The cluster as far as this operator looks: its own resources, all Services, and the slices and Endpoints that are
 * not those of pods. Who hears of a change:
 *
 * | changed                  | concerned                                                                   |
 * |--------------------------|-----------------------------------------------------------------------------|
 * | ExternalBackend          | itself, and others that want one of the Services it wants or wanted          |
 * | Service, slice, Endpoints | the backend that controls it (or did), and those that want that Service name |
 *
 * Of a change that is the answer to a write of our own, the writer itself (the owner) needs no word: it is left out.
 * Nothing is told of a namespace that is not known whole; once it is, each of its backends is told of.
 */
export class KubeView implements ClusterView {
  readonly #options: ViewOptions;
  readonly #backends: Collection<RawBackend>;
  readonly #services: Collection<Service>;
  readonly #slices: Collection<EndpointSlice>;
  readonly #endpoints: Collection<Endpoints>;
  readonly #claims = new Grouped<RawBackend>(claimsOf);
  readonly #slicesOfService = new Grouped<EndpointSlice>(serviceOfSlice);
  readonly #ownedServices = new Grouped<Service>(ownersOf);
  readonly #ownedSlices = new Grouped<EndpointSlice>(ownersOf);
  readonly #ownedEndpoints = new Grouped<Endpoints>(ownersOf);

  readonly #namespaces: Namespaces;

  constructor(options: ViewOptions) {
    this.#options = options;
    const { clock, logger, namespaces } = options;
    const onWhole = (namespace: string) => this.#present(namespace);
    this.#namespaces = new Namespaces({ clock, logger, namespaces, onWhole });
    this.#backends = this.#collect(resources.ExternalBackend, projectBackend, undefined, (change) =>
      this.#backendChanged(change),
    );
    this.#services = this.#collect(resources.Service, projectService, undefined, (change) => {
      this.#ownedServices.apply(change);
      this.#objectChanged('Service', change, (service) => [keyOf(service)]);
    });
    this.#slices = this.#collect(
      resources.EndpointSlice,
      projectSlice,
      notThePods.EndpointSlice,
      (change) => {
        this.#slicesOfService.apply(change);
        this.#ownedSlices.apply(change);
        this.#objectChanged('EndpointSlice', change, serviceOfSlice);
      },
    );
    this.#endpoints = this.#collect(resources.Endpoints, projectEndpoints, notThePods.Endpoints, (change) => {
      this.#ownedEndpoints.apply(change);
      this.#objectChanged('Endpoints', change, (endpoints) => [keyOf(endpoints)]);
    });
  }

  start(): void {
    for (const namespace of this.#namespaces.names) {
      const synced = this.#reflectorsOf(namespace).map((reflector) => reflector.synced);
      void Promise.all(synced).then(() => this.#namespaces.whole(namespace));
    }
    for (const reflector of this.#reflectors()) reflector.start();
  }

  /** Resolves when every kind is known whole in each namespace that can be read: see `Namespaces`. */
  get synced(): Promise<void> {
    return this.#namespaces.synced;
  }

  /** Namespaces that are not served now or that the server does not show any more, with the reason where there is one. */
  unreadable(): readonly string[] {
    return this.#namespaces.names.flatMap((namespace) => {
      const what = namespace === '' ? 'all namespaces' : `namespace ${namespace}`;
      const refusals = this.#reflectorsOf(namespace).flatMap(({ refusal }) => refusal ?? []);
      if (refusals[0] !== undefined) return [`${what} (${refusals[0].message})`];
      return this.#namespaces.isWhole(namespace) ? [] : [what];
    });
  }

  /** Of the namespaces that are served: another one that gets no answer must not hold them back. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    const served = this.#namespaces.names.filter((namespace) => this.#namespaces.isWhole(namespace));
    const reflectors = served.flatMap((namespace) => this.#reflectorsOf(namespace));
    await Promise.all(reflectors.map((reflector) => reflector.caughtUp(signal)));
  }

  async stop(): Promise<void> {
    this.#namespaces.stop();
    await Promise.all(this.#reflectors().map((reflector) => reflector.stop()));
  }

  backend(namespace: string, name: string): RawBackend | undefined {
    return this.#backends.get(namespace, name);
  }

  *backends(): Iterable<RawBackend> {
    for (const backend of this.#backends.values())
      if (this.#namespaces.isWhole(backend.metadata.namespace)) yield backend;
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(namespace, name);
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return this.#slicesOfService.get(`${namespace}/${service}`);
  }

  endpoints(namespace: string, name: string): Endpoints | undefined {
    return this.#endpoints.get(namespace, name);
  }

  ownedNames(namespace: string, backend: string): ReadonlySet<string> {
    const group = `${namespace}/${backend}`;
    const objects = [...this.#ownedServices.get(group), ...this.#ownedEndpoints.get(group)];
    const names = new Set(objects.map((object) => object.metadata.name));
    for (const slice of this.#ownedSlices.get(group)) {
      const name = serviceOf(slice);
      if (name !== undefined) names.add(name);
    }
    return names;
  }

  /**
   * Takes an answer of the API server: the object as it now is.
   *
   * @param own the writer itself waits for the answer, and need not look again
   */
  put(kind: ViewKind, namespace: string, raw: unknown, own = true): void {
    this.#collectionOf(kind).of(namespace)?.put(raw, own);
  }

  /** Takes what a read of that one object answered. One that the watch leaves out is older than the watch and there all the same. */
  found(kind: ViewKind, namespace: string, raw: unknown, own = true): void {
    const of = this.#collectionOf(kind).of(namespace);
    if (isHidden(kind, raw)) of?.putHidden(raw, own);
    else of?.put(raw, own);
  }

  /** This life of the object is over. */
  remove(kind: ViewKind, namespace: string, name: string, uid: string, own = true): void {
    this.#collectionOf(kind).of(namespace)?.remove(`${namespace}/${name}`, uid, own);
  }

  #collect<T extends KubeObject>(
    resource: Resource,
    project: (raw: unknown) => T,
    labelSelector: string | undefined,
    onChange: (change: Change<T>) => void,
  ): Collection<T> {
    const { namespaces, ...common } = this.#options;
    const make = (namespace: string | undefined) =>
      new Reflector<T>({
        ...{ ...common, resource, namespace, labelSelector, project, onChange },
        onRefused: (error) => this.#namespaces.refused(namespace ?? '', error),
      });
    if (namespaces.length === 0) return new Collection(new Map([['', make(undefined)]]));
    return new Collection(new Map(namespaces.map((namespace) => [namespace, make(namespace)])));
  }

  #collectionOf(kind: ViewKind): Collection<KubeObject> {
    switch (kind) {
      case 'ExternalBackend':
        return this.#backends;
      case 'Service':
        return this.#services as unknown as Collection<KubeObject>;
      case 'EndpointSlice':
        return this.#slices as unknown as Collection<KubeObject>;
      case 'Endpoints':
        return this.#endpoints as unknown as Collection<KubeObject>;
    }
  }

  #reflectorsOf(namespace: string) {
    const all = [this.#backends, this.#services, this.#slices, this.#endpoints];
    return all.flatMap((collection) => collection.of(namespace) ?? []);
  }

  #reflectors(): readonly Pick<Reflector<KubeObject>, 'start' | 'stop' | 'synced' | 'caughtUp'>[] {
    return [...this.#backends.all, ...this.#services.all, ...this.#slices.all, ...this.#endpoints.all];
  }

  #backendChanged(change: Change<RawBackend>): void {
    this.#claims.apply(change);
    const sides = present(change);
    const itself = sides.map(keyOf);
    const rivals = this.#claimants(sides.flatMap((backend) => claimsOf(backend)));
    this.#tell('ExternalBackend', change, itself, rivals);
  }

  #objectChanged<T extends KubeObject>(
    kind: ViewKind,
    change: Change<T>,
    servicesOf: (object: T) => readonly string[],
  ): void {
    const sides = present(change);
    const owners = sides.flatMap((object) => ownersOf(object));
    this.#tell(kind, change, owners, this.#claimants(sides.flatMap(servicesOf)));
  }

  #claimants(services: readonly string[]): readonly string[] {
    return services.flatMap((service) => this.#claims.get(service).map(keyOf));
  }

  /** Tells of the backends of a namespace that is known whole: before that nothing of it is told. */
  #present(namespace: string): void {
    for (const after of this.#backends.of(namespace)?.store.values() ?? [])
      this.#options.onChange?.('ExternalBackend', { before: undefined, after, own: false }, [keyOf(after)]);
  }

  #tell(
    kind: ViewKind,
    change: Change<KubeObject>,
    writers: readonly string[],
    others: readonly string[],
  ): void {
    const namespace = (change.after ?? change.before)?.metadata.namespace ?? '';
    if (!this.#namespaces.isWhole(namespace)) return;
    const concerned = new Set([...writers, ...others]);
    if (change.own) for (const writer of writers) concerned.delete(writer);
    this.#options.onChange?.(kind, change, [...concerned]);
  }
}

function present<T>({ before, after }: Change<T>): T[] {
  return [before, after].filter((side) => side !== undefined);
}
