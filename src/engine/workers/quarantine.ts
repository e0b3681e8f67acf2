/** Place where a check is probed: with the others, apart from them, or nowhere for now. */
export type Placement = 'shared' | 'quarantine' | 'held';

/** After this time without a stall a check is probed with the others again. */
const CLEAN_MS = 86_400_000;
/** Number of stalls during runs of a check that lead to its quarantine. */
const MAX_STALLS = 2;
/** Pause after a stall during the run of a check that ran alone; it doubles each time. */
const HOLD_MS = 60_000;
const MAX_HOLD_MS = 3_600_000;

interface Suspect {
  stalls: number;
  lastAt: number;
  ward: Placement;
  /** Number of stalls while it ran alone: it is the cause. */
  proven: number;
  heldUntil: number;
}

/**
 * Decides which checks are probed apart from the others, because a thread ended while they were being probed.
 *
 * | a thread ended while the check was being probed          | it is probed                                        |
 * |----------------------------------------------------------|-----------------------------------------------------|
 * | once within a day                                        | with the others                                     |
 * | twice within a day                                       | in the quarantine, where one check runs at a time   |
 * | in the quarantine: it was the only one                   | not for a minute, then two, four … up to an hour    |
 * | not for a day                                            | with the others                                     |
 */
export class Quarantine {
  readonly #suspects = new Map<string, Suspect>();
  #apart = 0;

  /** Number of checks that are in quarantine or held. */
  get size(): number {
    return this.#apart;
  }

  placementOf(key: string): Placement {
    return this.#apart === 0 ? 'shared' : (this.#suspects.get(key)?.ward ?? 'shared');
  }

  /** Records that a thread ended while these keys were being probed. Returns the keys whose ward changes. */
  recordStall(keys: readonly string[], now: number): readonly string[] {
    return keys.filter((key) => this.#blame(key, now));
  }

  /** Returns the keys whose ward changes by the passing of time. */
  advance(now: number): readonly string[] {
    return [...this.#suspects].flatMap(([key, suspect]) => (this.#advance(key, suspect, now) ? [key] : []));
  }

  #blame(key: string, now: number): boolean {
    const suspect = this.#suspects.get(key) ?? newSuspect();
    this.#suspects.set(key, suspect);
    suspect.stalls += 1;
    suspect.lastAt = now;
    if (suspect.ward === 'quarantine') {
      suspect.ward = 'held';
      suspect.heldUntil = now + Math.min(HOLD_MS * 2 ** suspect.proven, MAX_HOLD_MS);
      suspect.proven += 1;
      return true;
    }
    if (suspect.ward === 'held' || suspect.stalls < MAX_STALLS) return false;
    suspect.ward = 'quarantine';
    this.#apart += 1;
    return true;
  }

  #advance(key: string, suspect: Suspect, now: number): boolean {
    if (now - suspect.lastAt >= CLEAN_MS) {
      this.#suspects.delete(key);
      if (suspect.ward === 'shared') return false;
      this.#apart -= 1;
      return true;
    }
    if (suspect.ward !== 'held' || now < suspect.heldUntil) return false;
    suspect.ward = 'quarantine';
    return true;
  }
}

const newSuspect = (): Suspect => ({ stalls: 0, lastAt: 0, ward: 'shared', proven: 0, heldUntil: 0 });
