/** Accepts connections on every address, and ends each when its peer does. Prints a line when it listens. */
import { createServer } from 'node:net';
import process from 'node:process';

createServer({ allowHalfOpen: false }, (socket) => {
  socket.on('error', () => undefined).resume();
}).listen({ port: Number(process.argv[2]), host: '0.0.0.0', backlog: 4096 }, () => {
  process.stdout.write('listening\n');
});
