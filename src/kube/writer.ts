import type { Action, AppliedService, ObjectRef } from '../core/action.ts';
import { OperatorError } from '../core/errors.ts';
import type { EndpointSlice, Endpoints } from '../core/objects.ts';
import type { Writer } from '../engine/ports.ts';
import type { Ask, KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import type { ViewKind } from './view.ts';
import { lanes } from './lanes.ts';
import * as requests from './write-requests.ts';

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

export class KubeWriter implements Writer {
  readonly #client: KubeClient;
  readonly #view: AnswerSink;
  readonly #mayWrite: () => boolean;

  constructor({ client, view, mayWrite }: WriterOptions) {
    this.#client = client;
    this.#view = view;
    this.#mayWrite = mayWrite;
  }

  perform(action: Action, patience?: AbortSignal): Promise<void> {
    switch (action.op) {
      case 'absent':
        return this.#absent(action);
      case 'applyService':
        return this.#apply(action.service, patience);
      case 'setService':
        return this.#setService(action, patience);
      case 'create':
        return this.#create(action.object, patience);
      case 'update':
        return this.#update(action.object, patience);
      case 'delete':
        return this.#delete(action.ref, patience);
      case 'sweep':
        return this.#sweep(action.namespace, action.name);
      case 'status':
        return this.#status(action, patience);
    }
  }

  /** Asks the server itself, for the view may be behind. */
  async #absent({ namespace, name }: Extract<Action, { op: 'absent' }>): Promise<void> {
    const kind = 'Service';
    try {
      this.#view.found(
        kind,
        namespace,
        await this.#client.request(requests.getObject({ kind, namespace, name })),
      );
    } catch (error) {
      if (hasStatus(error, 404)) return;
      throw error;
    }
    const message = `Service ${name} was made by somebody a moment ago, looking again`;
    throw new OperatorError(message, { kind: 'transient', reason: 'AlreadyExists', status: 409 });
  }

  async #apply(service: AppliedService, patience?: AbortSignal): Promise<void> {
    const answer = await this.#write(requests.applyService(service), patience);
    this.#view.put('Service', service.metadata.namespace, answer);
  }

  async #setService(action: Extract<Action, { op: 'setService' }>, patience?: AbortSignal): Promise<void> {
    const { ref } = action;
    const write = this.#write(requests.setService(action), patience);
    this.#view.put('Service', ref.namespace, await this.#orRefresh(ref, write));
  }

  async #create(object: EndpointSlice | Endpoints, patience?: AbortSignal): Promise<void> {
    const { kind } = object;
    const { namespace, name } = object.metadata;
    const write = this.#write(requests.createObject(object), patience);
    this.#view.put(kind, namespace, await this.#orRefresh({ kind, namespace, name }, write));
  }

  async #update(object: EndpointSlice | Endpoints, patience?: AbortSignal): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    const write = this.#write(requests.updateObject(object), patience);
    const ref = { kind: object.kind, namespace, name, ...(uid === undefined ? {} : { uid }) };
    this.#view.put(object.kind, namespace, await this.#orRefresh(ref, write));
  }

  async #delete(ref: ObjectRef, patience?: AbortSignal): Promise<void> {
    const { kind, namespace, name, uid } = ref;
    const write = this.#write(requests.deleteObject(ref), patience);
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
    const found = (await this.#client.request(requests.listForeignSlices(namespace, name))) as {
      readonly items: readonly Required<Pick<Answer, 'metadata'>>[] | null;
    };
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

  async #status(action: Extract<Action, { op: 'status' }>, patience?: AbortSignal): Promise<void> {
    const { ref } = action;
    const write = this.#write(requests.setStatus(action), patience);
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
    try {
      const answer = (await this.#client.request(requests.getObject(ref))) as Answer;
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

  #write(ask: Ask, patience: AbortSignal | undefined): Promise<unknown> {
    const impatient = patience === undefined || ask.lane === lanes.slice ? {} : { patience };
    return this.#client.request({ ...ask, ...impatient, guard: this.#guard });
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
