import { OperatorError } from '../core/errors.ts';
import { slowBackoffMs } from './backoff.ts';
import type { Random } from './ports.ts';

/** The kinds of objects that carry addresses. */
export type Carrier = 'EndpointSlice' | 'Endpoints';

interface Refusal {
  readonly carrier: Carrier;
  readonly service: string;
  readonly ip: string;
  readonly error: OperatorError;
  /** How many times in a row. */
  readonly tries: number;
  /** When it is tried again, monotonic. */
  readonly againAt: number;
}

/**
 * The addresses of a backend that the API server refuses. They are left out of slices and Endpoints, so that they hold
 * back no other, and are tried again: every minute, after ten tries less often, at once when the spec changes.
 */
export class Refusals {
  readonly #all = new Map<string, Refusal>();
  #generation: number | undefined;

  /** A refusal of another generation of the spec is tried again at once. */
  begin(generation: number | undefined): void {
    if (this.#generation !== generation) this.#all.clear();
    this.#generation = generation;
  }

  /** The addresses that are left out of these objects of a Service now. */
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

  /** Keeps of a Service those for which `isWanted` holds: the others were accepted, or are desired no longer. */
  retain(carrier: Carrier, service: string, isWanted: (ip: string) => boolean): void {
    for (const { ip } of this.#of(carrier, service))
      if (!isWanted(ip)) this.#all.delete(`${carrier} ${service} ${ip}`);
  }

  /** `<Service> <ip>` -> the words of the API server, of slices. */
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

  /** When the next of them is tried again, monotonic; undefined: there is none. */
  nextAt(): number | undefined {
    const all = [...this.#all.values()].map(({ againAt }) => againAt);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  #of(carrier: Carrier, service: string): readonly Refusal[] {
    return [...this.#all.values()].filter((each) => each.carrier === carrier && each.service === service);
  }
}
