import type { Action, AppliedService, ObjectRef } from '../../src/core/action.ts';
import { OperatorError } from '../../src/core/errors.ts';
import type { EndpointSlice, Endpoints, KubeObject, Service } from '../../src/core/objects.ts';
import { kubernetesSliceManagers, labels, ownerName, serviceOf } from '../../src/core/ownership.ts';
import type { ClusterView, Writer } from '../../src/engine/ports.ts';
import { appliedService, defaulted, repacked } from './server-like.ts';

const idOf = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;
const idOfObject = ({ kind, metadata }: KubeObject): string => idOf(kind, metadata.namespace, metadata.name);

export const conflict = (): OperatorError =>
  new OperatorError('the object has been modified', { kind: 'transient', reason: 'Conflict', status: 409 });

/** The cluster as the engine's ports show it: one store, optimistic locking, no delay between a write and its sight. */
export class FakeCluster implements ClusterView, Writer {
  readonly #objects = new Map<string, KubeObject>();
  readonly #applied = new Map<string, AppliedService>();
  #version = 0;
  #allocated = 0;
  /** Every write that was done. */
  readonly writes: Action[] = [];
  /** Asked before each write: an error to fail with. */
  refuse: (action: Action) => OperatorError | undefined = () => undefined;
  /** Told after each write. */
  onWrite: () => void = () => undefined;

  /** Somebody writes an object as it is. */
  put(object: KubeObject): void {
    const uid = object.metadata.uid ?? this.#objects.get(idOfObject(object))?.metadata.uid;
    this.#version += 1;
    const metadata = {
      ...object.metadata,
      uid: uid ?? `uid-${this.#version}`,
      resourceVersion: `${this.#version}`,
    };
    this.#objects.set(idOfObject(object), { ...object, metadata });
  }

  /** Somebody deletes an object. */
  remove(kind: string, namespace: string, name: string): void {
    this.#objects.delete(idOf(kind, namespace, name));
    if (kind === 'Service') this.#applied.delete(`${namespace}/${name}`);
  }

  all(kind: string): readonly KubeObject[] {
    return [...this.#objects.values()].filter((object) => object.kind === kind);
  }

  backend(namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(idOf('ExternalBackend', namespace, name));
  }

  backends(): Iterable<KubeObject> {
    return this.all('ExternalBackend');
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#objects.get(idOf('Service', namespace, name)) as Service | undefined;
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return this.#slicesOf(namespace, service).filter(
      (slice) => slice.metadata.labels?.[labels.sliceManagedBy] !== kubernetesSliceManagers[0],
    );
  }

  endpoints(namespace: string, name: string): Endpoints | undefined {
    return this.#objects.get(idOf('Endpoints', namespace, name)) as Endpoints | undefined;
  }

  ownedNames(namespace: string, backend: string): ReadonlySet<string> {
    const mine = [...this.#objects.values()].filter(
      (object) => object.metadata.namespace === namespace && ownerName(object) === backend,
    );
    return new Set(
      mine.flatMap((object) =>
        object.kind === 'EndpointSlice' ? (serviceOf(object) ?? []) : object.metadata.name,
      ),
    );
  }

  caughtUp(): Promise<void> {
    return Promise.resolve();
  }

  async perform(action: Action): Promise<void> {
    await Promise.resolve();
    const error = this.refuse(action);
    if (error !== undefined) throw error;
    this.#perform(action);
    if (action.op !== 'sweep' && action.op !== 'absent') this.writes.push(action);
    this.onWrite();
  }

  #perform(action: Action): void {
    switch (action.op) {
      case 'absent':
        if (this.service(action.namespace, action.name) !== undefined) throw conflict();
        break;
      case 'applyService':
        this.#apply(action.service);
        break;
      case 'setService':
        this.#setService(action);
        break;
      case 'sweep':
        this.#sweep(action.namespace, action.name);
        break;
      case 'delete':
        this.#delete(action.ref);
        break;
      case 'status':
        this.put({ ...this.#get(action.ref), status: action.status } as KubeObject);
        break;
      default:
        this.#store(action.op, action.object);
    }
  }

  #store(op: 'create' | 'update', object: EndpointSlice | Endpoints): void {
    const standing = this.#objects.get(idOfObject(object));
    const { uid, resourceVersion } = object.metadata;
    const fenced = standing?.metadata.uid === uid && standing?.metadata.resourceVersion === resourceVersion;
    if (op === 'create' ? standing !== undefined : !fenced) throw conflict();
    this.put(object.kind === 'Endpoints' ? repacked(object) : object);
  }

  #apply(body: AppliedService): void {
    const { namespace, name } = body.metadata;
    const before = this.service(namespace, name);
    const next = appliedService(before, this.#applied.get(`${namespace}/${name}`), body);
    this.put(this.#defaulted(next, before));
    this.#applied.set(`${namespace}/${name}`, body);
  }

  #defaulted(next: Service, before: Service | undefined): Service {
    this.#allocated += 1;
    const ip = () => `10.96.1.${this.#allocated}`;
    return defaulted(next, before, ip, () => 30_000 + (this.#allocated += 1));
  }

  #setService({ ref, ports, selector }: Extract<Action, { op: 'setService' }>): void {
    const before = this.#get(ref) as Service;
    const { selector: standing, ...spec } = before.spec;
    const merged = Object.entries({ ...standing, ...selector }).filter(([, value]) => value !== null);
    const keeps = selector !== null && merged.length > 0;
    const next = {
      ...spec,
      ...(ports !== undefined && { ports }),
      ...(keeps && { selector: Object.fromEntries(merged) as Record<string, string> }),
    };
    this.put(this.#defaulted({ ...before, spec: next }, before));
  }

  #delete(ref: ObjectRef): void {
    const { uid, resourceVersion } =
      this.#objects.get(idOf(ref.kind, ref.namespace, ref.name))?.metadata ?? {};
    if (uid === undefined) return;
    const moved = (ref.resourceVersion ?? '') !== '' && ref.resourceVersion !== resourceVersion;
    if (uid !== ref.uid || moved) throw conflict();
    this.remove(ref.kind, ref.namespace, ref.name);
  }

  #sweep(namespace: string, name: string): void {
    const left = this.#slicesOf(namespace, name).filter((slice) =>
      kubernetesSliceManagers.includes(slice.metadata.labels?.[labels.sliceManagedBy] ?? ''),
    );
    for (const slice of left) this.remove('EndpointSlice', namespace, slice.metadata.name);
    if (left.length > 0)
      throw new OperatorError('looking again', { kind: 'waiting', reason: 'SweepingSlices', afterMs: 3_000 });
  }

  #slicesOf(namespace: string, service: string): readonly EndpointSlice[] {
    return this.all('EndpointSlice').filter(
      (slice) => slice.metadata.namespace === namespace && serviceOf(slice) === service,
    ) as EndpointSlice[];
  }

  #get(ref: ObjectRef): KubeObject {
    const object = this.#objects.get(idOf(ref.kind, ref.namespace, ref.name));
    if (object?.metadata.uid === ref.uid) return object;
    throw conflict();
  }
}
