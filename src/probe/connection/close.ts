import { closeGraceMs } from './probe.ts';
import type { Connection } from './tapped-connection.ts';

/**
 * Ends a connection without a reset, if the other side allows it: sends FIN, reads on, and waits
 * `closeGraceMs` for its close. `done` is called once, when the socket is closed. A socket that is not
 * connected yet, or is already destroyed, is destroyed at once.
 */
export function closeGracefully(socket: Connection, done: () => void): void {
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
