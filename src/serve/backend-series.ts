import { formatHostPort } from '../core/probing/check.ts';
import type { BackendFigures } from '../engine/reconcile/backend-figures.ts';
import { CertificateEnds } from './certificate-ends.ts';
import type { Series } from './metric-set.ts';
import { SeriesPlaces } from './series-places.ts';

/** Series of backends, as long as the backends exist. Namespaces share the places for them (series-places.ts). */
export class BackendSeries {
  readonly #series: Series;
  readonly #places: SeriesPlaces;
  readonly #ends = new CertificateEnds();
  /** Latest figures of the backends without series. */
  readonly #hidden = new Map<string, BackendFigures>();
  /** Elected primaries with a series, by backend. */
  readonly #primaries = new Map<string, readonly string[]>();
  /** Namespaces with a series that counts their backends without series. */
  #short: readonly string[] = [];

  /** @param max backends with series of their own */
  constructor(series: Series, max: number) {
    this.#series = series;
    this.#places = new SeriesPlaces(max);
  }

  /** Sets the figures of a backend (`namespace/name`). A backend without a place is only counted. */
  set(key: string, figures: BackendFigures): void {
    const { lost } = this.#places.add(key);
    if (lost !== undefined) this.#hide(lost);
    if (this.#places.has(key)) this.#show(key, figures);
    else this.#hidden.set(key, figures);
  }

  /** Records a certificate that a probe received; `expiresAt` in milliseconds of Unix time. Ignored for a backend without series. */
  setCertificate(key: string, address: string, expiresAt: number): void {
    if (this.#places.has(key)) this.#ends.set(key, address, expiresAt);
  }

  /** Removes the series of a backend. A waiting backend gets its place. */
  remove(key: string): void {
    const { gained, lost } = this.#places.remove(key);
    if (lost !== undefined) this.#hide(lost);
    this.#hidden.delete(key);
    const figures = gained === undefined ? undefined : this.#hidden.get(gained);
    if (gained !== undefined && figures !== undefined) this.#show(gained, figures);
  }

  /** Updates the series that are computed at a scrape: ends of certificates, backends without series. */
  sample(): void {
    for (const [key, earliest] of this.#ends.changes()) {
      const gauge = this.#series.external_backend_certificate_expiry_timestamp_seconds;
      if (earliest === undefined) gauge.remove(...labelsOf(key));
      else gauge.at(...labelsOf(key)).value = earliest / 1000;
    }
    const waiting = this.#places.waiting();
    const gauge = this.#series.external_backend_backends_without_series;
    for (const namespace of this.#short) if (!waiting.has(namespace)) gauge.remove(namespace);
    for (const [namespace, count] of waiting) gauge.at(namespace).value = count;
    this.#short = [...waiting.keys()];
  }

  #show(key: string, figures: BackendFigures): void {
    const { ready, total, primary, checks } = figures;
    this.#hidden.delete(key);
    this.#series.external_backend_ready_addresses.at(...labelsOf(key)).value = ready;
    this.#series.external_backend_addresses.at(...labelsOf(key)).value = total;
    this.#setPrimary(key, primary);
    this.#ends.retain(key, new Set(checks.map(formatHostPort)));
  }

  /** Removes the series. The figures are kept for the time when the backend has a place again. */
  #hide(key: string): void {
    const ready = this.#series.external_backend_ready_addresses.at(...labelsOf(key)).value;
    const total = this.#series.external_backend_addresses.at(...labelsOf(key)).value;
    this.#hidden.set(key, { ready, total, primary: this.#primaries.get(key) ?? [], checks: [] });
    this.#series.external_backend_ready_addresses.remove(...labelsOf(key));
    this.#series.external_backend_addresses.remove(...labelsOf(key));
    this.#setPrimary(key, []);
    this.#ends.retain(key, new Set());
  }

  #setPrimary(key: string, addresses: readonly string[]): void {
    const gauge = this.#series.external_backend_primary_info;
    for (const address of this.#primaries.get(key) ?? [])
      if (!addresses.includes(address)) gauge.remove(...labelsOf(key), address);
    for (const address of addresses) gauge.at(...labelsOf(key), address).value = 1;
    if (addresses.length > 0) this.#primaries.set(key, addresses);
    else this.#primaries.delete(key);
  }
}

const labelsOf = (key: string): readonly string[] => key.split('/');
