import type { Socket } from 'node:net';

/** Returns a function that sends a block to a client again and again, as fast as it reads, up to 100 MB in all. */
export function flooding(block: Buffer): (socket: Socket) => void {
  let sent = 0;
  const pour = (socket: Socket) => {
    while (sent < 100_000_000 && socket.writable) {
      sent += block.length;
      if (!socket.write(block)) break;
    }
  };
  return (socket) => {
    socket.on('drain', () => pour(socket));
    pour(socket);
  };
}
