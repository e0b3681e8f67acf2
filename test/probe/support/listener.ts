import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A TCP server on a free port that remembers how its connections ended. */
export interface Listener {
  readonly port: number;
  /** Error codes that connections ended with: ECONNRESET when the prober reset one. */
  readonly errors: readonly string[];
  readonly accepted: () => number;
  /** Resolves when `count` connections have been closed (both ways). */
  closed(count: number): Promise<void>;
  /** Resolves when `count` connections have seen the prober's FIN. */
  finished(count: number): Promise<void>;
  /** Closes the port and all connections. May be called again. */
  stop(): Promise<void>;
}

export interface ListenerOptions {
  readonly host?: string;
  readonly allowHalfOpen?: boolean;
  readonly onConnection?: (socket: Socket) => void;
}

export async function listen(options: ListenerOptions = {}): Promise<Listener> {
  const errors: string[] = [];
  const sockets = new Set<Socket>();
  const counts = { accepted: 0, closed: 0, finished: 0 };
  const server = createServer({ allowHalfOpen: options.allowHalfOpen ?? false }, (socket) => {
    counts.accepted += 1;
    sockets.add(socket);
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message));
    socket.on('end', () => {
      counts.finished += 1;
      server.emit('counted');
    });
    socket.on('close', () => {
      counts.closed += 1;
      sockets.delete(socket);
      server.emit('counted');
    });
    socket.resume();
    options.onConnection?.(socket);
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    errors,
    accepted: () => counts.accepted,
    closed: (count) => reaches(server, () => counts.closed >= count),
    finished: (count) => reaches(server, () => counts.finished >= count),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

async function reaches(server: Server, isReached: () => boolean): Promise<void> {
  while (!isReached()) await once(server, 'counted');
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A port where nothing listens: it was free a moment ago. */
export async function refusingPort(host = '127.0.0.1'): Promise<number> {
  const listener = await listen({ host });
  await listener.stop();
  return listener.port;
}
