/** The narrow interfaces through which the engine sees the world. Adapters implement them; unit tests fake them. */
import type { Check } from '../core/check.ts';
import type { Action } from '../core/action.ts';
import type { EndpointSlice, Endpoints, KubeObject, Service } from '../core/objects.ts';
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
  /**
   * Names of the Services of which the Service itself, a slice or the Endpoints object belongs to this backend
   * (`ownerName` of core/ownership.ts), whatever its uid.
   */
  ownedNames(namespace: string, backend: string): ReadonlySet<string>;
}

/** Performs one action of a plan and puts the answer into the view before it resolves. Rejects with an OperatorError. */
export interface Writer {
  /**
   * @param patience aborted when a newer reason to look has come: a write that still waits for its turn is given up
   *   (`waiting`, reason Superseded), one that is under way is finished. Slices are never given up: nothing goes before them.
   */
  perform(action: Action, patience?: AbortSignal): Promise<void>;
}

/** What a host means now. Literal addresses answer themselves; names come with their own adapter. */
export interface Resolver {
  resolve(host: string): Resolution;
}

export interface Resolution {
  /** Canonical texts. */
  readonly addresses: readonly string[];
  readonly error?: string;
}

export interface BackendEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, at most 128 characters. */
  readonly reason: string;
  /** What was done, CamelCase, e.g. `Publish`. */
  readonly action: string;
  /** At most 1,024 characters. */
  readonly note: string;
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
