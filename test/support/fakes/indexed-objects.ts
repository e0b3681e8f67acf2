import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { ownerName, serviceOf } from '../../../src/core/kubernetes/ownership.ts';

/** Objects of a fake cluster by id, and by what they are looked up for: a search of all of them is slow with thousands. */
export class IndexedObjects {
  readonly #all = new Map<string, KubeObject>();
  /** Key of a group -> the objects of the group by id. */
  readonly #groups = new Map<string, Map<string, KubeObject>>();

  get(id: string): KubeObject | undefined {
    return this.#all.get(id);
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  set(id: string, object: KubeObject): void {
    const before = this.#all.get(id);
    const kept = new Set(groupsOf(object));
    if (before !== undefined)
      this.#leave(
        id,
        groupsOf(before).filter((key) => !kept.has(key)),
      );
    this.#all.set(id, object);
    for (const key of kept)
      this.#groups.set(key, (this.#groups.get(key) ?? new Map<string, KubeObject>()).set(id, object));
  }

  delete(id: string): void {
    const before = this.#all.get(id);
    if (before !== undefined) this.#leave(id, groupsOf(before));
    this.#all.delete(id);
  }

  /** Returns the objects of a kind. */
  ofKind(kind: string): readonly KubeObject[] {
    return this.#in(kindKey(kind));
  }

  /** Returns the EndpointSlices of a Service. */
  slicesOf(namespace: string, service: string): readonly KubeObject[] {
    return this.#in(sliceKey(namespace, service));
  }

  /** Returns the objects that a backend owns. */
  ownedBy(namespace: string, backend: string): readonly KubeObject[] {
    return this.#in(ownerKey(namespace, backend));
  }

  #in(key: string): readonly KubeObject[] {
    return [...(this.#groups.get(key)?.values() ?? [])];
  }

  #leave(id: string, keys: readonly string[]): void {
    for (const key of keys) {
      const group = this.#groups.get(key);
      group?.delete(id);
      if (group?.size === 0) this.#groups.delete(key);
    }
  }
}

const kindKey = (kind: string): string => `kind ${kind}`;
const sliceKey = (namespace: string, service: string): string => `slices ${namespace}/${service}`;
const ownerKey = (namespace: string, backend: string): string => `owner ${namespace}/${backend}`;

function groupsOf(object: KubeObject): readonly string[] {
  const { namespace } = object.metadata;
  const service = object.kind === 'EndpointSlice' ? serviceOf(object) : undefined;
  const owner = ownerName(object);
  return [
    kindKey(object.kind),
    ...(service === undefined ? [] : [sliceKey(namespace, service)]),
    ...(owner === undefined ? [] : [ownerKey(namespace, owner)]),
  ];
}
