import type { Spec } from '../../../src/api/external-backend.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import { AliasJudge } from './alias-judge.ts';
import { boundsOf, type Bounds } from './bounds.ts';
import type { Outside } from './outside.ts';
import type { Term } from './replica.ts';
import { readyIn } from './seen.ts';
import { out, wantedOf, type ServiceLike, type Wanted } from './wanted.ts';

/** Reports of the probes of one term about an address. */
export interface Heard {
  ups: number;
  /** Number of the last consecutive failures, and the time of the last one. */
  downs: number;
  downAt: number;
  role: Verdict['role'];
}

/** A write that was decided before the last verdict may be in flight for this long. */
const underWayMs = 600;

interface Place {
  readonly service: ServiceLike;
  readonly view: string;
  readonly ip: string;
  wanted: Wanted;
  wantedSince: number;
  /** Periods in which it must not be published. */
  readonly outs: { readonly from: number; readonly to: number; readonly why: Wanted['why'] }[];
  ready: boolean;
  readySince: number;
}

/**
 * Watches a history. At every moment these must hold:
 *
 * - a ready address that must not be published (any more) is ready no longer than `bounds.ts` allows, counted
 *   from the latest of: since then, the beginning of the term, the last edit;
 * - an address that must be published is added within its bound, counted likewise;
 * - an address that was ready nowhere becomes ready only after a success of a probe of the writer's own term;
 *   in a Service of role Primary it must have reported that role;
 * - an address is removed only if it was not to be published a moment ago, and a failed one only after its
 *   thresholds;
 * - a Service of role Primary has at most one ready address.
 */
export class Judge {
  readonly faults: string[] = [];
  readonly #now: () => number;
  readonly #outside: Outside;
  readonly #places = new Map<string, Place>();
  readonly #heard = new Map<string, Heard>();
  readonly #alias: AliasJudge;
  #spec: Spec | undefined;
  #bounds: Bounds | undefined;
  #editedAt = 0;
  #term: number | undefined;
  #termAt = 0;

  constructor(now: () => number, outside: Outside) {
    this.#now = now;
    this.#outside = outside;
    this.#alias = new AliasJudge(now, outside, (fault) => this.#fault(fault));
  }

  edited(spec: Spec): void {
    this.check();
    if (spec.suspend) this.#heard.clear();
    this.#bounds = boundsOf(spec, this.#bounds);
    this.#spec = spec;
    this.#editedAt = this.#now();
    this.changed();
  }

