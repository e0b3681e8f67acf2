import type { Socket } from 'node:net';

/**
 * The open connections of a server, up to a bound. A new connection is never refused: it displaces the connection that was
 * used longest ago, of the remote address with the most connections. A client that takes all connections therefore displaces
 * its own only, and the kubelet, which opens a connection for each probe, always gets an answer. Connections in a TLS
 * handshake count too.
 */
export class Connections {
  readonly #max: number;
  /** Sockets by remote address and port, which are the same for a TLS socket and the one below it; the latest last. */
  readonly #open = new Map<string, Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Adds a new connection, and closes another one if there are more than the bound. */
  add(socket: Socket): void {
    const key = keyOf(socket);
    this.#open.set(key, socket);
    socket.once('close', () => {
      if (this.#open.get(key) === socket) this.#open.delete(key);
    });
    if (this.#open.size > this.#max) this.#displace();
  }

  /** Marks a connection as used now. */
  touch(socket: Socket): void {
    const key = keyOf(socket);
    const open = this.#open.get(key);
    if (open !== undefined && this.#open.delete(key)) this.#open.set(key, open);
  }

  #displace(): void {
    const byAddress = Map.groupBy(this.#open, ([, socket]) => socket.remoteAddress);
    const most = Math.max(...[...byAddress.values()].map((sockets) => sockets.length));
    const idlest = [...this.#open].find(([, socket]) => byAddress.get(socket.remoteAddress)?.length === most);
    if (idlest === undefined) return;
    const [key, socket] = idlest;
    this.#open.delete(key);
    socket.destroy();
  }
}

const keyOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;
