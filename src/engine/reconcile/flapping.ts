import { isSame } from '../../core/kubernetes/is-same.ts';
import type { Places } from '../../core/publish/held-addresses.ts';
import type { HostAddress, Resolution } from '../../core/resolution/resolve-host.ts';

/**
 * Slice writes that a backend may do at once. One more is allowed every three seconds: an address may fail
 * and return every six.
 */
const BURST = 20;
const REFILL_MS = 3_000;

/** After this time without a write a backend may do all of them again. */
const QUIET_MS = 20_000;

/** Duration of one round. An address that is listed at its start may become ready in it. */
const ROUND_MS = 250;

/** Time between two rounds of a backend that may do no more writes; after a minute the longer one. */
const SOON_MS = 1_000;
const LATER_MS = 10_000;
const SLOW_AFTER_MS = 60_000;

/**
 * Limits the slice writes of one backend: a burst, then a round of them each second, and each 10 s after a
 * minute. A round contains changes that only add: addresses that recover or are listed first, and new
 * addresses of names. It never contains addresses that are removed because they fail: these are written at
 * once, and counted.
 *
 * | state   | begins when               | ends when                 | a round                     |
 * |---------|---------------------------|---------------------------|-----------------------------|
 * | quiet   | the backend is first seen | no write is left          | at any time                 |
 * | limited | no write is left          | 20 s pass without a write | a second after the last one |
 * | slow    | limited for a minute      | 20 s pass without a write | 10 s after the last one; for a Service without a ready address, a second |
 */
export class Flapping {
  #left = BURST;
  #refilledAt = 0;
  #wroteAt = -Infinity;
  #limitedAt: number | undefined;
  /** Start of the last round: for Services that have a ready address, and for those that have none. */
  readonly #rounds = { full: -Infinity, empty: -Infinity };
  #generation: number | undefined;
  #isEdited = false;
  readonly #names = new Map<string, readonly HostAddress[]>();
  #isNameHeld = false;
  /** Last written state of each Service, while limited. */
  readonly accepted = new Map<string, Places>();

  /** Begins a run. The first run that publishes an edit of the spec delays nothing. */
  begin(generation: number | undefined, now: number): void {
    this.#refill(now);
    this.#isEdited ||= this.#generation !== generation;
    this.#generation = generation;
    this.#isNameHeld = false;
  }

  /** Ends a run that has published all that it may. */
  end(): void {
    this.#isEdited = false;
  }

  /**
   * Returns true when nothing waits.
   *
   * @param isEmpty the Service has no ready address
   */
  isOpen(now: number, isEmpty: boolean): boolean {
    if (this.#limitedAt === undefined || this.#isEdited) return true;
    const at = this.#rounds[isEmpty ? 'empty' : 'full'];
    return now < at + ROUND_MS || now >= at + this.#pauseMs(now, isEmpty);
  }

  /** Begins a round, unless one is in progress. */
  round(now: number, isEmpty: boolean): void {
    const which = isEmpty ? 'empty' : 'full';
    if (now >= this.#rounds[which] + ROUND_MS) this.#rounds[which] = now;
  }

  /**
   * Returns the addresses of a host for this run: the previous ones until the round that may change them is
   * due.
   */
  resolution(host: string, resolution: Resolution, now: number): Resolution {
    const before = this.#names.get(host);
    const isOther = before !== undefined && !isSame(before, resolution.addresses);
    if (isOther && !this.isOpen(now, false)) {
      this.#isNameHeld = true;
      return { ...resolution, addresses: before };
    }
    if (isOther) this.round(now, false);
    this.#names.set(host, resolution.addresses);
    return resolution;
  }

  /** True when names of this run have their previous addresses. */
  get isNameHeld(): boolean {
    return this.#isNameHeld;
  }

  /** Counts slices that were written. */
  wrote(count: number, now: number): void {
    if (count === 0) return;
    this.#refill(now);
    this.#wroteAt = now;
    this.#left = Math.max(0, this.#left - count);
    if (this.#left > 0 || this.#limitedAt !== undefined) return;
    this.#limitedAt = now;
    this.#rounds.full = this.#rounds.empty = now;
  }

  /** True while statuses wait for a second too, except the first one after a large change. */
  delaysStatus(now: number): boolean {
    return this.isLimited(now) && now - (this.#limitedAt ?? now) >= SOON_MS;
  }

  /** True while additions wait for rounds. */
  isLimited(now: number): boolean {
    this.#refill(now);
    return this.#limitedAt !== undefined;
  }

  /** True while the condition `Degraded` reports it. */
  isSlow(now: number): boolean {
    return this.isLimited(now) && now - (this.#limitedAt ?? now) >= SLOW_AFTER_MS;
  }

  /**
   * Returns the milliseconds until the next round, or until the report ends; undefined: neither is due.
   *
   * @param isHeld something waits for a round
   */
  nextMs(now: number, isHeld: boolean, isEmpty: boolean): number | undefined {
    const round = this.#rounds[isEmpty ? 'empty' : 'full'] + this.#pauseMs(now, isEmpty) - now;
    const quietAfterMs = this.#wroteAt + QUIET_MS - now;
    const times = [...(isHeld ? [round] : []), ...(this.isSlow(now) ? [quietAfterMs] : [])];
    return times.length > 0 ? Math.max(1, Math.min(...times)) : undefined;
  }

  /** Removes hosts that are no longer in the spec. */
  retain(hosts: ReadonlySet<string>): void {
    for (const host of this.#names.keys()) if (!hosts.has(host)) this.#names.delete(host);
  }

  #pauseMs(now: number, isEmpty: boolean): number {
    const isSlow = this.#limitedAt !== undefined && now - this.#limitedAt >= SLOW_AFTER_MS;
    return isSlow && !isEmpty ? LATER_MS : SOON_MS;
  }

  #refill(now: number): void {
    const isQuiet = now >= this.#wroteAt + QUIET_MS;
    if (isQuiet) {
      this.#limitedAt = undefined;
      this.accepted.clear();
    }
    const whole = Math.floor((now - this.#refilledAt) / REFILL_MS);
    this.#refilledAt += whole * REFILL_MS;
    if (isQuiet) this.#left = BURST;
    else if (this.#limitedAt === undefined) this.#left = Math.min(BURST, this.#left + whole);
  }
}
