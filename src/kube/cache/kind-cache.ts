import type { OperatorError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { Reflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector.ts';

export interface KindCacheOptions<T extends KubeObject> extends Omit<
  ReflectorOptions<T>,
  'namespace' | 'onRefused'
> {
  /** Namespaces to watch; empty: the whole cluster. */
  readonly namespaces: readonly string[];
  /**
   * Called when the API server refuses to list the kind in the namespace. The name for the whole cluster is
   * empty.
   */
  readonly onRefused: (namespace: string, error: OperatorError) => void;
}

/**
 * Cache of one kind for all watched namespaces: one reflector per namespace, or one for the whole cluster.
 */
export class KindCache<T extends KubeObject> {
  readonly #labelSelector: string | undefined;
  readonly #reflectors: ReadonlyMap<string, Reflector<T>>;

  constructor({ namespaces, onRefused, ...options }: KindCacheOptions<T>) {
    this.#labelSelector = options.labelSelector;
    const names = namespaces.length === 0 ? [undefined] : namespaces;
    this.#reflectors = new Map(
      names.map((namespace) => {
        const name = namespace ?? '';
        const refused = (error: OperatorError) => onRefused(name, error);
        return [name, new Reflector<T>({ ...options, namespace, onRefused: refused })];
      }),
    );
  }

  /** Returns the reflector that watches the namespace. */
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

  /** Takes the answer to a read of one object, which the watch may leave out. */
  putRead(namespace: string, raw: unknown, own: boolean): void {
    const reflector = this.of(namespace);
    if (isLeftOut(raw, this.#labelSelector)) reflector?.putHidden(raw, own);
    else reflector?.put(raw, own);
  }
}

/** Returns true if a selector of the form `label!=value` leaves the object out. */
function isLeftOut(raw: unknown, labelSelector: string | undefined): boolean {
  const [label = '', value] = labelSelector?.split('!=') ?? [];
  const { labels } = (raw as { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } })
    .metadata;
  return value !== undefined && labels?.[label] === value;
}
