import { formatHostPort } from '../core/probing/check.ts';
import type { BackendFigures } from '../engine/reconcile/backend-figures.ts';
import { CertificateEnds } from './certificate-ends.ts';
import { LabelledSeries } from './labelled-series.ts';
import type { MetricSet } from './metric-set.ts';
import { SeriesPlaces } from './series-places.ts';

/** Series of backends, as long as the backends exist. Namespaces share the places for them (series-places.ts). */
export class BackendSeries {
  readonly #series: MetricSet;
  readonly #places: SeriesPlaces;
  readonly #ends = new CertificateEnds();
  /** Latest figures of the backends without series. */
  readonly #hidden = new Map<string, BackendFigures>();
  /** Latest figures of the backends with series. */
  readonly #shown = new Map<string, BackendFigures>();
  /** Elected primaries. */
  readonly #primaries: LabelledSeries;
  /** Services that publish addresses that are not ready. */
  readonly #fallbacks: LabelledSeries;
  /** Services with the priority of their tier. */
  readonly #tiers: LabelledSeries;
  /** Maintenance windows that are active. */
  readonly #windows: LabelledSeries;
  /** Backends that only observe. */
  readonly #observing: LabelledSeries;
  /** Namespaces with a series that counts their backends without series. */
  #short: readonly string[] = [];

  /** @param max backends with series of their own */
  constructor(series: MetricSet, max: number) {
    this.#series = series;
    this.#places = new SeriesPlaces(max);
    this.#primaries = new LabelledSeries(series.external_backend_primary_info);
    this.#fallbacks = new LabelledSeries(series.external_backend_fallback_active);
    this.#tiers = new LabelledSeries(series.external_backend_tier);
    this.#windows = new LabelledSeries(series.external_backend_maintenance_active);
    this.#observing = new LabelledSeries(series.external_backend_observing);
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
    this.#hidden.delete(key);
    this.#shown.set(key, figures);
    const { ready, total } = figures;
    this.#series.external_backend_ready_addresses.at(...labelsOf(key)).value = ready;
    this.#series.external_backend_addresses.at(...labelsOf(key)).value = total;
    const { primary, fallbacks = [], tiers = [], windows = [], checks } = figures;
    this.#primaries.set(
      key,
      primary.map((address) => ({ labels: [address], value: 1 })),
    );
    this.#fallbacks.set(
      key,
      fallbacks.map(({ service, policy }) => ({ labels: [service, policy], value: 1 })),
    );
    this.#tiers.set(
      key,
      tiers.map(({ service, priority }) => ({ labels: [service], value: priority })),
    );
    this.#windows.set(
      key,
      windows.map(({ name, action }) => ({ labels: [name, action], value: 1 })),
    );
    this.#observing.set(key, figures.isObserving === true ? [{ labels: [], value: 1 }] : []);
    this.#ends.retain(key, new Set(checks.map(formatHostPort)));
  }

  /** Removes the series. The figures are kept for the time when the backend has a place again. */
  #hide(key: string): void {
    const figures = this.#shown.get(key);
    if (figures !== undefined) this.#hidden.set(key, { ...figures, checks: [] });
    this.#shown.delete(key);
    this.#series.external_backend_ready_addresses.remove(...labelsOf(key));
    this.#series.external_backend_addresses.remove(...labelsOf(key));
    this.#primaries.set(key, []);
    this.#fallbacks.set(key, []);
    this.#tiers.set(key, []);
    this.#windows.set(key, []);
    this.#observing.set(key, []);
    this.#ends.retain(key, new Set());
  }
}

const labelsOf = (key: string): readonly string[] => key.split('/');
