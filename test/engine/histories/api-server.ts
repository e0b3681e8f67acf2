import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';

export const kinds = ['ExternalBackend', 'Service', 'EndpointSlice', 'Endpoints'] as const;
export type Kind = (typeof kinds)[number];

export interface WatchEvent {
  readonly kind: Kind;
  readonly object: KubeObject;
  readonly gone: boolean;
}

/** The fake cluster with a log of all its changes, as a watch reports them. `By`: the writer. */
export class ApiServer<By> {
  readonly cluster = new FakeCluster();
  readonly log: WatchEvent[] = [];
  /** Called after each change; `by` undefined: a user. */
  onChange: (by: By | undefined) => void = () => undefined;
  readonly #known = new Map<string, readonly [Kind, KubeObject]>();
  readonly #authors = new WeakMap<Action, By>();
  #author: By | undefined;

  constructor() {
    this.cluster.refuse = (action) => {
      this.#author = this.#authors.get(action);
      return undefined;
    };
    this.cluster.onWrite = () => this.#publish(this.#author);
  }

  get version(): string {
    return String(
      Math.max(0, ...[...this.#known.values()].map(([, o]) => Number(o.metadata.resourceVersion))),
    );
  }

  /** Writes as a user. */
  put(object: KubeObject): void {
    this.cluster.put(object);
    this.#publish(undefined);
  }

  async perform(action: Action, by: By): Promise<void> {
    const own = { ...action };
    this.#authors.set(own, by);
    await this.cluster.perform(own);
  }

  find(kind: Kind, namespace: string, name: string): KubeObject | undefined {
    return this.#known.get(`${kind} ${namespace}/${name}`)?.[1];
  }

  list(kind: Kind): readonly KubeObject[] {
    return this.cluster.all(kind);
  }

  #publish(by: By | undefined): void {
    const before = this.log.length;
    const now = new Set<string>();
    for (const kind of kinds)
      for (const object of this.cluster.all(kind)) {
        const key = `${kind} ${object.metadata.namespace}/${object.metadata.name}`;
        now.add(key);
        if (this.#known.get(key)?.[1] === object) continue;
        this.#known.set(key, [kind, object]);
        this.log.push({ kind, object, gone: false });
      }
    const { version: resourceVersion } = this;
    for (const [key, [kind, object]] of this.#known) {
      if (now.has(key)) continue;
      this.#known.delete(key);
      const metadata = { ...object.metadata, resourceVersion };
      this.log.push({ kind, object: { ...object, metadata }, gone: true });
    }
    if (this.log.length > before) this.onChange(by);
  }
}
