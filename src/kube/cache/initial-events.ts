import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { keyOf } from './store.ts';
import type { WatchEvent } from './watch-stream.ts';

/** Annotation of the bookmark that ends the initial events (KEP-3157). */
const endAnnotation = 'k8s.io/initial-events-end';

/** All objects of a collection at one version. */
export interface ListResult<T> {
  readonly objects: readonly T[];
  readonly version: string;
}

/**
 * Reads the initial events of a full watch: one per object, as if it were new, in any order, and then a
 * bookmark. Before the bookmark the objects are incomplete, so nothing may be concluded from them.
 */
export class InitialEvents<T extends KubeObject> {
  readonly #project: (raw: unknown) => T;
  readonly #objects = new Map<string, T>();

  constructor(project: (raw: unknown) => T) {
    this.#project = project;
  }

  /** Takes an event. Returns all objects if it is the bookmark, otherwise undefined. */
  add({ type, object }: WatchEvent): ListResult<T> | undefined {
    if (type === 'BOOKMARK') return this.#end(object.metadata);
    const projected = this.#project(object);
    if (type === 'DELETED') this.#objects.delete(keyOf(projected));
    else this.#objects.set(keyOf(projected), projected);
    return undefined;
  }

  #end(metadata: WatchEvent['object']['metadata']): ListResult<T> | undefined {
    const version = metadata?.resourceVersion;
    if (version === undefined || metadata?.annotations?.[endAnnotation] !== 'true') return undefined;
    return { objects: [...this.#objects.values()], version };
  }
}
