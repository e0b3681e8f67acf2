import type { Check } from '../core/check.ts';
import { noticesOf } from '../core/notices.ts';
import type { Notice, Told } from '../core/notices.ts';
import type { Verdict } from '../core/verdict.ts';

/** Remembers what was told of which check, for as long as its backend has it. A new process tells again. */
export class Notices {
  /** Backend (`namespace/name`) -> id of the check. */
  readonly #told = new Map<string, Map<string, Told>>();

  /** What is to be told now. `now`: wall milliseconds. */
  of(key: string, check: Check, verdict: Verdict, now: number): readonly Notice[] {
    const before = this.#told.get(key)?.get(check.id);
    const { notices, told } = noticesOf(check, verdict, before, now);
    if (told !== undefined && told !== before) {
      const ofBackend = this.#told.get(key) ?? new Map<string, Told>();
      this.#told.set(key, ofBackend.set(check.id, told));
    }
    return notices;
  }

  /** These are all the checks of the backend from now on; none: it is gone. */
  retain(key: string, checks: readonly Check[]): void {
    const told = this.#told.get(key);
    if (told === undefined) return;
    const kept = new Set(checks.map(({ id }) => id));
    for (const id of told.keys()) if (!kept.has(id)) told.delete(id);
    if (told.size === 0) this.#told.delete(key);
  }
}
