import { noise } from '../engine/histories/noise.ts';

/** Random numbers of one purpose. */
export class Draw {
  readonly #next: () => number;

  /** @param purpose draws of another purpose do not change these, so a history without some events draws the same */
  constructor(seed: number, purpose: string) {
    let hash = seed | 0;
    for (const char of purpose) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    this.#next = noise(hash);
  }

  /** Returns a number in [0, 1). */
  readonly uniform = (): number => this.#next();

  /** Returns a number in [least, most). */
  between(least: number, most: number): number {
    return least + this.#next() * (most - least);
  }

  /** Returns an integer in [least, most]. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#next() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.#next() < share;
  }

  of<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.#next() * choices.length)] ?? choices[0];
  }

  /** Returns `count` different choices at most, in their order. */
  some<T>(choices: readonly T[], count: number): readonly T[] {
    const ranked = choices.map((choice, i) => ({ choice, i, rank: this.#next() }));
    const taken = ranked.toSorted((a, b) => a.rank - b.rank).slice(0, count);
    return taken.toSorted((a, b) => a.i - b.i).map(({ choice }) => choice);
  }
}
