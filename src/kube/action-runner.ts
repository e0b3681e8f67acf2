import type { Action, AppliedService, ObjectRef } from '../core/action.ts';
import { OperatorError } from '../core/errors.ts';
import type { EndpointSlice, Endpoints } from '../core/objects.ts';
import { labels } from '../core/ownership.ts';
import type { Call } from './call.ts';
import type { Ask, KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import * as requests from './write-requests.ts';

export interface ActionRunnerOptions {
  readonly client: Pick<KubeClient, 'request'>;
  /** The fence: asked immediately before each write, also before each retry. */
  readonly mayWrite: () => boolean;
  /** Number of the term: a write is sent only in the term in which it was begun. Default: there is one term. */
  readonly term?: () => number;
  /** Awaited before each sending: rejects where the API server does not answer now. */
  readonly confirm?: () => Promise<void>;
}

/** An object as the API server answers with it. */
interface Answer {
  readonly kind?: string;
  readonly metadata?: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
}

type Named = Pick<ObjectRef, 'kind' | 'namespace' | 'name'> & { readonly uid?: string };

/** Who is not the leader looks again when it may have become it; becoming it enqueues everything anyway. */
const notLeaderMs = 5_000;
/** The watch reports the end of a Service that a finalizer holds; this is for a watch that is late. */
const terminatingMs = 1_000;
/** The mirroring controller needs this long to see that Endpoints are no longer to be mirrored (measured: 3 s). */
const sweepAgainMs = 3_000;

/** Runs single actions of a plan: the requests that each needs, and what follows from their answers. */
export class ActionRunner {
  readonly #client: Pick<KubeClient, 'request'>;
  readonly #options: ActionRunnerOptions;

  constructor(options: ActionRunnerOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** Runs the action, and puts what the API server answers into the view. Rejects with an `OperatorError`. */
  run(action: Action, call: Call): Promise<void> {
    switch (action.op) {
      case 'absent':
        return this.#absent(action, call);
      case 'applyService':
        return this.#apply(action.service, call);
      case 'setService':
        return this.#setService(action, call);
      case 'create':
        return this.#create(action.object, call);
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

  /** Asks the server itself, for the view may be behind. */
  async #absent({ namespace, name }: Extract<Action, { op: 'absent' }>, call: Call): Promise<void> {
    const found = await this.#find({ kind: 'Service', namespace, name }, call);
    if (found === undefined) return;
    if (found.metadata?.deletionTimestamp !== undefined)
      throw new OperatorError(`Service ${name} is being deleted, looking again`, {
        kind: 'waiting',
        reason: 'Terminating',
        afterMs: terminatingMs,
      });
    const message = `Service ${name} was created by another client a moment ago, looking again`;
    throw new OperatorError(message, { kind: 'transient', reason: 'AlreadyExists', status: 409 });
  }

  /** Returns what is there now, and puts it into the view. */
  async #find(ref: Named, call: Call): Promise<Answer | undefined> {
    try {
      const answer = (await this.#read(ref, call)) as Answer;
      call.found(ref.kind, ref.namespace, answer);
      return answer;
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #apply(service: AppliedService, call: Call): Promise<void> {
    const answer = await this.#write(requests.applyService(service), call);
    call.put('Service', service.metadata.namespace, answer);
  }

  async #setService(action: Extract<Action, { op: 'setService' }>, call: Call): Promise<void> {
    const { ref } = action;
    const write = this.#write(requests.setService(action), call);
    call.put('Service', ref.namespace, await this.#orRefresh(ref, write, call));
  }

  async #create(object: EndpointSlice | Endpoints, call: Call): Promise<void> {
    const { kind } = object;
    const { namespace, name } = object.metadata;
    const write = this.#write(requests.createObject(object), call);
    call.put(kind, namespace, await this.#orRefresh({ kind, namespace, name }, write, call));
  }

  async #update(object: EndpointSlice | Endpoints, call: Call): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    const write = this.#write(requests.updateObject(object), call);
    const ref = { kind: object.kind, namespace, name, ...(uid === undefined ? {} : { uid }) };
    call.put(object.kind, namespace, await this.#orRefresh(ref, write, call));
  }

  async #delete(ref: ObjectRef, call: Call): Promise<void> {
    const { kind, namespace, name, uid } = ref;
    const write = this.#write(requests.deleteObject(ref), call);
    try {
      const answer = (await this.#orRefresh(ref, write, call)) as Answer;
      // An object with finalizers stays for now, as the answer shows it.
      const stays = answer.kind === kind && (answer.metadata?.finalizers ?? []).length > 0;
      if (stays) call.put(kind, namespace, answer);
      else call.remove(kind, namespace, name, uid);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }

  async #sweep({ namespace, name }: Extract<Action, { op: 'sweep' }>, call: Call): Promise<void> {
    const found = (await this.#ask(requests.listForeignSlices(namespace, name), call)) as {
      readonly items: readonly Required<Pick<Answer, 'metadata'>>[] | null;
    };
    const slices = (found.items ?? []).map(({ metadata }) => ({
      kind: 'EndpointSlice' as const,
      ...metadata,
    }));
    const orphans = [...slices, ...(await this.#orphanedEndpoints(namespace, name, call))];
    for (const { kind, name: orphan, uid } of orphans)
      await this.#delete({ kind, namespace, name: orphan, uid }, call);
    if (orphans.length > 0) {
      throw new OperatorError(`deleted ${orphans.length} objects left by Kubernetes, looking again`, {
        kind: 'waiting',
        reason: 'SweepingSlices',
        afterMs: sweepAgainMs,
      });
    }
  }

  /** Endpoints that the endpoints controller wrote for a selector that is gone, and that are not taken over. The view has none of its. */
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
      call.put('ExternalBackend', ref.namespace, await this.#orRefresh(ref, write, call));
    } catch (error) {
      // A failed `test` is answered with the same 422 as a status that does not fit the schema.
      if (!hasStatus(error, 422) || (await this.#refresh(ref, call)) === ref.uid) throw error;
      const message = `${ref.namespace}/${ref.name} is no longer the resource that this status is of`;
      throw new OperatorError(message, { kind: 'transient', reason: 'Conflict', cause: error });
    }
  }

  /** Passes the answer on. Where somebody else was quicker, the view learns what is there now: the next plan is right. */
  async #orRefresh(ref: Named, write: Promise<unknown>, call: Call): Promise<unknown> {
    try {
      return await write;
    } catch (error) {
      forgetWhenGone(ref, error, call);
      if (hasStatus(error, 409)) await call.unlessSuperseded(this.#refresh(ref, call), ref.name);
      throw error;
    }
  }

  /** The uid of what is there now; undefined: nothing, or it cannot be said. */
  async #refresh(ref: Named, call: Call): Promise<string | undefined> {
    try {
      const answer = (await this.#read(ref, call)) as Answer;
      call.found(ref.kind, ref.namespace, answer);
      return answer.metadata?.uid;
    } catch (error) {
      // The watch will tell; what failed before this is what the caller must hear of.
      forgetWhenGone(ref, error, call);
      return undefined;
    }
  }

  #read(ref: Named, call: Call): Promise<unknown> {
    return this.#ask(requests.getObject(ref), call);
  }

  #write(ask: Ask, call: Call): Promise<unknown> {
    return this.#ask({ ...ask, guard: () => this.#guard(call) }, call);
  }

  #ask(ask: Ask, { patience }: Call): Promise<unknown> {
    return this.#client.request(patience === undefined ? ask : { ...ask, patience });
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

function forgetWhenGone({ kind, namespace, name, uid }: Named, error: unknown, call: Call): void {
  if (uid !== undefined && hasStatus(error, 404)) call.remove(kind, namespace, name, uid);
}
