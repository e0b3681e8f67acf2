/**
 * Numbers of the checks that are being probed, in shared memory that another thread can read when this one no
 * longer answers. Also contains the pulse of the thread: a counter that its event loop increases, and its
 * longest delay.
 */
export class RunBoard {
  readonly #numbers: Int32Array;

  /** @param memory of `RunBoard.bytesFor` */
  constructor(memory: ArrayBufferLike) {
    this.#numbers = new Int32Array(memory);
  }

  static bytesFor(runs: number): number {
    return (HEAD + runs) * Int32Array.BYTES_PER_ELEMENT;
  }

  /** Records a turn of the event loop, `delayMs` later than planned. */
  beat(delayMs: number): void {
    const longest = Atomics.load(this.#numbers, DELAY);
    if (delayMs > longest) Atomics.store(this.#numbers, DELAY, Math.round(delayMs));
    Atomics.add(this.#numbers, BEATS, 1);
  }

  get beats(): number {
    return Atomics.load(this.#numbers, BEATS);
  }

  /** Returns the longest delay since the last call, in milliseconds. */
  takeDelay(): number {
    return Atomics.exchange(this.#numbers, DELAY, 0);
  }

  /** Records a run at this place. */
  put(place: number, ref: number): void {
    this.#numbers[HEAD + place] = ref;
  }

  /** Removes the run at this place. The run at the last place moves to it. */
  free(place: number, last: number): void {
    this.#numbers[HEAD + place] = this.#numbers[HEAD + last] ?? 0;
    this.#numbers[HEAD + last] = 0;
  }

  /** Returns the numbers of the checks that are being probed. */
  running(): readonly number[] {
    return [...this.#numbers.subarray(HEAD)].filter((ref) => ref !== 0);
  }

  /** Clears it for a new thread. */
  clear(): void {
    this.#numbers.fill(0);
  }
}

const BEATS = 0;
const DELAY = 1;
const HEAD = 2;
