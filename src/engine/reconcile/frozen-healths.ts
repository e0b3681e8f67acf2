import { frozenHealth } from '../../core/health/frozen.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import type { Health } from '../../core/health/state.ts';

/** Healths that count for the Services of one backend while a maintenance window freezes its addresses. */
export class FrozenHealths {
  readonly #counted = new Map<string, Health>();

  /** Returns a lookup that has the counted health for these checks, and `probed` for all others. */
  lens(checkIds: ReadonlySet<string>, probed: HealthOf): HealthOf {
    if (checkIds.size === 0) return probed;
    return (id) => (checkIds.has(id) ? this.#count(id, probed(id)) : probed(id));
  }

  /** Returns the ids of the checks that are no longer frozen, with the healths that counted. */
  thawed(checkIds: ReadonlySet<string>): ReadonlyMap<string, Health> {
    return new Map([...this.#counted].filter(([id]) => !checkIds.has(id)));
  }

  /** Forgets these checks. */
  forget(checkIds: Iterable<string>): void {
    for (const id of checkIds) this.#counted.delete(id);
  }

  clear(): void {
    this.#counted.clear();
  }

  #count(id: string, probed: Health | undefined): Health | undefined {
    const counted = this.#counted.get(id);
    if (probed === undefined) return counted;
    const next = frozenHealth(counted, probed);
    this.#counted.set(id, next);
    return next;
  }
}
