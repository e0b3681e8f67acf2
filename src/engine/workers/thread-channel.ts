import type { InternedHandler } from '../probing/handler-table.ts';
import type { ProberCommand, SendCommand } from './prober-messages.ts';

/** Channel to one probe thread. A handler is sent once, however many checks use it. */
export class ThreadChannel {
  readonly #send: SendCommand;
  /** Number of uses of each handler that the thread has. */
  readonly #uses = new Map<number, number>();

  constructor(send: SendCommand) {
    this.#send = send;
  }

  send(command: ProberCommand): void {
    this.#send(command);
  }

  /** Counts a check of this channel that uses the handler; one `release` must follow. */
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
    this.#send({ op: 'forget', handlerId: id });
  }

  /** Forgets what the thread has, because it is a new one. */
  reset(): void {
    this.#uses.clear();
  }
}
