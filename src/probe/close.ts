import { closeGraceMs } from './probe.ts';
import type { Connection } from './tapped.ts';

/**
 * Ends a connection without a reset where the other side lets us: FIN, read on, wait for its close for `closeGraceMs`.
 * `done` runs once, when the socket is closed. A socket that is not connected yet, or is destroyed already, is dropped at once.
 */
export function closePolitely(socket: Connection, done: () => void): void {
  if (socket.closed) {
    done();
    return;
  }
  const grace = setTimeout(() => socket.destroy(), closeGraceMs);
  socket.once('close', () => {
    clearTimeout(grace);
    done();
  });
  if (socket.connecting || socket.destroyed) socket.destroy();
  else {
    socket.resume();
    socket.end();
  }
}
