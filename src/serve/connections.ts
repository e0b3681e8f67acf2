import type { Socket } from 'node:net';

/**
 * The open connections of a server, bounded so that a new one is never refused: it displaces the idlest connection of
 * the remote address that has the most. One client that takes all connections therefore displaces its own only, and
 * the kubelet, which opens a connection for each probe, is always answered.
 */
export class Connections {
  readonly #max: number;
  /** The one that was used last is the last. */
  readonly #open = new Set<Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Adds a new connection. Closes another one where there are more than the bound. */
  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    if (this.#open.size > this.#max) this.#displace();
  }

  /** Marks a connection as used now. */
  touch(socket: Socket): void {
    if (this.#open.delete(socket)) this.#open.add(socket);
  }

  #displace(): void {
    const byAddress = Map.groupBy(this.#open, (socket) => socket.remoteAddress);
    const most = Math.max(...[...byAddress.values()].map((sockets) => sockets.length));
    const idlest = [...this.#open].find((socket) => byAddress.get(socket.remoteAddress)?.length === most);
    if (idlest === undefined) return;
    this.#open.delete(idlest);
    idlest.destroy();
  }
}
