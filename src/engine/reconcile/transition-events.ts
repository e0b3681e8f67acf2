import type { Check } from '../../core/probing/check.ts';
import type { BackendEvent } from '../../core/events/backend-event.ts';
import { transitionEvent, type ServiceTreatment } from '../../core/events/health-events.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { Health } from '../../core/health/state.ts';
import { isReadyEndpoint, type EndpointSlice } from '../../core/kubernetes/objects.ts';
import { ownerName } from '../../core/kubernetes/ownership.ts';
import { markedIn } from '../../core/publish/slice-readiness.ts';
import type { ClusterCache } from '../ports.ts';

interface PendingTransition {
  readonly check: Check;
  readonly before: Health;
  readonly after: Health;
}

/** Why nothing may be written because of a transition. */
export interface TransitionContext {
  /** Ids of the checks that maintenance windows freeze. */
  readonly frozen?: ReadonlySet<string>;
  /** The backend writes nothing, so its Events report about no Service. */
  readonly isObserving?: boolean;
}

/**
 * Transitions whose Events wait for the run that writes their consequences, because an Event reports what is
 * written.
 */
export class TransitionEvents {
  readonly #cache: Pick<ClusterCache, 'service' | 'slices' | 'ownedNames'>;
  /** Latest transition of each check, by key of the backend and id of the check. */
  readonly #waiting = new Map<string, Map<string, PendingTransition>>();
  /** Transitions that the run in progress has taken in. */
  readonly #seen = new Map<string, Map<string, PendingTransition>>();

  constructor(cache: Pick<ClusterCache, 'service' | 'slices' | 'ownedNames'>) {
    this.#cache = cache;
  }

  /**
   * Adds a transition. A check that changes back before its Event is due has not changed, and neither is
   * reported.
   */
  add(key: string, check: Check, before: Health, after: Health): void {
    const first = this.#waiting.get(key)?.get(check.id)?.before ?? before;
    this.#wait(key, { check, before: first, after });
  }

  /** Begins a run of this backend. */
  begin(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    this.#seen.set(key, waiting);
  }

  /**
   * Ends a run, and returns the Events of the transitions that it has taken in.
   *
   * @param error of the run. If the API server did not answer, the Events of addresses whose slices are not
   *   written yet wait for the next run.
   */
  end(
    key: string,
    error: OperatorError | undefined,
    { frozen = new Set(), isObserving = false }: TransitionContext = {},
  ): readonly BackendEvent[] {
    const seen = this.#seen.get(key);
    if (seen === undefined) return [];
    this.#seen.delete(key);
    const slices = isObserving ? new Map<string, never>() : this.#slicesOf(key);
    const events: BackendEvent[] = [];
    for (const { check, before, after } of seen.values()) {
      const isFrozen = frozen.has(check.id);
      const treatments = this.#treatments(key, slices, check.ip).map((each) => ({
        ...each,
        frozen: isFrozen,
      }));
      const isWritten =
        isFrozen ||
        after.state !== 'unhealthy' ||
        treatments.every((each) => !each.ready || each.regardless !== undefined);
      const event = transitionEvent(check, before, after, treatments);
      if (!isWritten && mayPass(error)) this.#keep(key, { check, before, after });
      else if (event !== undefined) events.push(event);
    }
    return events;
  }

  clear(): void {
    this.#waiting.clear();
    this.#seen.clear();
  }

  /** Lets a transition wait for the next run. A later one of the same check, during this run, wins. */
  #keep(key: string, { check, before, after }: PendingTransition): void {
    const later = this.#waiting.get(key)?.get(check.id)?.after ?? after;
    this.#wait(key, { check, before, after: later });
  }

  #wait(key: string, pending: PendingTransition): void {
    const ofKey = this.#waiting.get(key) ?? new Map<string, PendingTransition>();
    this.#waiting.set(key, ofKey);
    ofKey.set(pending.check.id, pending);
  }

  #slicesOf(key: string): ReadonlyMap<string, readonly EndpointSlice[]> {
    const [namespace = '', name = ''] = key.split('/');
    const services = [...this.#cache.ownedNames(namespace, name)].toSorted();
    return new Map(
      services.map((service) => [
        service,
        this.#cache.slices(namespace, service).filter((slice) => ownerName(slice) === name),
      ]),
    );
  }

  #treatments(
    key: string,
    all: ReadonlyMap<string, readonly EndpointSlice[]>,
    ip: string,
  ): ServiceTreatment[] {
    const [namespace = ''] = key.split('/');
    return [...all].flatMap(([service, slices]) => {
      const own = slices.flatMap((slice) =>
        (slice.endpoints ?? [])
          .filter(({ addresses }) => addresses.includes(ip))
          .map((endpoint) => ({ endpoint, isMarked: markedIn(slice).has(ip) })),
      );
      if (own.length === 0) return [];
      const always = this.#cache.service(namespace, service)?.spec.publishNotReadyAddresses === true;
      const isMarked = own.some((each) => each.isMarked);
      const regardless = always ? 'publishNotReadyAddresses' : isMarked ? 'whenNoneReady' : undefined;
      return [{ service, ready: own.every(({ endpoint }) => isReadyEndpoint(endpoint)), regardless }];
    });
  }
}

/** Returns true when the next run may succeed: this one was cut short, met a conflict, or got no answer. */
const mayPass = (error: OperatorError | undefined): boolean =>
  error !== undefined &&
  (error.kind === 'waiting' ||
    error.status === undefined ||
    error.status >= 500 ||
    passing.has(error.status));

const passing: ReadonlySet<number> = new Set([401, 409, 429]);
