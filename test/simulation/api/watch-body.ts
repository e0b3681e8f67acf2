/** Body of the answer to a watch: chunks as they arrive, until it ends or fails. */
export class WatchBody implements AsyncIterableIterator<Buffer> {
  readonly #chunks: Buffer[] = [];
  #error: Error | undefined;
  #isEnded = false;
  #waiting: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;

  push(text: string): void {
    const chunk = Buffer.from(text);
    const waiting = this.#take();
    if (waiting === undefined) this.#chunks.push(chunk);
    else waiting.resolve({ done: false, value: chunk });
  }

  end(): void {
    this.#isEnded = true;
    this.#take()?.resolve({ done: true, value: undefined });
  }

  fail(error: Error): void {
    this.#error = error;
    this.#take()?.reject(error);
  }

  next(): Promise<IteratorResult<Buffer>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.#isEnded = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): PromiseWithResolvers<IteratorResult<Buffer>> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
