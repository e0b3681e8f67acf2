import { parseBackend } from '../../src/api/parse.ts';
import type { Spec } from '../../src/api/external-backend.ts';
import { annotations as names } from '../../src/core/kubernetes/ownership.ts';
import type { KubeObject } from '../../src/core/kubernetes/objects.ts';
import { aStoredBackend, namespace, type SpecInput } from '../support/builders/builders.ts';
import { FakeApi, type FakeAnswer, type FakeRequest, placeOf } from '../support/fakes/fake-api.ts';
import { FakeWatches } from '../support/fakes/fake-watches.ts';
import type { ManualClock } from '../support/fakes/manual-clock.ts';
import type { Author } from './replica-options.ts';

/** Change of one object, and its author; undefined: a person or a controller of Kubernetes. */
export interface Change {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
  readonly by: (Author & { readonly sentAt: number; readonly arrivedAt: number }) | undefined;
}

const maintenanceAnnotation = names.maintenance;

/** Time after which the garbage collector removes objects without an owner. */
const collectMs = 500;

/** The cluster around the API server: people, and the garbage collector. */
export class Cluster {
  readonly api = new FakeApi();
  readonly watches = new FakeWatches(this.api);
  readonly #clock: ManualClock;
  readonly #generations = new Map<string, number>();
  /** Specs in force, as people wrote them. */
  readonly specs = new Map<string, SpecInput>();
  readonly #annotations = new Map<string, string | undefined>();
  #author: Change['by'];
  onChange: (change: Change) => void = () => undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.watches.onChange = ({ before, after }) => {
      this.onChange({ before, after, by: this.#author });
      this.#collectLater(after);
      if (after === undefined && before?.kind === 'ExternalBackend') this.#collectLater(before);
    };
    const beat = (): void => {
      this.watches.bookmark();
      clock.after(60_000, beat);
    };
    clock.after(60_000, beat);
  }

  /** Executes a request of a replica. */
  handle(request: FakeRequest, by: Author & { readonly sentAt: number }): FakeAnswer {
    this.#author = { ...by, arrivedAt: this.#clock.now() };
    try {
      return this.api.handle(request);
    } finally {
      this.#author = undefined;
    }
  }

  watch({ path, query }: FakeRequest, send: (line: string) => void): () => void {
    const place = placeOf(path);
    if (place === undefined) throw new Error(`no watch of ${path}`);
    const labelSelector = query?.get('labelSelector') ?? undefined;
    return this.watches.open(
      { place, labelSelector, from: query?.get('resourceVersion') ?? undefined },
      send,
    );
  }

  /** Applies a spec as a person. The CRD's rules admit or refuse it. */
  edit(name: string, spec: SpecInput): Spec {
    const before = this.api.cluster.backend(namespace, name) as { readonly status?: unknown } | undefined;
    const generation = (this.#generations.get(name) ?? 0) + 1;
    this.#generations.set(name, generation);
    const uid = (before as KubeObject | undefined)?.metadata.uid ?? `uid-${name}-${generation}`;
    const text = this.#annotations.get(name);
    const annotations = text === undefined ? {} : { annotations: { [maintenanceAnnotation]: text } };
    const stored = aStoredBackend(spec, { name, uid, generation, status: before?.status, ...annotations });
    const parsed = parseBackend(stored);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    this.api.cluster.put(stored);
    this.specs.set(name, spec);
    return parsed.backend.spec;
  }

  /** Sets the maintenance annotation as a person. A backend that is deleted has none. */
  annotate(name: string, text: string | undefined): void {
    const stored = this.api.cluster.backend(namespace, name);
    if (stored === undefined) return;
    this.#annotations.set(name, text);
    const { annotations: _, ...metadata } = stored.metadata;
    const annotations = text === undefined ? {} : { annotations: { [maintenanceAnnotation]: text } };
    this.api.cluster.put({ ...stored, metadata: { ...metadata, ...annotations } });
  }

  delete(name: string): void {
    this.#annotations.delete(name);
    this.api.cluster.remove('ExternalBackend', namespace, name);
    this.specs.delete(name);
  }

  /** Identity in the Lease as stored; undefined: there is none. */
  get holder(): string | undefined {
    const lease = this.api.cluster.find('Lease', 'operator', 'operator') as
      { readonly spec?: { readonly holderIdentity?: string } } | undefined;
    return lease?.spec?.holderIdentity;
  }

  #collectLater(object: KubeObject | undefined): void {
    const owned = (object?.metadata.ownerReferences ?? []).length > 0;
    if (owned || object?.kind === 'ExternalBackend') this.#clock.after(collectMs, () => this.#collect());
  }

  #collect(): void {
    const { cluster } = this.api;
    const owners = new Set(cluster.all('ExternalBackend').map(({ metadata }) => metadata.uid));
    for (const kind of ['Service', 'EndpointSlice', 'Endpoints'])
      for (const { metadata } of cluster.all(kind))
        if (metadata.ownerReferences?.some(({ uid }) => !owners.has(uid)) === true)
          cluster.remove(kind, metadata.namespace, metadata.name);
  }
}
