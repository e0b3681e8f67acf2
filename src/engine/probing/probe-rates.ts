import type { Check } from '../../core/probing/check.ts';
import { nextFactor, withLongerPeriods } from '../../core/probing/period-factor.ts';
import { HandlerTable, type InternedHandler } from './handler-table.ts';
import { probeKey } from './probe-task.ts';

export interface ProbeRatesOptions {
  /** Most probes per second of one namespace. */
  readonly maxPerSecond: number;
  /**
   * Called when the factor of a namespace has changed: its checks must be set again. Not called within `set`.
   */
  readonly onChanged: (namespace: string) => void;
}

/** One probe of a namespace, for one or more of its backends. */
interface Wanted {
  readonly handler: InternedHandler;
  readonly perSecond: number;
  owners: number;
}

interface NamespaceRate {
  readonly probes: Map<string, Wanted>;
  perSecond: number;
  factor: number;
}

/**
 * Bounds the probes per second of each namespace. If the checks of a namespace need more than `maxPerSecond`,
 * all its periods are stretched by one factor. Equal checks of its backends are one probe and count once. A
 * probe with a notable cost counts once for each millisecond of CPU, so that a namespace takes at most
 * `maxPerSecond` milliseconds of CPU in a second by them. A probe with a shorter period for retries counts with that
 * period, because a server that fails every other probe is always probed so often. The bound holds for all threads together, because
 * it is applied before the checks are given to threads.
 */
export class ProbeRates {
  readonly #options: ProbeRatesOptions;
  readonly #handlers = new HandlerTable();
  readonly #namespaces = new Map<string, NamespaceRate>();
  /** Owner -> its namespace and the keys of its probes. */
  readonly #owners = new Map<string, { readonly namespace: string; readonly keys: ReadonlySet<string> }>();

  constructor(options: ProbeRatesOptions) {
    this.#options = options;
  }

  /** Sets all checks of the owner. Returns them with the periods that the namespace may have. */
  set(owner: string, namespace: string, checks: readonly Check[]): readonly Check[] {
    const before = this.#owners.get(owner)?.keys;
    const rate = this.#namespaces.get(namespace) ?? { probes: new Map(), perSecond: 0, factor: 1 };
    this.#namespaces.set(namespace, rate);
    const keys = new Set<string>();
    let last: InternedHandler | undefined;
    for (const check of checks) {
      last = this.#handlers.intern(check.handler, last);
      const key = rateKey(check, last);
      if (!keys.has(key) && before?.has(key) !== true) this.#add(rate, key, last, check);
      keys.add(key);
    }
    for (const key of before ?? []) if (!keys.has(key)) this.#remove(rate, key);
    if (keys.size > 0) this.#owners.set(owner, { namespace, keys });
    else this.#owners.delete(owner);
    this.#updateFactor(namespace, rate);
    return rate.factor === 1 ? checks : checks.map((check) => withLongerPeriods(check, rate.factor));
  }

  forget(owner: string): void {
    const known = this.#owners.get(owner);
    if (known !== undefined) this.set(owner, known.namespace, []);
  }

  /** Returns the factor by which the periods of a namespace are longer than in its specs. */
  factorOf(namespace: string): number {
    return this.#namespaces.get(namespace)?.factor ?? 1;
  }

  /** Namespaces whose periods are stretched, with the factors. */
  slowed(): ReadonlyMap<string, number> {
    const all = [...this.#namespaces].map(([namespace, { factor }]) => [namespace, factor] as const);
    return new Map(all.filter(([, factor]) => factor > 1));
  }

  #add(rate: NamespaceRate, key: string, handler: InternedHandler, { cpuMs = 1, timing }: Check): void {
    const known = rate.probes.get(key);
    if (known !== undefined) {
      known.owners += 1;
      return;
    }
    this.#handlers.use(handler);
    const perSecond = (1_000 * cpuMs) / (timing.retryMs ?? timing.periodMs);
    rate.probes.set(key, { handler, perSecond, owners: 1 });
    rate.perSecond += perSecond;
  }

  #remove(rate: NamespaceRate, key: string): void {
    const known = rate.probes.get(key);
    if (known === undefined) return;
    known.owners -= 1;
    if (known.owners > 0) return;
    this.#handlers.release(known.handler);
    rate.probes.delete(key);
    rate.perSecond = rate.probes.size === 0 ? 0 : rate.perSecond - known.perSecond;
  }

  #updateFactor(namespace: string, rate: NamespaceRate): void {
    const { maxPerSecond, onChanged } = this.#options;
    const before = rate.factor;
    rate.factor = nextFactor(rate.perSecond / maxPerSecond, before);
    if (rate.probes.size === 0) this.#namespaces.delete(namespace);
    if (rate.factor !== before) queueMicrotask(() => onChanged(namespace));
  }
}

/** Returns the key of a probe for its rate: a probe whose cost has changed is another one. */
const rateKey = (check: Check, handler: InternedHandler): string =>
  check.cpuMs === undefined ? probeKey(check, handler) : `${probeKey(check, handler)} ${check.cpuMs}`;
