import { OperatorError } from '../../core/errors.ts';
import { slowBackoffMs } from '../queue/backoff.ts';
import type { Random } from '../../util/clock.ts';

/** Kinds of objects that contain addresses. */
export type Carrier = 'EndpointSlice' | 'Endpoints';

interface Refusal {
  readonly carrier: Carrier;
  readonly service: string;
  readonly ip: string;
  readonly error: OperatorError;
  /** Number of consecutive refusals. */
  readonly tries: number;
  /** Monotonic milliseconds of the next try. */
  readonly againAt: number;
}

/**
 * Addresses of a backend that the API server refuses. They are left out of slices and Endpoints, so that they
 * do not affect other addresses, and are tried again: every minute, after ten tries less often, at once when
 * the spec changes.
 */
export class Refusals {
  readonly #all = new Map<string, Refusal>();
  #generation: number | undefined;

  /** Begins a run. A refusal of another generation of the spec is tried again at once. */
  begin(generation: number | undefined): void {
    if (this.#generation !== generation) this.#all.clear();
    this.#generation = generation;
  }

  /** Returns the addresses that are left out of these objects of a Service now. */
  of(carrier: Carrier, service: string, now: number): ReadonlySet<string> {
    const out = this.#of(carrier, service).filter(({ againAt }) => againAt > now);
    return new Set(out.map(({ ip }) => ip));
  }

  add(
    place: Pick<Refusal, 'carrier' | 'service'>,
    ips: readonly string[],
    error: OperatorError,
    { now, random }: { readonly now: number; readonly random: Random },
  ): void {
    for (const ip of ips) {
      const key = `${place.carrier} ${place.service} ${ip}`;
      const tries = (this.#all.get(key)?.tries ?? 0) + 1;
      this.#all.set(key, { ...place, ip, error, tries, againAt: now + slowBackoffMs(tries, random) });
    }
  }

  /**
   * Keeps the refusals of a Service for which `isWanted` holds. The others were accepted, or are no longer
   * desired.
   */
  retain(carrier: Carrier, service: string, isWanted: (ip: string) => boolean): void {
    for (const { ip } of this.#of(carrier, service))
      if (!isWanted(ip)) this.#all.delete(`${carrier} ${service} ${ip}`);
  }

  /** `<Service> <ip>` -> message of the API server, for slices. */
  words(): ReadonlyMap<string, string> {
    const slices = [...this.#all.values()].filter(({ carrier }) => carrier === 'EndpointSlice');
    return new Map(slices.map(({ service, ip, error }) => [`${service} ${ip}`, error.message]));
  }

  /** Returns the error for the condition Ready; undefined: nothing is refused. */
  error(): OperatorError | undefined {
    const [first] = this.#all.values();
    if (first === undefined) return undefined;
    const ips = [...new Set([...this.#all.values()].map(({ ip }) => ip))].join(', ');
    const { kind, reason, message } = first.error;
    return new OperatorError(`the API server refuses ${ips}: ${message}`, {
      kind,
      reason,
      cause: first.error,
    });
  }

  /** Returns the monotonic milliseconds of the next try; undefined: there is none. */
  nextAt(): number | undefined {
    const all = [...this.#all.values()].map(({ againAt }) => againAt);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  #of(carrier: Carrier, service: string): readonly Refusal[] {
    return [...this.#all.values()].filter((each) => each.carrier === carrier && each.service === service);
  }
}