  /** Called when something outside changed, or is about to change. */
  changed(): void {
    const spec = this.#spec;
    if (spec === undefined) return;
    this.check();
    const services: readonly ServiceLike[] = spec.services ?? [{ name: 'db', role: 'Any' }];
    for (const service of spec.mode === 'ExternalName' ? [] : services)
      for (const ip of this.#outside.servers.keys())
        for (const view of [service.name, `${service.name} Endpoints`])
          this.#want(view, ip, service, wantedOf(ip, service, spec, this.#outside));
    for (const { view, ip, service } of this.#places.values())
      if (!services.some(({ name }) => name === service.name)) this.#want(view, ip, service, out('absent'));
    this.#alias.changed(spec);
  }

  termBegins({ number }: Term): void {
    this.#term = number;
    this.#termAt = this.#now();
  }

  termEnds(): void {
    this.check();
    this.#term = undefined;
  }

  heard({ number }: Term, { ip }: Check, { kind, role }: Verdict): void {
    const key = `${number} ${ip}`;
    const heard = this.#heard.get(key) ?? { ups: 0, downs: 0, downAt: 0, role: undefined };
    this.#heard.set(key, heard);
    if (kind === 'up') Object.assign(heard, { ups: heard.ups + 1, downs: 0, role });
    if (kind === 'down') Object.assign(heard, { downs: heard.downs + 1, downAt: this.#now() });
  }

  /** Called after a write. */
  published(cluster: FakeCluster, by: Term | undefined): void {
    const ready = readyIn(cluster);
    const before = new Set([...this.#places.values()].filter((each) => each.ready).map(({ ip }) => ip));
    for (const place of this.#places.values()) {
      const is = ready.get(place.view)?.has(place.ip) === true;
      if (is === place.ready) continue;
      this.#check(place);
      if (by !== undefined && is) this.#joins(place, before.has(place.ip), by);
      if (by !== undefined && !is) this.#leaves(place);
      Object.assign(place, { ready: is, readySince: this.#now() });
    }
    this.#countPrimaries(ready);
    this.#alias.published(cluster, by, (ip) => this.#isFresh(ip, by));
  }

  #countPrimaries(ready: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const { view, service } of this.#places.values()) {
      const ips = [...(ready.get(view) ?? [])];
      if (service.role === 'Primary' && ips.length > 1) this.#fault(`${view} leads to ${ips.join(' and ')}`);
    }
  }

  check(): void {
    for (const place of this.#places.values()) this.#check(place);
    this.#alias.check(this.#bounds, this.#term === undefined ? undefined : this.#from(0));
  }

  #from(since: number): number {
    return Math.max(since, this.#termAt, this.#editedAt);
  }

  #check({ wanted, wantedSince, ready, readySince, view, ip }: Place): void {
    if (this.#term === undefined || this.#bounds === undefined || wanted.is === 'free') return;
    const forMs = this.#now() - this.#from(Math.max(wantedSince, readySince));
    const { joinMs, outMs } = this.#bounds;
    if (wanted.is === 'in' && !ready && forMs > joinMs)
      this.#fault(`${ip} is well and not behind ${view} for ${forMs} ms (allowed: ${joinMs})`);
    if (wanted.is === 'out' && ready && forMs > outMs[wanted.why || 'absent'])
      this.#fault(
        `${ip} is ${wanted.why} and ready behind ${view} for ${forMs} ms (allowed: ${outMs[wanted.why || 'absent']})`,
      );
  }

  #joins({ view, ip, service }: Place, wasReady: boolean, by: Term): void {
    const fresh = this.#isFresh(ip, by);
    if (!wasReady && !fresh)
      this.#fault(`${ip} became ready behind ${view} without a good verdict of its term`);
    const role = this.#heard.get(`${by.number} ${ip}`)?.role;
    const isMoved = this.#isReady(service.name, ip) || this.#isReady(`${service.name} Endpoints`, ip);
    if (service.role === 'Primary' && role !== 'Primary' && !isMoved)
      this.#fault(`${ip} became ready behind ${view} and did not report that it is the primary`);
  }

  #isReady(view: string, ip: string): boolean {
    return this.#places.get(`${view} ${ip}`)?.ready === true;
  }

  #isFresh(ip: string, by: Term | undefined): boolean {
    const heard = this.#heard.get(`${by?.number ?? ''} ${ip}`);
    if (heard === undefined || heard.ups === 0) return false;
    return heard.downs < (this.#bounds?.failureThreshold ?? 1) || this.#now() - heard.downAt < underWayMs;
  }

  #leaves({ wanted, wantedSince, outs, ip, view, service }: Place): void {
    if (this.#bounds === undefined || wanted.is === 'free') return;
    // Endpoints follow the slices, which were judged when they were written.
    if (view !== service.name && !this.#isReady(service.name, ip)) return;
    const now = this.#now();
    const { writeMs, leastDeadMs, windowMs } = this.#bounds;
    const current = wanted.is === 'out' ? [{ from: wantedSince, to: now, why: wanted.why }] : [];
    const all = [...outs, ...current];
    const last = all.filter(({ to }) => to >= now - writeMs);
    if (last.some(({ why }) => why !== 'dead')) return;
    const from = Math.min(...all.filter(({ to }) => to >= now - windowMs).map((each) => each.from));
    if (last.length === 0) this.#fault(`${ip} is well and was taken from ${view}`);
    else if (now - from < leastDeadMs)
      this.#fault(
        `${ip} was dead for ${now - from} ms and was taken from ${view} (at least: ${leastDeadMs})`,
      );
  }

  #want(view: string, ip: string, service: ServiceLike, wanted: Wanted): void {
    const key = `${view} ${ip}`;
    const now = this.#now();
    const place = this.#places.get(key);
    if (place === undefined) {
      const ready = { ready: false, readySince: now };
      this.#places.set(key, { view, ip, service, wanted, wantedSince: now, outs: [], ...ready });
      return;
    }
    if (place.wanted.is === wanted.is && place.wanted.why === wanted.why) return;
    if (place.wanted.is !== 'in')
      place.outs.push({ from: place.wantedSince, to: now, why: place.wanted.why });
    Object.assign(place, { wanted, wantedSince: now, service });
  }

  #fault(text: string): void {
    this.faults.push(`${this.#now() / 1000} s: ${text}`);
  }
}
