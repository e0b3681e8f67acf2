import type { Action, AppliedService, ObjectRef } from '../../core/kubernetes/action.ts';
import { OperatorError } from '../../core/errors.ts';
import type { EndpointSlice, Endpoints } from '../../core/kubernetes/objects.ts';
import { labels } from '../../core/kubernetes/ownership.ts';
import type { Call } from './call.ts';
import type { ApiRequest, KubeClient } from '../client/client.ts';
import { hasStatus } from '../client/errors.ts';
import * as requests from './write-requests.ts';

export interface ActionRunnerOptions {
  readonly client: Pick<KubeClient, 'request'>;
  /** Fence: called immediately before each write, and before each retry. */
  readonly mayWrite: () => boolean;
  /**
   * Returns the number of the term. A write is sent only in the term in which it began. Default: there is one
   * term.
   */
  readonly term?: () => number;
  /** Awaited before each sending. Rejects if the API server does not answer now. */
  readonly confirm?: () => Promise<void>;
}

/** Object in an answer of the API server. */
interface Answer {
  readonly kind?: string;
  readonly metadata?: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
}

type ObjectName = Pick<ObjectRef, 'kind' | 'namespace' | 'name'> & { readonly uid?: string };

/**
 * Delay after a write without leadership. A replica that becomes the leader queues all backends in any case.
 */
const notLeaderMs = 5_000;
/** Delay for a Service that is being deleted. The watch reports its end; this is for a watch that is late. */
const terminatingMs = 1_000;
/**
 * Time that the mirroring controller needs to notice that it must no longer mirror Endpoints (measured: 3 s).
 */
const sweepAgainMs = 3_000;

/** Message of a quota that only one Service more would exceed (k8s.io/apiserver, plugin/resourcequota/controller.go). */
const filledByOne = /exceeded quota: [^,]+, requested: (?:(?:count\/)?services=1,? ?)+used: /;

/** Runs single actions of a plan: sends the requests of an action, and handles their answers. */
export class ActionRunner {
  readonly #client: Pick<KubeClient, 'request'>;
  readonly #options: ActionRunnerOptions;

  constructor(options: ActionRunnerOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /**
   * Runs the action, and puts the answers of the API server into the cache. Rejects with an `OperatorError`.
   */
  run(action: Action, call: Call): Promise<void> {
    switch (action.op) {
      case 'absent':
        return this.#absent(action, call);
      case 'creatable':
        return this.#creatable(action.service, call);
      case 'applyService':
        return this.#apply(action.service, call);
      case 'setService':
        return this.#setService(action, call);
      case 'create':
        return this.#create(action, call);
      case 'update':
        return this.#update(action.object, call);
      case 'dryRun':
        return this.#write(requests.dryRun(action), call).then(() => undefined);
      case 'delete':
        return this.#delete(action.ref, call);
      case 'sweep':
        return this.#sweep(action, call);
      case 'status':
        return this.#status(action, call);
    }
  }

  /** Reads from the API server, because the cache may be behind. */
  async #absent({ namespace, name }: Extract<Action, { op: 'absent' }>, call: Call): Promise<void> {
    const service = await this.#find({ kind: 'Service', namespace, name }, call);
    if (service === undefined) return;
    if (service.metadata?.deletionTimestamp !== undefined)
      throw new OperatorError(`Service ${name} is being deleted; retrying`, {
        kind: 'waiting',
        reason: 'Terminating',
        afterMs: terminatingMs,
      });
    const message = `Service ${name} was created concurrently by another client; retrying`;
    throw new OperatorError(message, { kind: 'transient', reason: 'AlreadyExists', status: 409 });
  }

  /** Reads the object, and puts it into the cache. Returns undefined if it does not exist. */
  async #find(ref: ObjectName, call: Call): Promise<Answer | undefined> {
    try {
      const answer = (await this.#read(ref, call)) as Answer;
      call.putRead(ref.kind, ref.namespace, answer);
      return answer;
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** A quota that the present Service fills does not count: it is free when the new one is created. */
  async #creatable(service: AppliedService, call: Call): Promise<void> {
    try {
      await this.#write(requests.creatable(service), call);
    } catch (error) {
      if (!hasStatus(error, 403) || !filledByOne.test(String(error))) throw error;
    }
  }

  async #apply(service: AppliedService, call: Call): Promise<void> {
    const answer = await this.#write(requests.applyService(service), call);
    call.put('Service', service.metadata.namespace, answer);
  }

  async #setService(action: Extract<Action, { op: 'setService' }>, call: Call): Promise<void> {
    const { ref } = action;
    const write = this.#write(requests.patchServiceRequest(action), call);
    call.put('Service', ref.namespace, await this.#refreshOnConflict(ref, write, call));
  }

