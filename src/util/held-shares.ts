/** A group holds at most this many times the places that it leaves free. */
const factor = 8;

/**
 * Places that groups hold, such as requests under way by namespace. A group may hold eight times the places that it
 * leaves free: eight ninths of all where it is alone. A group that holds none may take the last place. So a group that
 * comes later finds a free place, whatever another one holds and for how long (the dynamic threshold of shared buffers,
 * Choudhury and Hahne, 1998). Where many groups hold all they may, nothing need be free, and groups take turns.
 */
export class HeldShares {
  readonly #held = new Map<string, number>();

  /** @param free places that may still be taken, the wanted one included */
  allows(group: string, free: number): boolean {
    const held = this.#held.get(group) ?? 0;
    return held === 0 || held + 1 <= factor * (free - 1);
  }

  take(group: string): void {
    this.#held.set(group, (this.#held.get(group) ?? 0) + 1);
  }

  release(group: string): void {
    const held = (this.#held.get(group) ?? 0) - 1;
    if (held > 0) this.#held.set(group, held);
    else this.#held.delete(group);
  }
}
