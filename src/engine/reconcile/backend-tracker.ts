import type { Status } from '../../api/external-backend.ts';
import { OperatorError } from '../../core/errors.ts';
import type { HealthyHosts } from '../../core/publish/healthy-hosts.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { EventSink, Writer } from '../ports.ts';
import type { Clock } from '../../util/clock.ts';
import type { BackendFigures } from './backend-figures.ts';
import { BackendMaintenance } from './backend-maintenance.ts';
import type { DryRunCluster } from './dry-run-cluster.ts';
import { Flapping } from './flapping.ts';
import { FrozenHealths } from './frozen-healths.ts';
import { noMaintenanceEffects, type MaintenanceEffects } from './maintenance-effects.ts';
import { Refusals } from './refusals.ts';
import { RefusedReplacements } from './replacements.ts';
import { ReadyTiers } from './tier-times.ts';
import { UnstoredWrites } from './unstored-writes.ts';

/**
 * State of one backend (one UID) within one term of the leader. Another UID, or another term, begins with a
 * new state.
 */
export interface TrackedBackend {
  readonly uid: string;
  /**
   * True once the backend is removed or the term has ended: a run that is still in progress has no effect any
   * more.
   */
  isOver: boolean;
  generation: number | undefined;
  /** Time when this generation was first seen, monotonic. */
  seenAt: number;
  /** Transient failures in a row. */
  failures: number;
  /**
   * Generation whose new Services were created first, or refused, and the time of the next try, monotonic.
   */
  servicesCreatedFor?: { readonly generation: number | undefined; readonly againAt: number } | undefined;
  /**
   * Time until which the status is delayed, monotonic; undefined: no slice was written since the last status.
   */
  statusAt?: number | undefined;
  /** Time of the last status that differed from the one before only in its messages, monotonic. */
  rewordedAt?: number | undefined;
  /** Healthy hosts of an alias as of the last run. */
  hosts?: HealthyHosts | undefined;
  /** Addresses as of the last run. */
  addresses: readonly string[];
  /**
   * True when the last run refused an address, admitted external IPs, or examined no address. Another address
   * policy may change that.
   */
  refused: boolean;
  /** Addresses that the API server refuses. */
  readonly refusals: Refusals;
  /** Services that are not replaced, because the API server refuses the new one. */
  readonly replacements: RefusedReplacements;
  /** Bounds the writes of slices that only add. */
  readonly flapping: Flapping;
  /** Since when tiers have been ready. */
  readonly tiers: ReadyTiers;
  /** Maintenance windows of its spec and its annotation. */
  readonly maintenance: BackendMaintenance;
  /** Healths that count while windows freeze addresses. */
  readonly frozenHealths: FrozenHealths;
  /** Figures as of the last run. */
  figures?: BackendFigures | undefined;
  /** Effects of the windows as of the last run. */
  inMaintenance: MaintenanceEffects;
  /** Writes that the API server accepts and does not store. */
  readonly unstored: UnstoredWrites;
  /**
   * Status whose write was abandoned in progress, and the one before it. Its Events are recorded once it is
   * found stored.
   */
  abandoned?: { readonly previous: Status | undefined; readonly status: Status } | undefined;
  /** While spec.observe is true: the objects that the backend would have written. */
  dryRun?: DryRunCluster | undefined;
  /** Aborts the writes that still wait, of the run in progress or of the last one. */
  preemption: AbortController;
}

export interface BackendTrackerOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Called when a state ends, before it is removed from its key. */
  readonly onEnd: (key: string, uid: string) => void;
}

/** States of the backends that the reconciler works for, by key. */
export class BackendTracker {
  readonly #options: BackendTrackerOptions;
  readonly #backends = new Map<string, TrackedBackend>();
  /** uid -> key. */
  readonly #keys = new Map<string, string>();

  constructor(options: BackendTrackerOptions) {
    this.#options = options;
  }

  /** Returns the key of a backend by its UID; undefined: it is unknown, or was removed. */
  keyOf(uid: string): string | undefined {
    return this.#keys.get(uid);
  }

  /** Keys of the backends whose state satisfies the predicate. */
  keysOf(predicate: (tracked: TrackedBackend) => boolean): readonly string[] {
    return [...this.#backends].flatMap(([key, tracked]) => (predicate(tracked) ? [key] : []));
  }

  get(key: string): TrackedBackend | undefined {
    return this.#backends.get(key);
  }

  /**
   * Returns the state of this object, a new one if there is none. Ends the state of another UID under the
   * same key.
   */
  track(key: string, { metadata }: KubeObject): TrackedBackend {
    const { uid = '', generation } = metadata;
    const known = this.#backends.get(key);
    const seenAt = this.#options.clock.now();
    if (known?.uid === uid) {
      if (known.generation !== generation) Object.assign(known, { generation, seenAt });
      return known;
    }
    this.end(key);
    const tracked = {
      ...{ uid, generation, seenAt },
      ...{ addresses: [], refused: false },
      ...{ isOver: false, failures: 0, preemption: new AbortController() },
      ...{
        maintenance: new BackendMaintenance(),
        frozenHealths: new FrozenHealths(),
        inMaintenance: noMaintenanceEffects,
      },
      ...{
        refusals: new Refusals(),
        replacements: new RefusedReplacements(),
        unstored: new UnstoredWrites(),
        flapping: new Flapping(),
      },
      ...{ tiers: new ReadyTiers() },
    };
    this.#backends.set(key, tracked);
    this.#keys.set(uid, key);
    return tracked;
  }

  /**
   * Returns true when the state of this key has seen this generation of the object, and when there is no
   * state.
   */
  hasSeen(key: string, object: KubeObject | undefined): boolean {
    const tracked = this.#backends.get(key);
    if (tracked === undefined) return true;
    return tracked.uid === object?.metadata.uid && tracked.generation === object.metadata.generation;
  }

  end(key: string): void {
    const tracked = this.#backends.get(key);
    if (tracked === undefined) return;
    tracked.isOver = true;
    tracked.preemption.abort();
    this.#options.onEnd(key, tracked.uid);
    this.#backends.delete(key);
    this.#keys.delete(tracked.uid);
  }

  endAll(): void {
    for (const key of [...this.#backends.keys()]) this.end(key);
  }

  /** Abandons the writes that the run in progress still waits for. */
  preempt(key: string): void {
    this.#backends.get(key)?.preemption.abort();
  }
}

/**
 * Returns the writer of a new run. It abandons waiting writes when `preempt` is called, and writes nothing once
 * the state has ended.
 */
export function preemptibleWriter(tracked: TrackedBackend, writer: Writer): Writer {
  tracked.preemption = new AbortController();
  const { signal } = tracked.preemption;
  return {
    perform: (action) => (tracked.isOver ? Promise.reject(superseded()) : writer.perform(action, signal)),
  };
}

const superseded = (): OperatorError =>
  new OperatorError('the term or the resource of this run is over', {
    kind: 'waiting',
    reason: 'Superseded',
  });

/** Returns an event sink that drops all Events once the state has ended. */
export const eventsWhileTracked = (tracked: TrackedBackend, events: EventSink): EventSink => ({
  record: (backend, event) => {
    if (!tracked.isOver) events.record(backend, event);
  },
});
