import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { idOf, isResponseTo, withId } from './message.ts';
import type { ServerAddress } from './resolv-conf.ts';

/** One query that waits for its response. At most one of the two functions is called, once. */
export interface PendingQuery {
  /** Query with id 0, and without an OPT record. */
  readonly query: Buffer;
  /** True if it is sent with an OPT record. */
  readonly edns?: boolean;
  readonly answered: (response: Buffer) => void;
  /** `reason`: `connection refused`, or the code of an error. */
  readonly failed: (reason: string) => void;
}

/** Ends the wait for a response. `lost`: true for a timeout, after which the socket is not used again. */
export type CancelQuery = (lost: boolean) => void;

const socketsPerServer = 4;

/**
 * Number of queries of a socket. Then it is replaced, so that an attacker who forges answers does not know
 * the port.
 */
const queriesPerSocket = 256;

/**
 * UDP sockets of one name server. A socket for each query costs more than three times as much. A single
 * socket would keep its port for ever. So there are a few sockets, each with a random port from the kernel,
 * and each for some hundreds of queries.
 *
 * The sockets are connected: the kernel drops messages of other senders, and reports at once if no process
 * listens. A socket whose query timed out gets no further query. If the server is a Service, conntrack ties
 * the port of the socket to one DNS pod, which may be dead.
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

  send(waiting: PendingQuery): CancelQuery {
    const slot = this.#randomInt(socketsPerServer);
    const current = this.#slots[slot];
    const socket = current?.isUsable === true ? current : this.#renew(slot);
    const forget = socket.send(waiting, this.#randomInt);
    if (this.#retired) socket.retire();
    return forget;
  }

  /** Closes each socket as soon as no query waits for a response on it. */
  retire(): void {
    this.#retired = true;
    for (const socket of this.#open) socket.retire();
  }

  /** Closes all sockets. Queries that wait fail. */
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
  readonly waiting: PendingQuery;
}

class UdpSocket {
  readonly #server: ServerAddress;
  readonly #closed: (socket: UdpSocket) => void;
  readonly #socket: Socket;
  /**
   * A list, because it is short. The tables of a Map that is filled and emptied all the time form a chain,
   * which keeps its former content in memory until the next major garbage collection: ten times the size of
   * the answers.
   */
  readonly #waiting: Sent[] = [];
  /** Messages that wait until the socket is connected. */
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

  /** Opens the socket. It does not keep the process alive; queries that wait have timers, which do. */
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

  send(waiting: PendingQuery, randomInt: (below: number) => number): CancelQuery {
    this.#left -= 1;
    let id = randomInt(0x1_0000);
    while (this.#waiting.some((sent) => sent.id === id)) id = randomInt(0x1_0000);
    this.#waiting.push({ id, waiting });
    const message = withId(waiting.query, id, waiting.edns);
    // Opening the socket may have failed at once, for example because no file descriptor was left.
    if (!this.#isOpen) queueMicrotask(() => this.fail(this.#failure));
    else if (this.#unsent === undefined) this.#socket.send(message);
    else this.#unsent.push(message);
    return (lost) => {
      if (lost) this.#left = 0;
      this.#settle(this.#waiting.findIndex((sent) => sent.waiting === waiting));
    };
  }

  /** Takes no further query, and closes when no query waits. */
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

/** Returns `connection refused`, or the code of the error. */
export const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.code === 'ECONNREFUSED' ? 'connection refused' : (error.code ?? error.message);