  async #create(
    { object, emptyFirst = false }: Extract<Action, { op: 'create' }>,
    call: Call,
  ): Promise<void> {
    if (emptyFirst && object.kind === 'EndpointSlice') await this.#createEmpty(object, call);
    else await this.#createObject(object, call);
  }

  /** Returns the stored object. */
  async #createObject(object: EndpointSlice | Endpoints, call: Call): Promise<Answer> {
    const { kind } = object;
    const { namespace, name } = object.metadata;
    const write = this.#write(requests.createObject(object), call);
    const answer = await this.#refreshOnConflict({ kind, namespace, name }, write, call);
    call.put(kind, namespace, answer);
    return answer as Answer;
  }

  /**
   * Creates the slice without endpoints, and then adds them. Unlike the create, the update has a version: if it
   * arrives late, after another leader has written the slice, it is refused.
   */
  async #createEmpty(object: EndpointSlice, call: Call): Promise<void> {
    const { annotations: _, ...metadata } = object.metadata;
    const { metadata: stored } = await this.#createObject({ ...object, metadata, endpoints: [] }, call);
    const fence = { uid: stored?.uid ?? '', resourceVersion: stored?.resourceVersion ?? '' };
    await this.#update({ ...object, metadata: { ...object.metadata, ...fence } }, call);
  }

  async #update(object: EndpointSlice | Endpoints, call: Call): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    const write = this.#write(requests.updateObject(object), call);
    const ref = { kind: object.kind, namespace, name, ...(uid === undefined ? {} : { uid }) };
    call.put(object.kind, namespace, await this.#refreshOnConflict(ref, write, call));
  }

  async #delete(ref: ObjectRef, call: Call): Promise<void> {
    const { kind, namespace, name, uid } = ref;
    const write = this.#write(requests.deleteObject(ref), call);
    try {
      const answer = (await this.#refreshOnConflict(ref, write, call)) as Answer;
      // An object with finalizers still exists, in the state of the answer.
      const stays = answer.kind === kind && (answer.metadata?.finalizers ?? []).length > 0;
      if (stays) call.put(kind, namespace, answer);
      else call.remove(kind, namespace, name, uid);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }

  async #sweep({ namespace, name }: Extract<Action, { op: 'sweep' }>, call: Call): Promise<void> {
    const list = (await this.#request(requests.listForeignSlices(namespace, name), call)) as {
      readonly items: readonly Required<Pick<Answer, 'metadata'>>[] | null;
    };
    const slices = (list.items ?? []).map(({ metadata }) => ({
      kind: 'EndpointSlice' as const,
      ...metadata,
    }));
    const orphans = [...slices, ...(await this.#orphanedEndpoints(namespace, name, call))];
    for (const { kind, name: orphan, uid } of orphans)
      await this.#delete({ kind, namespace, name: orphan, uid }, call);
    if (orphans.length > 0) {
      throw new OperatorError(
        `deleted ${orphans.length} objects that controllers of Kubernetes left; checking again`,
        {
          kind: 'waiting',
          reason: 'SweepingSlices',
          afterMs: sweepAgainMs,
        },
      );
    }
  }

  /**
   * Returns Endpoints that the endpoints controller wrote for a selector that was removed, and that the
   * operator has not taken over. The cache does not contain Endpoints of that controller.
   */
  async #orphanedEndpoints(namespace: string, name: string, call: Call) {
    const kind = 'Endpoints';
    try {
      const { metadata } = (await this.#read({ kind, namespace, name }, call)) as Answer;
      const isOrphan = metadata?.labels?.[labels.endpointsManagedBy] === 'endpoint-controller';
      return metadata !== undefined && isOrphan ? [{ kind, ...metadata } as const] : [];
    } catch (error) {
      if (hasStatus(error, 404)) return [];
      throw error;
    }
  }

  async #status(action: Extract<Action, { op: 'status' }>, call: Call): Promise<void> {
    const { ref } = action;
    const write = this.#write(requests.setStatus(action), call);
    try {
      call.put('ExternalBackend', ref.namespace, await this.#refreshOnConflict(ref, write, call));
    } catch (error) {
      // A failed `test` gets the same 422 as a status that the schema refuses.
      if (!hasStatus(error, 422) || (await this.#refresh(ref, call)) === ref.uid) throw error;
      const message = `${ref.namespace}/${ref.name} was deleted or replaced before its status was written`;
      throw new OperatorError(message, { kind: 'transient', reason: 'Conflict', cause: error });
    }
  }

  /**
   * Returns the answer of a write. After a conflict the object is read into the cache, so that the next plan
   * is right.
   */
  async #refreshOnConflict(ref: ObjectName, write: Promise<unknown>, call: Call): Promise<unknown> {
    try {
      return await write;
    } catch (error) {
      forgetWhenGone(ref, error, call);
      if (hasStatus(error, 409)) await call.unlessSuperseded(this.#refresh(ref, call), ref.name);
      throw error;
    }
  }

  /** Reads the object into the cache. Returns its uid; undefined: it does not exist, or the read failed. */
  async #refresh(ref: ObjectName, call: Call): Promise<string | undefined> {
    try {
      const answer = (await this.#read(ref, call)) as Answer;
      call.putRead(ref.kind, ref.namespace, answer);
      return answer.metadata?.uid;
    } catch (error) {
      // The caller reports the error of the write. The watch will bring the object.
      forgetWhenGone(ref, error, call);
      return undefined;
    }
  }

  #read(ref: ObjectName, call: Call): Promise<unknown> {
    return this.#request(requests.getObject(ref), call);
  }

  #write(request: ApiRequest, call: Call): Promise<unknown> {
    return this.#request({ ...request, guard: () => this.#guard(call) }, call);
  }

  #request(request: ApiRequest, { preempt }: Call): Promise<unknown> {
    return this.#client.request(preempt === undefined ? request : { ...request, preempt });
  }

  async #guard({ term }: Call): Promise<void> {
    const { confirm, mayWrite } = this.#options;
    await confirm?.();
    if (mayWrite() && term === this.#options.term?.()) return;
    throw new OperatorError('this replica is not the leader', {
      kind: 'waiting',
      reason: 'NotLeader',
      afterMs: notLeaderMs,
    });
  }
}

function forgetWhenGone({ kind, namespace, name, uid }: ObjectName, error: unknown, call: Call): void {
  if (uid !== undefined && hasStatus(error, 404)) call.remove(kind, namespace, name, uid);
}
