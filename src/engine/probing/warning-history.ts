import type { Check } from '../../core/probing/check.ts';
import type { BackendEvent } from '../../core/events/backend-event.ts';
import { probeWarnings, type EmittedWarnings } from '../../core/events/probe-warnings.ts';
import type { NotableVerdict } from './prober.ts';

/**
 * Remembers which warnings were recorded for each check, while its backend has the check. A new process
 * records them again.
 */
export class WarningHistory {
  /** Backend (`namespace/name`) -> id of the check. */
  readonly #emitted = new Map<string, Map<string, EmittedWarnings>>();
  /** Backend -> id of the check -> expiry of its certificate, in milliseconds of Unix time. */
  readonly #certificates = new Map<string, Map<string, readonly [Check, number]>>();

  /** Returns the Events to record now. @param now wall milliseconds */
  of(key: string, check: Check, verdict: NotableVerdict, now: number): readonly BackendEvent[] {
    this.#see(key, check, verdict.certificateExpiresAt);
    const before = this.#emitted.get(key)?.get(check.id);
    const { events, emitted } = probeWarnings(check, verdict, before, now);
    if (emitted !== undefined && emitted !== before) {
      const ofBackend = this.#emitted.get(key) ?? new Map<string, EmittedWarnings>();
      this.#emitted.set(key, ofBackend.set(check.id, emitted));
    }
    return events;
  }

  /** Sets all checks of the backend; none: the backend was removed. */
  retain(key: string, checks: readonly Check[]): void {
    const kept = new Set(checks.map(({ id }) => id));
    for (const all of [this.#emitted, this.#certificates]) {
      const ofBackend = all.get(key);
      for (const id of ofBackend?.keys() ?? []) if (!kept.has(id)) ofBackend?.delete(id);
      if (ofBackend?.size === 0) all.delete(key);
    }
  }

  /** Checks of the backend that have received a certificate, each with its expiry. */
  certificates(key: string): Iterable<readonly [Check, number]> {
    return this.#certificates.get(key)?.values() ?? [];
  }

  #see(key: string, check: Check, expiresAt: number | undefined): void {
    if (expiresAt === undefined) return;
    const ofBackend = this.#certificates.get(key) ?? new Map<string, readonly [Check, number]>();
    this.#certificates.set(key, ofBackend.set(check.id, [check, expiresAt]));
  }
}
