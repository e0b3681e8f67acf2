/** The narrow interfaces through which the engine sees the world. Adapters implement them; unit tests fake them. */
import type { Check } from '../core/check.ts';
import type { Action } from '../core/action.ts';
import type { ClusterAddress } from '../core/cluster-addresses.ts';
import type { EndpointSlice, Endpoints, KubeObject, Service } from '../core/objects.ts';
import type { SecretState } from '../core/materials.ts';
import type { NameState, Question, Records } from '../core/names.ts';
import type { Verdict } from '../core/verdict.ts';

/** Milliseconds. `now` is monotonic and has no epoch; `wall` is for what people and the API read. */
export interface Clock {
  now(): number;
  wall(): number;
  /** Runs once after at least `delayMs`; never synchronously. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** One probe run. Never rejects for what the target does; a rejection is the prober's own fault. Ends within the check's timeout, at once when the signal aborts. */
export type Probe = (check: Check, signal: AbortSignal) => Promise<Verdict>;

/** The local view of the cluster, kept by watches. Complete once `synced`. Returned objects are immutable. */
export interface ClusterView {
  /** The resource as stored: not parsed, may be invalid. */
  backend(namespace: string, name: string): KubeObject | undefined;
  backends(): Iterable<KubeObject>;
  service(namespace: string, name: string): Service | undefined;
  /** All slices with the label `kubernetes.io/service-name: service`, but those of Kubernetes' own endpointslice controller. */
  slices(namespace: string, service: string): readonly EndpointSlice[];
  /** Not those of Kubernetes' own endpoints controller. */
  endpoints(namespace: string, name: string): Endpoints | undefined;
  /** Returns the use of an address (canonical) by kube-proxy, as far as Services of the watched namespaces show it. Absent: not known. */
  clusterAddress?(ip: string): ClusterAddress | undefined;
  /**
   * Names of the Services of which the Service itself, a slice or the Endpoints object belongs to this backend
   * (`ownerName` of core/ownership.ts), whatever its uid.
   */
  ownedNames(namespace: string, backend: string): ReadonlySet<string>;
  /**
   * Resolves when the view contains everything that was written before the call, in the namespace that is given. Rejects only
   * when the signal aborts: the API server is asked until it answers.
   */
  caughtUp(signal: AbortSignal, namespace?: string): Promise<void>;
  /** Namespaces that catch up each by itself; that of the whole cluster is empty. Default: the whole cluster. */
  served?(): readonly string[];
}

/** Performs one action of a plan and puts the answer into the view before it resolves. Rejects with an OperatorError. */
export interface Writer {
  /**
   * @param patience aborted when a newer reason to look has come: a write that still waits for its turn is given up
   *   (`waiting`, reason Superseded), one that is under way is finished. Slices are never given up: nothing goes before them.
   */
  perform(action: Action, patience?: AbortSignal): Promise<void>;
}

/**
 * The DNS, asked again and again behind the engine's back. Whoever follows a question is told (`onNews`, with the owners)
 * when what is known of it changes.
 */
export interface Resolver {
  /**
   * These are all the questions of the owner (a backend's uid) from now on; none: it is forgotten. A question that nobody
   * follows is forgotten with all that was known of it. Asked at once where it is new, and then again and again by the time
   * to live of its answers within the bounds of `options` (of several owners: the least of each).
   */
  follow(owner: string, questions: readonly Question[], options: FollowOptions): void;
  /** `nothingKnown` where nobody follows it. */
  state(question: Question): NameState;
  /** What was published before this process began; never overrides an answer. */
  seed(question: Question, records: Records): void;
}

export interface RefreshBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface FollowOptions extends RefreshBounds {
  /** Of the owner. Namespaces take turns where not all questions can be asked at once. */
  readonly namespace: string;
}

/** Secrets that backends refer to: read when they are first followed, and again and again while they are. */
export interface Secrets {
  /** These are all the Secrets of the owner (a backend's uid) from now on; none: it is forgotten. */
  follow(owner: string, namespace: string, names: readonly string[]): void;
  /** Undefined: not read yet, or nobody follows it. */
  state(namespace: string, name: string): SecretState;
}

export interface BackendEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, at most 128 characters. */
  readonly reason: string;
  /** What was done, CamelCase, e.g. `Publish`. */
  readonly action: string;
  /** At most 1,024 characters. */
  readonly note: string;
  /** Subject of the Event, for example an address: Events of one reason about the same thing are one series, whatever the words. Default: the note. */
  readonly about?: string;
}

/** Events about a backend. Never rejects, never blocks: rate-limited, repeats become a series. */
export interface EventSink {
  record(backend: KubeObject, event: BackendEvent): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** A constant message, and fields for what varies. An Error goes under `error`. Fields that look like credentials are blanked. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
