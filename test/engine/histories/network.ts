/** What the network lets through between one replica, the API server and the targets. */
export class Network {
  api = true;
  targets = true;
  /** What is sent meanwhile waits in the sockets. */
  #cut: PromiseWithResolvers<'arrives' | 'is lost'> | undefined;

  get isCut(): boolean {
    return this.#cut !== undefined;
  }

  /** Silence from everything; nothing is refused. */
  cut(): void {
    this.#cut = Promise.withResolvers();
    this.targets = false;
  }

  /** All is as before, and what waits in the sockets arrives. */
  restore(): void {
    const cut = this.#cut;
    this.#cut = undefined;
    Object.assign(this, { api: true, targets: true });
    cut?.resolve('arrives');
  }

  /** What waits in the sockets is lost. */
  reset(): void {
    const cut = this.#cut;
    if (cut === undefined) return;
    this.#cut = Promise.withResolvers();
    cut.resolve('is lost');
  }

  /** Becomes of what is sent to the API server now, or of its answer. */
  async arrives(): Promise<boolean> {
    return this.#cut === undefined || (await this.#cut.promise) === 'arrives';
  }
}
