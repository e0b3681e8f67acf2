/** Maximum ratio of the places that a group holds to the places that it leaves free. */
const factor = 8;

/**
 * Counts the places that groups hold, such as requests in flight by namespace, and limits them.
 *
 * A group may hold eight times the places that it leaves free: eight ninths of all places if it is the only
 * group. A group that holds no place may take the last one. So a group that comes later finds a free place,
 * however many places another group holds and for how long. This is the dynamic threshold of shared buffers
 * (Choudhury and Hahne, 1998). If many groups hold all that they may, there can be no free place; then groups
 * take turns.
 */
export class HeldShares {
  readonly #held = new Map<string, number>();

  /**
   * Returns true when the group may take one more place.
   *
   * @param free places that can be taken now, including the requested one
   */
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
