import type { KubeObject } from '../core/objects.ts';
import { keyOf } from './store.ts';
import type { WatchEvent } from './watch-stream.ts';

/** Says of a bookmark that all there was has come (KEP-3157). */
const endAnnotation = 'k8s.io/initial-events-end';

/** All objects of a collection, at one version. */
export interface Whole<T> {
  readonly objects: readonly T[];
  readonly version: string;
}

/**
 * The beginning of a watch that was asked for all there is: each object as if it were new, in no order, and then a
 * bookmark. Before it they are no more than a part, of which nothing follows.
 */
export class FirstEvents<T extends KubeObject> {
  readonly #project: (raw: unknown) => T;
  readonly #objects = new Map<string, T>();

  constructor(project: (raw: unknown) => T) {
    this.#project = project;
  }

  /** All of them, once this event is the bookmark. */
  take({ type, object }: WatchEvent): Whole<T> | undefined {
    if (type === 'BOOKMARK') return this.#end(object.metadata);
    const projected = this.#project(object);
    if (type === 'DELETED') this.#objects.delete(keyOf(projected));
    else this.#objects.set(keyOf(projected), projected);
    return undefined;
  }

  #end(metadata: WatchEvent['object']['metadata']): Whole<T> | undefined {
    const version = metadata?.resourceVersion;
    if (version === undefined || metadata?.annotations?.[endAnnotation] !== 'true') return undefined;
    return { objects: [...this.#objects.values()], version };
  }
}
