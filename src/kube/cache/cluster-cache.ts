import type { ClusterAddress } from '../../core/resolution/cluster-addresses.ts';
import type { ObjectRef } from '../../core/kubernetes/action.ts';
import type { EndpointSlice, Endpoints, KubeObject, Service } from '../../core/kubernetes/objects.ts';
import type { ClusterCache } from '../../engine/ports.ts';
import type { Logger } from '../../util/log.ts';
import type { Clock, Random } from '../../util/clock.ts';
import type { KubeClient } from '../client/client.ts';
import { CatchUp } from './catch-up.ts';
import { Indexes } from './indexes.ts';
import { KindCache } from './kind-cache.ts';
import { Namespaces } from './namespaces.ts';
import { projectBackend, projectEndpoints, projectService, projectSlice } from './transform.ts';
import type { RawBackend } from './transform.ts';
import type { Reflector } from './reflector.ts';
import { claimsOf, ownersOf, serviceOfSlice } from './index-functions.ts';
import { resources } from '../client/resources.ts';
import type { Resource } from '../client/resources.ts';
import { keyOf } from './store.ts';
import type { WatchObserver } from './watch-failures.ts';
import type { Change } from './store.ts';

export type CacheKind = ObjectRef['kind'];

/** `concerned`: keys (`namespace/name`) of the backends that must be reconciled; see `KubeCache`. */
export type CacheListener = (
  kind: CacheKind,
  change: Change<KubeObject>,
  concerned: readonly string[],
) => void;

export interface KubeCacheOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Namespaces to watch; empty: the whole cluster. */
  readonly namespaces: readonly string[];
  readonly onChange?: CacheListener;
  readonly observer?: WatchObserver;
  readonly idleTimeoutMs?: number;
}

/**
 * Label selectors that leave out the endpoints of pods, which change all the time and which the operator does
 * not need.
 */
const withoutPods = {
  EndpointSlice: 'endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io',
  Endpoints: 'endpoints.kubernetes.io/managed-by!=endpoint-controller',
};

/**
 * Cache of the objects that the operator watches: ExternalBackends, all Services, and the slices and
 * Endpoints that are not those of pods. A change is reported for these backends:
 *
 * | changed                  | backends                                                                    |
 * |--------------------------|-----------------------------------------------------------------------------|
 * | ExternalBackend          | itself, and others that want one of the Services it wants or wanted          |
 * | Service, slice, Endpoints | the backend that controls it (or did), and those that want that Service name |
 * | Service                  | in addition those that have one of its addresses as a target, in any namespace |
 *
 * A change that is the answer to a write of the operator is not reported for the backend that wrote it (the
 * owner). No change is reported in a namespace whose objects are not all known. Once they are, each of its
 * backends is reported.
 */
export class KubeCache implements ClusterCache {
  readonly #options: KubeCacheOptions;
  readonly #backends: KindCache<RawBackend>;
  readonly #services: KindCache<Service>;
  readonly #slices: KindCache<EndpointSlice>;
  readonly #endpoints: KindCache<Endpoints>;
  readonly #indexes = new Indexes();
  readonly #namespaces: Namespaces;
  readonly #catchUp: CatchUp;

