import { isDeepStrictEqual } from 'node:util';

import type { Action, AppliedService, ObjectRef } from '../../../src/core/kubernetes/action.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type {
  EndpointSlice,
  Endpoints,
  Family,
  KubeObject,
  Service,
} from '../../../src/core/kubernetes/objects.ts';
import { kubernetesSliceManagers, labels, serviceOf } from '../../../src/core/kubernetes/ownership.ts';
import type { ClusterCache, Writer } from '../../../src/engine/ports.ts';
import { IndexedObjects } from './indexed-objects.ts';
import { appliedService, merged, repacked } from './server-like.ts';
import { refused, registered, type Allocators } from './service-registry.ts';

const idOf = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;
const idOfObject = ({ kind, metadata }: KubeObject): string => idOf(kind, metadata.namespace, metadata.name);

export const conflict = (): OperatorError =>
  new OperatorError('the object has been modified', { kind: 'transient', reason: 'Conflict', status: 409 });

/**
 * The cluster behind the engine's ports: one store with optimistic locking. Each write is visible at once.
 */
export class FakeCluster implements ClusterCache, Writer {
  readonly #objects = new IndexedObjects();
  readonly #applied = new Map<string, AppliedService>();
  #version = 0;
  #allocated = 0;
  /** IP families that Services of this cluster can have; the first is the default. */
  families: readonly Family[] = ['IPv4'];
  /** All writes that were done. */
  readonly writes: Action[] = [];
  /** Names of objects that a finalizer keeps: a delete only marks them. */
  readonly held = new Set<string>();
  /** Called before each write; returns an error to fail with. */
  refuse: (action: Action) => OperatorError | undefined = () => undefined;
  /** Returns a Service, a slice or Endpoints object as admission changes it before it is stored. */
  alter: (object: KubeObject) => KubeObject = (object) => object;
  /** Called after each write. */
  onWrite: () => void = () => undefined;
  /** Called when an object was stored (`after`), or removed. A write that changes nothing is no change. */
  onChange: (before: KubeObject | undefined, after: KubeObject | undefined) => void = () => undefined;

  /** Version of the last change. */
  get version(): string {
    return `${this.#version}`;
  }

  /** Writes an object as another client. A write that changes nothing keeps its version. */
  put(written: KubeObject): void {
    const object = written.kind === 'ExternalBackend' ? written : this.alter(written);
    const before = this.#objects.get(idOfObject(object));
    if (before !== undefined && isUnchanged(before, object)) return;
    const uid = object.metadata.uid ?? before?.metadata.uid;
    this.#version += 1;
    const metadata = {
      ...object.metadata,
      uid: uid ?? `uid-${this.#version}`,
      resourceVersion: `${this.#version}`,
    };
    const after = { ...object, metadata };
    this.#objects.set(idOfObject(object), after);
    this.onChange(before, after);
  }

  /** Deletes an object as another client. A deletion has a version of its own. */
  remove(kind: string, namespace: string, name: string): void {
    const before = this.find(kind, namespace, name);
    this.#objects.delete(idOf(kind, namespace, name));
    if (kind === 'Service') this.#applied.delete(`${namespace}/${name}`);
    if (before === undefined) return;
    this.#version += 1;
    this.onChange(before, undefined);
  }

  find(kind: string, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(idOf(kind, namespace, name));
  }

  all(kind: string): readonly KubeObject[] {
    return this.#objects.ofKind(kind);
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
    const owned = this.#objects.ownedBy(namespace, backend);
    return new Set(
      owned.flatMap((object) =>
        object.kind === 'EndpointSlice' ? (serviceOf(object) ?? []) : object.metadata.name,
      ),
    );
  }

  caughtUp(): Promise<void> {
    return Promise.resolve();
  }

  async perform(action: Action): Promise<void> {
    await Promise.resolve();
    if (action.op === 'create' && action.emptyFirst === true) await this.#createEmpty(action.object);
    else this.#request(action);
    if (action.op === 'dryRun') return;
    if (!isRead(action)) this.writes.push(action);
    this.onWrite();
  }

