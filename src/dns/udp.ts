import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { idOf, isResponseTo, withId } from './message.ts';
import type { ServerAddress } from './servers.ts';

/** Who waits for the response to one query. Exactly one of the two runs, at most once. */
export interface Waiting {
  /** With id 0, and without an OPT record. */
  readonly query: Buffer;
  /** True where it is sent with an OPT record. */
  readonly edns?: boolean;
  readonly answered: (response: Buffer) => void;
  /** `connection refused`, or an error's code. */
  readonly failed: (reason: string) => void;
}

/** Stop waiting. `lost`: the answer did not come in time, so the path is to be doubted. */
export type Forget = (lost: boolean) => void;

const socketsPerServer = 4;

/** A socket takes this many queries, and then another port is as good as unknown again to who would forge answers. */
const queriesPerSocket = 256;

/**
 * The UDP sockets of one name server. A socket for each query costs more than three times as much, and one
 * for all has one port for ever; so there are a few, each with a random port of the kernel, each for some hundreds of
 * queries.
 *
 * They are connected: the kernel drops what others send, and tells at once when nobody listens. A socket that lost an
 * answer gets no further query: behind a Service's address its port is tied to one DNS pod (conntrack), perhaps a dead one.
 */
export class UdpSockets {
  readonly #server: ServerAddress;
  readonly #randomInt: (below: number) => number;
  readonly #slots: (UdpSocket | undefined)[] = [];
  readonly #open = new Set<UdpSocket>();
  #retired = false;

  constructor(server: ServerAddress, randomInt: (below: number) => number) {
    this.#server = server;
    this.#randomInt = randomInt;
  }

  send(waiting: Waiting): Forget {
    const slot = this.#randomInt(socketsPerServer);
    const current = this.#slots[slot];
    const socket = current?.isUsable === true ? current : this.#renew(slot);
    const forget = socket.send(waiting, this.#randomInt);
    if (this.#retired) socket.retire();
    return forget;
  }

  /** Every socket closes as soon as nothing waits for it. */
  retire(): void {
    this.#retired = true;
    for (const socket of this.#open) socket.retire();
  }

  /** What still waits fails. */
  close(): void {
    for (const socket of this.#open) socket.fail('closed');
  }

  #renew(slot: number): UdpSocket {
    this.#slots[slot]?.retire();
    const socket = new UdpSocket(this.#server, (closed) => this.#open.delete(closed));
    this.#open.add(socket);
    socket.open();
    this.#slots[slot] = socket;
    return socket;
  }
}

interface Sent {
  readonly id: number;
  readonly waiting: Waiting;
}

class UdpSocket {
  readonly #server: ServerAddress;
  readonly #closed: (socket: UdpSocket) => void;
  readonly #socket: Socket;
  /**
   * A list, for it is short. The tables of a Map that is filled and emptied all the time hang together, and keep what they
   * once held until the next major collection: ten times what the answers themselves take.
   */
  readonly #waiting: Sent[] = [];
  /** Until the socket is connected. */
  #unsent: Buffer[] | undefined = [];
  #left = queriesPerSocket;
  #isOpen = true;
  #failure = 'closed';

  constructor(server: ServerAddress, closed: (socket: UdpSocket) => void) {
    this.#server = server;
    this.#closed = closed;
    this.#socket = createSocket({
      type: isIPv6(server.address) ? 'udp6' : 'udp4',
      lookup: (address, _options, done) => done(null, address, isIPv6(address) ? 6 : 4),
    });
  }

  get isUsable(): boolean {
    return this.#isOpen && this.#left > 0;
  }

  /** Who waits has a timer; an idle socket keeps no process alive. */
  open(): void {
    this.#socket.on('message', (response) => this.#receive(response));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.fail(reasonOf(error)));
    this.#socket.on('connect', () => {
      for (const message of this.#unsent ?? []) this.#socket.send(message);
      this.#unsent = undefined;
    });
    this.#socket.unref();
    this.#socket.connect(this.#server.port, this.#server.address);
  }

  send(waiting: Waiting, randomInt: (below: number) => number): Forget {
    this.#left -= 1;
    let id = randomInt(0x1_0000);
    while (this.#waiting.some((sent) => sent.id === id)) id = randomInt(0x1_0000);
    this.#waiting.push({ id, waiting });
    const message = withId(waiting.query, id, waiting.edns);
    // Opening it may have failed at once, for want of a file descriptor.
    if (!this.#isOpen) queueMicrotask(() => this.fail(this.#failure));
    else if (this.#unsent === undefined) this.#socket.send(message);
    else this.#unsent.push(message);
    return (lost) => {
      if (lost) this.#left = 0;
      this.#settle(this.#waiting.findIndex((sent) => sent.waiting === waiting));
    };
  }

  /** No further query; closed when nothing waits any more. */
  retire(): void {
    this.#left = 0;
    if (this.#waiting.length === 0) this.#close();
  }

  fail(reason: string): void {
    this.#failure = reason;
    const sent = this.#waiting.splice(0);
    this.#close();
    for (const { waiting } of sent) waiting.failed(reason);
  }

  #receive(response: Buffer): void {
    if (response.length < 12) return;
    const id = idOf(response);
    const index = this.#waiting.findIndex((sent) => sent.id === id);
    const waiting = this.#waiting[index]?.waiting;
    if (waiting === undefined || !isResponseTo(waiting.query, response)) return;
    this.#settle(index);
    waiting.answered(response);
  }

  #settle(index: number): void {
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    if (this.#left <= 0 && this.#waiting.length === 0) this.#close();
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
    this.#closed(this);
  }
}

export const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.code === 'ECONNREFUSED' ? 'connection refused' : (error.code ?? error.message);
