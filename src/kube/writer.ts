import type { Action, AppliedService, ObjectRef } from '../core/action.ts';
import { OperatorError } from '../core/errors.ts';
import type { EndpointSlice, Endpoints } from '../core/objects.ts';
import { kubernetesSliceManagers, labels, operatorName } from '../core/ownership.ts';
import type { Writer } from '../engine/ports.ts';
import type { Ask, KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import { lanes } from './lanes.ts';
import type { Lane } from './lanes.ts';
import { pathOf, resources } from './resources.ts';
import type { ViewKind } from './view.ts';

const fieldManager = operatorName;

/** Where answers go: `KubeView`. */
export interface AnswerSink {
  put(kind: ViewKind, namespace: string, raw: unknown): void;
  found(kind: ViewKind, namespace: string, raw: unknown): void;
  remove(kind: ViewKind, namespace: string, name: string, uid: string): void;
}

export interface WriterOptions {
  readonly client: KubeClient;
  readonly view: AnswerSink;
  /** The fence: asked immediately before each write, also before each retry. */
  readonly mayWrite: () => boolean;
}

/** An object as the API server answers with it. */
interface Answer {
  readonly kind?: string;
  readonly metadata?: {
    readonly name: string;
    readonly uid: string;
    readonly finalizers?: readonly string[];
  };
}

type Named = Pick<ObjectRef, 'kind' | 'namespace' | 'name'> & { readonly uid?: string };

/** Who is not the leader looks again when it may have become it; becoming it enqueues everything anyway. */
const notLeaderMs = 5_000;
/** The mirroring controller needs this long to see that Endpoints are no longer to be mirrored (measured: 3 s). */
const sweepAgainMs = 3_000;

const laneOf: Readonly<Record<ObjectRef['kind'], Lane>> = {
  EndpointSlice: lanes.slice,
  Service: lanes.service,
  Endpoints: lanes.endpoints,
  ExternalBackend: lanes.status,
};

export class KubeWriter implements Writer {
  readonly #client: KubeClient;
  readonly #view: AnswerSink;
  readonly #mayWrite: () => boolean;

  constructor({ client, view, mayWrite }: WriterOptions) {
    this.#client = client;
    this.#view = view;
    this.#mayWrite = mayWrite;
  }

  perform(action: Action): Promise<void> {
    switch (action.op) {
      case 'applyService':
        return this.#apply(action.service);
      case 'setService':
        return this.#setService(action);
      case 'create':
        return this.#create(action.object);
      case 'update':
        return this.#update(action.object);
      case 'delete':
        return this.#delete(action.ref);
      case 'sweep':
        return this.#sweep(action.namespace, action.name);
      case 'status':
        return this.#status(action);
    }
  }

  async #apply(service: AppliedService): Promise<void> {
    const { namespace, name } = service.metadata;
    const answer = await this.#write('Service', namespace, name, {
      verb: 'apply',
      query: { fieldManager, force: true },
      contentType: 'application/apply-patch+yaml',
      body: service,
    });
    this.#view.put('Service', namespace, answer);
  }

  async #setService({ ref, ports, selector }: Extract<Action, { op: 'setService' }>): Promise<void> {
    const spec = {
      ...(ports === undefined ? {} : { ports }),
      ...(selector === undefined ? {} : { selector }),
    };
    const metadata = { uid: ref.uid, resourceVersion: ref.resourceVersion };
    const write = this.#write('Service', ref.namespace, ref.name, {
      verb: 'patch',
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: { metadata, spec },
    });
    this.#view.put('Service', ref.namespace, await this.#orRefresh(ref, write));
  }

  async #create(object: EndpointSlice | Endpoints): Promise<void> {
    const { namespace, name } = object.metadata;
    const write = this.#write(object.kind, namespace, undefined, {
      verb: 'create',
      name,
      query: { fieldManager },
      body: object,
    });
    this.#view.put(
      object.kind,
      namespace,
      await this.#orRefresh({ kind: object.kind, namespace, name }, write),
    );
  }

  async #update(object: EndpointSlice | Endpoints): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    const write = this.#write(object.kind, namespace, name, {
      verb: 'update',
      query: { fieldManager },
      body: object,
    });
    const ref = { kind: object.kind, namespace, name, ...(uid === undefined ? {} : { uid }) };
    this.#view.put(object.kind, namespace, await this.#orRefresh(ref, write));
  }

  async #delete(ref: ObjectRef): Promise<void> {
    const { kind, namespace, name, uid, resourceVersion } = ref;
    const write = this.#write(kind, namespace, name, {
      verb: 'delete',
      body: { ...deleteOptions, preconditions: { uid, ...(resourceVersion ? { resourceVersion } : {}) } },
    });
    try {
      const answer = (await this.#orRefresh(ref, write)) as Answer;
      // An object with finalizers stays for now, as the answer shows it.
      const stays = answer.kind === kind && (answer.metadata?.finalizers ?? []).length > 0;
      if (stays) this.#view.put(kind, namespace, answer);
      else this.#view.remove(kind, namespace, name, uid);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }

  async #sweep(namespace: string, name: string): Promise<void> {
    const managers = kubernetesSliceManagers.join(',');
    const labelSelector = `${labels.serviceName}=${name},${labels.sliceManagedBy} in (${managers})`;
    const found = (await this.#client.request({
      verb: 'list',
      resource: resources.EndpointSlice.plural,
      path: pathOf(resources.EndpointSlice, namespace),
      query: { labelSelector },
    })) as { readonly items: readonly Required<Pick<Answer, 'metadata'>>[] | null };
    const orphans = (found.items ?? []).map(({ metadata }) => metadata);
    for (const orphan of orphans) {
      await this.#delete({ kind: 'EndpointSlice', namespace, name: orphan.name, uid: orphan.uid });
    }
    if (orphans.length > 0) {
      throw new OperatorError(`deleted ${orphans.length} slices left by Kubernetes, looking again`, {
        kind: 'waiting',
        reason: 'SweepingSlices',
        afterMs: sweepAgainMs,
      });
    }
  }

  async #status({ ref, status }: Extract<Action, { op: 'status' }>): Promise<void> {
    const write = this.#write('ExternalBackend', ref.namespace, ref.name, {
      verb: 'patch',
      query: { fieldManager },
      contentType: 'application/json-patch+json',
      body: [
        { op: 'test', path: '/metadata/uid', value: ref.uid },
        { op: 'add', path: '/status', value: status },
      ],
      subresource: 'status',
    });
    try {
      this.#view.put('ExternalBackend', ref.namespace, await this.#orRefresh(ref, write));
    } catch (error) {
      // A failed `test` is answered with the same 422 as a status that does not fit the schema.
      if (!hasStatus(error, 422) || (await this.#refresh(ref)) === ref.uid) throw error;
      const message = `${ref.namespace}/${ref.name} is no longer the resource that this status is of`;
      throw new OperatorError(message, { kind: 'transient', reason: 'Conflict', cause: error });
    }
  }

  /** Passes the answer on. Where somebody else was quicker, the view learns what is there now: the next plan is right. */
  async #orRefresh(ref: Named, write: Promise<unknown>): Promise<unknown> {
    try {
      return await write;
    } catch (error) {
      this.#forgetWhenGone(ref, error);
      if (hasStatus(error, 409)) await this.#refresh(ref);
      throw error;
    }
  }

  /** The uid of what is there now; undefined: nothing, or it cannot be said. */
  async #refresh(ref: Named): Promise<string | undefined> {
    const of = resources[ref.kind];
    try {
      const path = pathOf(of, ref.namespace, ref.name);
      const ask: Ask = { verb: 'get', resource: of.plural, name: ref.name, path, lane: laneOf[ref.kind] };
      const answer = (await this.#client.request(ask)) as Answer;
      this.#view.found(ref.kind, ref.namespace, answer);
      return answer.metadata?.uid;
    } catch (error) {
      // The watch will tell; what failed before this is what the caller must hear of.
      this.#forgetWhenGone(ref, error);
      return undefined;
    }
  }

  #forgetWhenGone({ kind, namespace, name, uid }: Named, error: unknown): void {
    if (uid !== undefined && hasStatus(error, 404)) this.#view.remove(kind, namespace, name, uid);
  }

  #write(
    kind: ObjectRef['kind'],
    namespace: string,
    name: string | undefined,
    {
      subresource,
      ...ask
    }: Omit<Ask, 'resource' | 'path' | 'lane' | 'guard'> & { readonly subresource?: string },
  ): Promise<unknown> {
    const of = resources[kind];
    return this.#client.request({
      ...(name === undefined ? {} : { name }),
      ...ask,
      resource: subresource === undefined ? of.plural : `${of.plural}/${subresource}`,
      path: pathOf(of, namespace, name, subresource),
      lane: laneOf[kind],
      guard: this.#guard,
    });
  }

  readonly #guard = (): void => {
    if (this.#mayWrite()) return;
    throw new OperatorError('this replica is not the leader', {
      kind: 'waiting',
      reason: 'NotLeader',
      afterMs: notLeaderMs,
    });
  };
}

const deleteOptions = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