  #request(action: Action): void {
    const error = this.refuse(requestOf(action));
    if (error !== undefined) throw error;
    this.execute(action);
  }

  /** Does what the API server does with the requests of an action. Throws if it refuses them. */
  execute(action: Action): void {
    switch (action.op) {
      case 'absent':
        this.#absent(action.namespace, action.name);
        break;
      case 'creatable':
        this.#admit(action.service);
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
      case 'dryRun':
        if (action.write.op === 'create' && this.#objects.has(idOfObject(action.write.object)))
          throw conflict();
        break;
      default:
        this.#store(action.op, action.object);
    }
  }

  /** Stores the slice without endpoints, and then with them, as the writer does. */
  async #createEmpty(object: EndpointSlice | Endpoints): Promise<void> {
    this.#request({ op: 'create', object: { ...object, endpoints: [] } as EndpointSlice });
    const { uid = '', resourceVersion = '' } = this.#objects.get(idOfObject(object))?.metadata ?? {};
    this.onWrite();
    await Promise.resolve();
    this.#request({
      op: 'update',
      object: { ...object, metadata: { ...object.metadata, uid, resourceVersion } },
    });
  }

  #store(op: 'create' | 'update', object: EndpointSlice | Endpoints): void {
    const standing = this.#objects.get(idOfObject(object));
    const { uid, resourceVersion } = object.metadata;
    const fenced = standing?.metadata.uid === uid && standing?.metadata.resourceVersion === resourceVersion;
    if (op === 'create' ? standing !== undefined : !fenced) throw conflict();
    if (object.kind === 'EndpointSlice') validateSlice(object, standing as EndpointSlice | undefined);
    this.put(object.kind === 'Endpoints' ? repacked(object) : object);
  }

  /** Throws if the API server refuses a new Service with this body. */
  #admit(body: AppliedService): void {
    registered(appliedService(undefined, undefined, body), undefined, this.#allocators(undefined));
  }

  #apply(body: AppliedService): void {
    const { namespace, name } = body.metadata;
    const before = this.service(namespace, name);
    const next = appliedService(before, this.#applied.get(`${namespace}/${name}`), body);
    const applied = Object.keys(body.spec);
    const { editor: _, ...stored } = registered(next, before, this.#allocators(before));
    this.put({ ...stored, applied } as Service);
    this.#applied.set(`${namespace}/${name}`, body);
  }

  /** Sends a JSON merge patch of a Service as another client. Throws if the server refuses it. */
  patchService(namespace: string, name: string, patch: object, manager?: string): void {
    const before = this.service(namespace, name);
    if (before === undefined) throw refused(`services ${name} not found`);
    const { editor: _, ...next } = registered(
      merged(before, patch) as Service,
      before,
      this.#allocators(before),
    );
    this.put({ ...next, ...(manager !== undefined && { editor: manager }) });
  }

  #setService({ ref, spec, annotations, ownerReferences }: Extract<Action, { op: 'setService' }>): void {
    this.#get(ref);
    this.patchService(ref.namespace, ref.name, { metadata: { annotations, ownerReferences }, spec });
  }

  #allocators(self: Service | undefined): Allocators {
    const others = () =>
      (this.all('Service') as readonly Service[]).filter(
        ({ metadata }) => metadata.uid !== self?.metadata.uid,
      );
    return {
      families: this.families,
      nextIp: (family) => `${family === 'IPv4' ? '10.96.1.' : 'fd00:96::1:'}${(this.#allocated += 1)}`,
      nextPort: () => 31_000 + (this.#allocated += 1),
      isIpTaken: (ip) => others().some(({ spec }) => spec.clusterIPs?.includes(ip)),
      isPortTaken: (nodePort) =>
        others().some(({ spec }) => spec.ports?.some((port) => port.nodePort === nodePort)),
    };
  }

  #delete(ref: ObjectRef): void {
    const { uid, resourceVersion } =
      this.#objects.get(idOf(ref.kind, ref.namespace, ref.name))?.metadata ?? {};
    if (uid === undefined) return;
    const moved = (ref.resourceVersion ?? '') !== '' && ref.resourceVersion !== resourceVersion;
    if (uid !== ref.uid || moved) throw conflict();
    if (this.held.has(ref.name))
      this.put({
        ...this.#get(ref),
        metadata: { ...this.#get(ref).metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
      });
    else this.remove(ref.kind, ref.namespace, ref.name);
  }

  #absent(namespace: string, name: string): void {
    const found = this.service(namespace, name);
    if (found?.metadata.deletionTimestamp !== undefined)
      throw new OperatorError('is being deleted', { kind: 'waiting', reason: 'Terminating', afterMs: 5_000 });
    if (found !== undefined) throw conflict();
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
    return this.#objects.slicesOf(namespace, service) as EndpointSlice[];
  }

  #get(ref: ObjectRef): KubeObject {
    const object = this.#objects.get(idOf(ref.kind, ref.namespace, ref.name));
    if (object?.metadata.uid === ref.uid) return object;
    throw conflict();
  }
}

/** Returns the write that a dry run tries. */
const requestOf = (action: Action): Action => {
  if (action.op === 'dryRun') return action.write;
  return action.op === 'creatable' ? { ...action, op: 'applyService' } : action;
};

const isRead = ({ op }: Action): boolean => op === 'sweep' || op === 'absent' || op === 'creatable';

function isUnchanged(before: KubeObject, { metadata, ...object }: KubeObject): boolean {
  const { uid, resourceVersion } = before.metadata;
  return isDeepStrictEqual(before, { ...object, metadata: { ...metadata, uid, resourceVersion } });
}

/**
 * ValidateEndpointSlice and its update: at most 1,000 endpoints and 100 ports, names of ports distinct, the
 * type immutable.
 */
function validateSlice(
  { addressType, endpoints, ports }: EndpointSlice,
  before: EndpointSlice | undefined,
): void {
  if (before !== undefined && before.addressType !== addressType)
    throw refused('addressType: Invalid value: field is immutable');
  if ((endpoints ?? []).length > 1_000) throw refused('endpoints: Too many');
  const names = (ports ?? []).map(({ name }) => name);
  if (new Set(names).size < names.length) throw refused('ports: Duplicate value: name');
  for (const { addresses } of endpoints ?? [])
    for (const ip of addresses)
      if (addressType !== 'FQDN' && ip.includes(':') !== (addressType === 'IPv6'))
        throw refused('endpoints[0].addresses: Invalid value: not of the address type');
}