  constructor(options: KubeCacheOptions) {
    this.#options = options;
    const { clock, logger, namespaces } = options;
    this.#catchUp = new CatchUp({ clock, logger });
    const onWhole = (namespace: string) => this.#present(namespace);
    this.#namespaces = new Namespaces({ clock, logger, namespaces, onWhole });
    this.#backends = this.#cache(resources.ExternalBackend, projectBackend, undefined, (change) => {
      this.#indexes.claims.apply(change);
      this.#indexes.targets.apply(change);
      this.#backendChanged(change);
    });
    this.#services = this.#cache(resources.Service, projectService, undefined, (change) => {
      this.#indexes.ownedServices.apply(change);
      this.#indexes.servicesOfAddress.apply(change);
      this.#serviceChanged(change);
    });
    this.#slices = this.#cache(resources.EndpointSlice, projectSlice, withoutPods.EndpointSlice, (change) => {
      this.#indexes.slicesOfService.apply(change);
      this.#indexes.ownedSlices.apply(change);
      this.#objectChanged('EndpointSlice', change, serviceOfSlice);
    });
    this.#endpoints = this.#cache(resources.Endpoints, projectEndpoints, withoutPods.Endpoints, (change) => {
      this.#indexes.ownedEndpoints.apply(change);
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

  /** Resolves when all objects are known in each namespace that can be read: see `Namespaces`. */
  get synced(): Promise<void> {
    return this.#namespaces.synced;
  }

  /**
   * Returns the namespaces that are not served now, or that the server no longer shows, with the reason if
   * there is one.
   */
  unreadable(): readonly string[] {
    return this.#namespaces.names.flatMap((namespace) => {
      const what = namespace === '' ? 'all namespaces' : `namespace ${namespace}`;
      const refusals = this.#reflectorsOf(namespace).flatMap(({ refusal }) => refusal ?? []);
      if (refusals[0] !== undefined) return [`${what} (${refusals[0].message})`];
      if (!this.#namespaces.isWhole(namespace)) return [what];
      const late = this.#catchUp.lateIn(namespace);
      return late.length > 0 ? [`${what} (no answer for ${late.join(', ')} since the term began)`] : [];
    });
  }

  served(): readonly string[] {
    return this.#namespaces.names.filter((namespace) => this.#namespaces.isWhole(namespace));
  }

  /** Resolves when the namespace is up to date; without one, when all served namespaces are. */
  async caughtUp(signal: AbortSignal, namespace?: string): Promise<void> {
    const namespaces = namespace === undefined ? this.served() : [namespace];
    await Promise.all(namespaces.map((each) => this.#catchUp.wait(each, this.#reflectorsOf(each), signal)));
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
    return this.#indexes.slicesOfService.get(`${namespace}/${service}`);
  }

  endpoints(namespace: string, name: string): Endpoints | undefined {
    return this.#endpoints.get(namespace, name);
  }

  clusterAddress(ip: string): ClusterAddress | undefined {
    return this.#indexes.clusterAddress(ip);
  }

  ownedNames(namespace: string, backend: string): ReadonlySet<string> {
    return this.#indexes.ownedNames(namespace, backend);
  }

  /**
   * Takes an object from an answer of the API server.
   *
   * @param own true: the writer waits for the answer, and need not be reconciled again
   */
  put(kind: CacheKind, namespace: string, raw: unknown, own = true): void {
    this.#cacheOf(kind).of(namespace)?.put(raw, own);
  }

  /**
   * Takes an object that was read by its name. If the watch leaves it out, it is cached even if it is older
   * than the version of the watch.
   */
  putRead(kind: CacheKind, namespace: string, raw: unknown, own = true): void {
    this.#cacheOf(kind).putRead(namespace, raw, own);
  }

  /** Records that the operator deleted the object with this uid. */
  remove(kind: CacheKind, namespace: string, name: string, uid: string, own = true): void {
    this.#cacheOf(kind).of(namespace)?.remove(`${namespace}/${name}`, uid, own);
  }

  #cache<T extends KubeObject>(
    resource: Resource,
    project: (raw: unknown) => T,
    labelSelector: string | undefined,
    onChange: (change: Change<T>) => void,
  ): KindCache<T> {
    return new KindCache<T>({
      ...{ ...this.#options, resource, labelSelector, project, onChange },
      onRefused: (namespace, error) => this.#namespaces.refused(namespace, error),
    });
  }

  #cacheOf(kind: CacheKind): KindCache<KubeObject> {
    switch (kind) {
      case 'ExternalBackend':
        return this.#backends;
      case 'Service':
        return this.#services as unknown as KindCache<KubeObject>;
      case 'EndpointSlice':
        return this.#slices as unknown as KindCache<KubeObject>;
      case 'Endpoints':
        return this.#endpoints as unknown as KindCache<KubeObject>;
    }
  }

  #reflectorsOf(namespace: string) {
    const all = [this.#backends, this.#services, this.#slices, this.#endpoints];
    return all.flatMap((cache) => cache.of(namespace) ?? []);
  }

  #reflectors(): readonly Pick<Reflector<KubeObject>, 'start' | 'stop' | 'synced' | 'caughtUp'>[] {
    return [...this.#backends.all, ...this.#services.all, ...this.#slices.all, ...this.#endpoints.all];
  }

  #backendChanged(change: Change<RawBackend>): void {
    const sides = present(change);
    const itself = sides.map(keyOf);
    const claimants = this.#indexes.claimants(sides.flatMap((backend) => claimsOf(backend)));
    this.#notify('ExternalBackend', change, itself, claimants);
  }

  #serviceChanged(change: Change<Service>): void {
    this.#objectChanged('Service', change, (service) => [keyOf(service)]);
    const before = change.before === undefined ? [] : this.#indexes.aiming(change.before);
    const after = change.after === undefined ? [] : this.#indexes.aiming(change.after);
    const aiming = [...before, ...after].filter((key) => !before.includes(key) || !after.includes(key));
    if (aiming.length > 0) this.#notify('Service', change, [], aiming);
  }

  #objectChanged<T extends KubeObject>(
    kind: CacheKind,
    change: Change<T>,
    servicesOf: (object: T) => readonly string[],
  ): void {
    const sides = present(change);
    const owners = sides.flatMap((object) => ownersOf(object));
    this.#notify(kind, change, owners, this.#indexes.claimants(sides.flatMap(servicesOf)));
  }

  /** Reports all backends of a namespace whose objects are all known now. */
  #present(namespace: string): void {
    for (const after of this.#backends.of(namespace)?.store.values() ?? [])
      this.#options.onChange?.('ExternalBackend', { before: undefined, after, isOwnWrite: false }, [
        keyOf(after),
      ]);
  }

  #notify(
    kind: CacheKind,
    change: Change<KubeObject>,
    writers: readonly string[],
    others: readonly string[],
  ): void {
    const namespace = (change.after ?? change.before)?.metadata.namespace ?? '';
    if (!this.#namespaces.isWhole(namespace)) return;
    const concerned = new Set([...writers, ...others]);
    if (change.isOwnWrite) for (const writer of writers) concerned.delete(writer);
    this.#options.onChange?.(kind, change, [...concerned]);
  }
}

function present<T>({ before, after }: Change<T>): T[] {
  return [before, after].filter((side) => side !== undefined);
}
