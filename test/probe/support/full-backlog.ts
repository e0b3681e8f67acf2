import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/**
 * A port whose SYNs stay unanswered, as behind a firewall that drops: a listener with a backlog of 1 in another process
 * that accepts nothing, and enough connections of ours to fill its queue.
 */
export async function fullBacklog(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  // Stopped by SIGSTOP once it listens, so that libuv cannot accept.
  const program = `require('net').createServer().listen({port: 0, host: '127.0.0.1', backlog: 1}, function () {
    process.stdout.write(String(this.address().port), () => process.kill(process.pid, 'SIGSTOP'));
  });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [data] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(data.toString());
  const fillers = await fill(port);
  return {
    port,
    stop: async () => {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Connects until one attempt hangs. */
async function fill(port: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), hung().then(() => false)]);
    if (!isOpen) return sockets;
  }
}

/** On loopback a connection opens within microseconds; one that has not by now waits for its SYN to be repeated. */
function hung(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 150));
}
