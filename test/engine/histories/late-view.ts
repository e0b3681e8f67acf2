import type { Endpoints, EndpointSlice, KubeObject, Service } from '../../../src/core/kubernetes/objects.ts';
import {
  kubernetesSliceManagers,
  labels,
  ownerName,
  serviceOf,
} from '../../../src/core/kubernetes/ownership.ts';
import type { ClusterCache } from '../../../src/engine/ports.ts';
import { claimsOf, ownersOf, serviceOfSlice } from '../../../src/kube/cache/index-functions.ts';
import { Store, keyOf, type Change } from '../../../src/kube/cache/store.ts';
import { kinds, type Kind, type WatchEvent } from './api-server.ts';

export type OnChange = (kind: Kind, change: Change<KubeObject>, concerned: readonly string[]) => void;

/**
 * A view that is fed by hand, with the stores of the real one: watch events arrive late, responses to own
 * writes early.
 */
export class LateView implements ClusterCache {
  readonly #stores = new Map(kinds.map((kind) => [kind, new Store<KubeObject>()] as const));
  readonly #onChange: OnChange;
  readonly caughtUp: ClusterCache['caughtUp'];

  constructor(onChange: OnChange, caughtUp: ClusterCache['caughtUp']) {
    this.#onChange = onChange;
    this.caughtUp = caughtUp;
  }

  replace(kind: Kind, objects: readonly KubeObject[], version: string): void {
    this.#report(kind, this.#store(kind).replace(objects, version));
  }

  watched({ kind, object, gone }: WatchEvent): void {
    const store = this.#store(kind);
    this.#report(kind, gone ? store.watchedDeleted(object) : store.watched(object));
  }

  put(kind: Kind, object: KubeObject): void {
    this.#report(kind, this.#store(kind).put(object));
  }

  remove(kind: Kind, key: string, uid: string): void {
    this.#report(kind, this.#store(kind).remove(key, uid));
  }

  backend(namespace: string, name: string): KubeObject | undefined {
    return this.#get('ExternalBackend', namespace, name);
  }

  backends(): Iterable<KubeObject> {
    return this.#all('ExternalBackend');
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#get('Service', namespace, name) as Service | undefined;
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return this.#all('EndpointSlice').filter(
      (slice) =>
        slice.metadata.namespace === namespace &&
        serviceOf(slice) === service &&
        slice.metadata.labels?.[labels.sliceManagedBy] !== kubernetesSliceManagers[0],
    ) as EndpointSlice[];
  }

  endpoints(namespace: string, name: string): Endpoints | undefined {
    return this.#get('Endpoints', namespace, name) as Endpoints | undefined;
  }

  ownedNames(namespace: string, backend: string): ReadonlySet<string> {
    const owned = (['Service', 'EndpointSlice', 'Endpoints'] as const).flatMap((kind) =>
      this.#all(kind).filter((o) => o.metadata.namespace === namespace && ownerName(o) === backend),
    );
    return new Set(
      owned.flatMap((object) =>
        object.kind === 'EndpointSlice' ? (serviceOf(object) ?? []) : object.metadata.name,
      ),
    );
  }

  #store(kind: Kind): Store<KubeObject> {
    const store = this.#stores.get(kind);
    if (store === undefined) throw new Error(`no store of ${kind}`);
    return store;
  }

  #all(kind: Kind): readonly KubeObject[] {
    return [...this.#store(kind).values()];
  }

  #get(kind: Kind, namespace: string, name: string): KubeObject | undefined {
    return this.#store(kind).get(`${namespace}/${name}`);
  }

  #report(kind: Kind, changes: readonly Change<KubeObject>[]): void {
    for (const change of changes) {
      const sides = [change.before, change.after].filter((side) => side !== undefined);
      const itself = sides.flatMap((o) => (kind === 'ExternalBackend' ? [keyOf(o)] : ownersOf(o)));
      const services = sides.flatMap((o) => (kind === 'ExternalBackend' ? claimsOf(o) : servicesOf(kind, o)));
      const wanted = this.#all('ExternalBackend')
        .filter((backend) => claimsOf(backend).some((claim) => services.includes(claim)))
        .map(keyOf);
      const concerned = new Set([...itself, ...wanted]);
      if (change.isOwnWrite) for (const writer of itself) concerned.delete(writer);
      this.#onChange(kind, change, [...concerned]);
    }
  }
}

const servicesOf = (kind: Kind, object: KubeObject): readonly string[] =>
  kind === 'EndpointSlice' ? serviceOfSlice(object) : [keyOf(object)];
