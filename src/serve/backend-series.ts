import type { Check } from '../core/check.ts';
import { checkAddress } from '../core/flip.ts';
import type { MetricName } from './metrics-table.ts';
import type { Series } from './series.ts';

/** What is counted of a backend. */
export interface Figures {
  /** Addresses. */
  readonly ready: number;
  readonly total: number;
  /** IPs of its primary. */
  readonly primary?: readonly string[];
  /** What is probed: series of addresses that are not are dropped. */
  readonly checks?: readonly Pick<Check, 'ip' | 'family' | 'port'>[];
}

const expiryMetric = 'external_backend_certificate_expiry_timestamp_seconds';
const addressMetrics = ['external_backend_primary_info', expiryMetric] as const satisfies MetricName[];
type AddressMetric = (typeof addressMetrics)[number];

/** The series of backends, and of their addresses, for as long as there are such. */
export class BackendSeries {
  readonly #series: Series;
  readonly #max: number;
  /** Backends with series of their own, as `namespace/name`. */
  readonly #shown = new Set<string>();
  /** Figures of the others; the one that has waited longest is first. */
  readonly #hidden = new Map<string, Figures>();
  /** Addresses with a series of their own, by metric and backend. */
  readonly #addresses: Readonly<Record<AddressMetric, Map<string, Set<string>>>> = {
    external_backend_primary_info: new Map(),
    external_backend_certificate_expiry_timestamp_seconds: new Map(),
  };

  /** @param max backends with series of their own */
  constructor(series: Series, max: number) {
    this.#series = series;
    this.#max = max;
  }

  /** Backends that are only counted. */
  get hidden(): number {
    return this.#hidden.size;
  }

  /** Sets the figures of a backend. Beyond the bound a backend is only counted, until others are forgotten. */
  published(namespace: string, name: string, figures: Figures): void {
    const key = `${namespace}/${name}`;
    if (this.#shown.has(key) || this.#shown.size < this.#max) this.#show(key, figures);
    else this.#hidden.set(key, figures);
  }

  #show(key: string, { ready, total, primary = [], checks = [] }: Figures): void {
    const [namespace = '', name = ''] = key.split('/');
    this.#hidden.delete(key);
    this.#shown.add(key);
    this.#series.external_backend_ready_addresses.at(namespace, name).value = ready;
    this.#series.external_backend_addresses.at(namespace, name).value = total;
    this.#retain('external_backend_primary_info', key, new Set(primary));
    for (const address of primary) this.#ofAddress('external_backend_primary_info', key, address, 1);
    this.#retain(expiryMetric, key, new Set(checks.map(checkAddress)));
  }

  /** A probe saw a certificate; `expiresAt` in milliseconds of Unix time. Not counted for a backend without series. */
  certified(namespace: string, name: string, address: string, expiresAt: number): void {
    const key = `${namespace}/${name}`;
    if (this.#shown.has(key)) this.#ofAddress(expiryMetric, key, address, expiresAt / 1000);
  }

  /** Removes the series of a backend. Their place goes to the backend that has waited longest. */
  forgotten(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    this.#hidden.delete(key);
    if (!this.#shown.delete(key)) return;
    for (const metric of addressMetrics) this.#retain(metric, key, new Set());
    this.#series.external_backend_ready_addresses.remove(namespace, name);
    this.#series.external_backend_addresses.remove(namespace, name);
    const [next] = this.#hidden;
    if (next !== undefined) this.#show(...next);
  }

  #ofAddress(metric: AddressMetric, key: string, address: string, value: number): void {
    const [namespace = '', name = ''] = key.split('/');
    this.#series[metric].at(namespace, name, address).value = value;
    const known = this.#addresses[metric].get(key) ?? new Set<string>();
    this.#addresses[metric].set(key, known.add(address));
  }

  /** Drops the series of all other addresses of the backend. */
  #retain(metric: AddressMetric, key: string, kept: ReadonlySet<string>): void {
    const known = this.#addresses[metric].get(key);
    if (known === undefined) return;
    const [namespace = '', name = ''] = key.split('/');
    for (const address of known) {
      if (!kept.has(address) && known.delete(address)) this.#series[metric].remove(namespace, name, address);
    }
    if (known.size === 0) this.#addresses[metric].delete(key);
  }
}
