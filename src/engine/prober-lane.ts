import type { InternedHandler } from './handler-table.ts';
import type { ProberCommand, SendCommand } from './prober-messages.ts';

/** Way to one thread that probes. A handler crosses it once, however many checks use it. */
export class ProberLane {
  readonly #send: SendCommand;
  /** Uses of each handler that the thread has. */
  readonly #uses = new Map<number, number>();

  constructor(send: SendCommand) {
    this.#send = send;
  }

  send(command: ProberCommand): void {
    this.#send(command);
  }

  /** A check of this lane uses the handler from now on; one `release` must follow. */
  use({ id, handler }: InternedHandler): void {
    const uses = this.#uses.get(id) ?? 0;
    if (uses === 0) this.#send({ op: 'handler', handlerId: id, handler });
    this.#uses.set(id, uses + 1);
  }

  release({ id }: InternedHandler): void {
    const uses = (this.#uses.get(id) ?? 0) - 1;
    if (uses > 0) {
      this.#uses.set(id, uses);
      return;
    }
    this.#uses.delete(id);
    this.#send({ op: 'release', handlerId: id });
  }

  /** The thread is a new one, and has nothing. */
  reset(): void {
    this.#uses.clear();
  }
}
