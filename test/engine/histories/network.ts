/** The network between one replica, the API server and the targets. */
export class Network {
  api = true;
  targets = true;
  /** Data that is sent meanwhile waits in the sockets. */
  #cut: PromiseWithResolvers<'arrives' | 'is lost'> | undefined;

  get isCut(): boolean {
    return this.#cut !== undefined;
  }

  /** Cuts the network: nothing arrives, and nothing is refused. */
  cut(): void {
    this.#cut = Promise.withResolvers();
    this.targets = false;
  }

  /** Restores the network. Data that waits in the sockets arrives. */
  restore(): void {
    const cut = this.#cut;
    this.#cut = undefined;
    Object.assign(this, { api: true, targets: true });
    cut?.resolve('arrives');
  }

  /** Drops the data that waits in the sockets. */
  reset(): void {
    const cut = this.#cut;
    if (cut === undefined) return;
    this.#cut = Promise.withResolvers();
    cut.resolve('is lost');
  }

  /** Returns whether data that is sent to the API server now, or its response, arrives. */
  async arrives(): Promise<boolean> {
    return this.#cut === undefined || (await this.#cut.promise) === 'arrives';
  }
}
