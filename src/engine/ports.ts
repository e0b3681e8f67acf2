/**
 * Narrow interfaces between the engine and everything outside it. Adapters implement them; unit tests use
 * fakes.
 */
import type { BackendEvent } from '../core/events/backend-event.ts';
import type { Check } from '../core/probing/check.ts';
import type { Action } from '../core/kubernetes/action.ts';
import type { ClusterAddress } from '../core/resolution/cluster-addresses.ts';
import type { EndpointSlice, Endpoints, KubeObject, Service } from '../core/kubernetes/objects.ts';
import type { SecretState } from '../core/probing/probe-secrets.ts';
import type { NameState, Question, Records } from '../core/resolution/name-state.ts';
import type { AskedCheck, Opinion } from '../core/isolation/second-opinion.ts';
import type { BareVerdict, Verdict } from '../core/probing/verdict.ts';

/**
 * Performs one probe run. A target cannot make it reject; a rejection is a fault of the prober. Ends within
 * the check's timeout, and at once when the signal aborts.
 */
export type ProbeFn = (check: Check, signal: AbortSignal) => Promise<Verdict>;

/**
 * Performs one probe run that belongs to no schedule and changes no health, as `ProbeFn`. Nothing that the server sends
 * reaches the caller. Inconclusive: there is no evidence.
 */
export type ProbeOnceFn = (check: Check, signal: AbortSignal) => Promise<BareVerdict>;

/** Local cache of the cluster, updated by watches. Returned objects are immutable. */
export interface ClusterCache {
  /** Returns the resource as stored: not parsed, possibly invalid. */
  backend(namespace: string, name: string): KubeObject | undefined;
  backends(): Iterable<KubeObject>;
  service(namespace: string, name: string): Service | undefined;
  /**
   * Returns all slices with the label `kubernetes.io/service-name: service`, except those of Kubernetes' own
   * endpointslice controller.
   */
  slices(namespace: string, service: string): readonly EndpointSlice[];
  /** Returns the Endpoints object, unless it belongs to Kubernetes' own endpoints controller. */
  endpoints(namespace: string, name: string): Endpoints | undefined;
  /**
   * Returns the use of an address (canonical) by kube-proxy, as far as Services of the watched namespaces
   * show it. Without this method it is unknown.
   */
  clusterAddress?(ip: string): ClusterAddress | undefined;
  /**
   * Returns the names of the Services of which the Service itself, a slice or the Endpoints object belongs to
   * this backend (`ownerName` of core/kubernetes/ownership.ts), whatever its UID.
   */
  ownedNames(namespace: string, backend: string): ReadonlySet<string>;
  /**
   * Resolves when the cache contains everything that was written before the call, in the given namespace.
   * Rejects only when the signal aborts: requests to the API server are repeated until it answers.
   */
  caughtUp(signal: AbortSignal, namespace?: string): Promise<void>;
  /**
   * Returns the namespaces that catch up independently; an empty name is the whole cluster. Default: the
   * whole cluster.
   */
  served?(): readonly string[];
}

/**
 * Performs one action of a plan, and updates the cache with the answer before it resolves. Rejects with an
 * OperatorError.
 */
export interface Writer {
  /**
   * @param preempt aborted when a newer run is needed: a write that still waits for its turn is abandoned
   *   (`waiting`, reason Superseded), a write in progress is finished. Writes of slices are never abandoned,
   *   because they have the highest priority.
   */
  perform(action: Action, preempt?: AbortSignal): Promise<void>;
}

/**
 * DNS resolver that repeats its questions in the background. When the state of a question changes, it calls
 * `onNews` with the owners that follow the question.
 */
export interface Resolver {
  /**
   * Sets all questions of the owner (the UID of a backend); none: the owner is forgotten. A question without
   * an owner is forgotten with its state. A new question is sent at once. It is repeated by the time to live
   * of its answers, within the bounds of `options` (of several owners: the least of each).
   */
  follow(owner: string, questions: readonly Question[], options: FollowOptions): void;
  /** Returns the state of a question; `nothingKnown` if it has no owner. */
  state(question: Question): NameState;
  /** Sets the records that were published before this process started. Never replaces an answer. */
  restore(question: Question, records: Records): void;
}

export interface RefreshBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface FollowOptions extends RefreshBounds {
  /** Namespace of the owner. Namespaces take turns if not all questions can be sent at once. */
  readonly namespace: string;
}

/**
 * Secrets that backends refer to. They are read when they are first followed, and periodically while they
 * are.
 */
export interface Secrets {
  /** Sets all Secrets of the owner (the UID of a backend); none: the owner is forgotten. */
  follow(owner: string, namespace: string, names: readonly string[]): void;
  /** Returns the state of a Secret; undefined: it is not read yet, or has no owner. */
  state(namespace: string, name: string): SecretState;
}

/**
 * Records Events about a backend. Never rejects or blocks. The rate is limited, and repeated Events become a
 * series.
 */
export interface EventSink {
  record(backend: KubeObject, event: BackendEvent): void;
}

/** Opinion of the other replicas about a check. Undefined: no opinion. */
export type OpinionResult = Opinion | undefined;

/** Other replicas of the operator, which see the targets from another place. */
export interface Witnesses {
  /** Number of replicas that can be asked. */
  readonly count: number;
  /**
   * Has the other replicas probe each check once. Never rejects. Several questions at a time are possible.
   *
   * @param checks no more than `fittingChecks` returns
   * @param isAboutLeader true: the replica that reaches the checks tries to lead at once
   */
  consult(
    checks: readonly AskedCheck[],
    withinMs: number,
    isAboutLeader?: boolean,
  ): Promise<readonly OpinionResult[]>;
}
