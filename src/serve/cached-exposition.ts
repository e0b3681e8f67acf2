import type { Clock } from '../util/clock.ts';

/** A text that is expensive to create. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Age up to which clients share a text. */
const freshMs = 1_000;

/** The text of an exposition, created at most once a second for any number of clients. All of them get the same bytes. */
export class CachedExposition {
  readonly #exposition: Exposition;
  readonly #clock: Clock;
  #madeAt = -Infinity;
  #made: Promise<Buffer> | undefined;

  constructor(exposition: Exposition, clock: Clock) {
    this.#exposition = exposition;
    this.#clock = clock;
  }

  get contentType(): string {
    return this.#exposition.contentType;
  }

  /** Rejects if the text cannot be created; the next call tries again. */
  bytes(): Promise<Buffer> {
    const now = this.#clock.now();
    if (this.#made === undefined || now - this.#madeAt >= freshMs) {
      this.#madeAt = now;
      this.#made = this.#make();
    }
    return this.#made;
  }

  async #make(): Promise<Buffer> {
    try {
      return Buffer.from(await this.#exposition.text());
    } catch (error) {
      this.#made = undefined;
      throw error;
    }
  }
}
