import type { OperatorError } from '../../core/errors.ts';
import type { Backend, ServiceSpec } from '../../api/external-backend.ts';
import type { Service } from '../../core/kubernetes/objects.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import { keptSpec } from '../../core/publish/kept-spec.ts';
import { slowBackoffMs } from '../queue/backoff.ts';
import type { Clock, Random } from '../../util/clock.ts';

/** A new Service that the API server would not create in place of the existing one. */
export interface RefusedReplacement {
  readonly service: string;
  readonly error: OperatorError;
}

interface Refused extends RefusedReplacement {
  /** Number of consecutive refusals. */
  readonly tries: number;
  /** Monotonic milliseconds of the next try. */
  readonly againAt: number;
}

/** Time until another try when the API server has not decided. */
const UNDECIDED_MS = 5_000;

/**
 * Services of a backend that must be deleted and created again for their spec, and that remain because the API
 * server refuses the new one. It is tried again as other refused writes, and at once when the spec changes.
 */
export class RefusedReplacements {
  readonly #all = new Map<string, Refused>();
  #generation: number | undefined;

  /** Begins a run. */
  begin(generation: number | undefined): void {
    if (this.#generation !== generation) this.#all.clear();
    this.#generation = generation;
  }

  /** Returns true if there are any. */
  addAll(
    refused: readonly RefusedReplacement[],
    { clock, random = () => 1 }: { readonly clock: Pick<Clock, 'now'>; readonly random?: Random },
  ): boolean {
    for (const { service, error } of refused) {
      const tries = (this.#all.get(service)?.tries ?? 0) + 1;
      const delayMs = error.kind === 'terminal' ? slowBackoffMs(tries, random) : UNDECIDED_MS;
      this.#all.set(service, { service, error, tries, againAt: clock.now() + delayMs });
    }
    return refused.length > 0;
  }

  /** Service -> why it is not replaced now. */
  at(now: number): ReadonlyMap<string, string> {
    return new Map(this.#waiting(now).map(({ service, error }) => [service, error.message]));
  }

  /** Returns the monotonic milliseconds of the next try; undefined: there is none. */
  nextAt(now: number): number | undefined {
    const all = this.#waiting(now).map(({ againAt }) => againAt);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  #waiting(now: number): readonly Refused[] {
    return [...this.#all.values()].filter(({ againAt }) => againAt > now);
  }
}

/**
 * Returns the backend with the present form of the Services that are not replaced.
 *
 * @param names of these Services
 */
export function withKeptServices(
  backend: Backend,
  names: ReadonlyMap<string, string>,
  observedService: (name: string) => Service | undefined,
): Backend {
  if (names.size === 0) return backend;
  const kept = (spec: ServiceSpec): ServiceSpec => {
    const observed = names.has(spec.name) ? observedService(spec.name) : undefined;
    return observed === undefined ? spec : keptSpec(spec, observed);
  };
  return { ...backend, spec: { ...backend.spec, services: servicesOf(backend).map(kept) } };
}
