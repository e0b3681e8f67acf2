import { connect } from 'node:net';
import type { OnReadOpts } from 'node:net';
import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { Budget } from './budget.ts';
import { cancelled, classifyErrno, connected } from './classify.ts';
import { isMysqlHello } from './mysql-hello.ts';
import { closeGraceMs } from './probe.ts';
import type { Probe } from './probe.ts';
import { noConnection, withProgress } from './progress.ts';

/**
 * Up when the connection opens, as the kubelet's tcpSocket. The server never sees a reset, for databases count resets and
 * lock their sender out: we send FIN, read what it says until it closes too, and give that `closeGraceMs`.
 * The run ends when the socket is closed, so that a running probe is a used connection and no more; but a cancelled run
 * ends at once and one at its timeout then, and an open connection closes politely behind it.
 */
export function createTcpSocket(): Probe {
  // What servers say is looked at once and thrown away, so one buffer does for all sockets (and saves an allocation of
  // 64 kB per probe).
  const buffer = Buffer.alloc(4096);
  return (check, signal) => (signal.aborted ? Promise.resolve(cancelled) : dial(check, signal, buffer));
}

const greetedByMysql: Verdict = Object.freeze({ ...connected, greeting: 'mysql' });

function dial(check: Check, signal: AbortSignal, buffer: Buffer): Promise<Verdict> {
  return new Promise((resolve) => {
    let verdict = noConnection(check);
    let closing: NodeJS.Timeout | undefined;
    let hasSpoken = false;
    const budget = new Budget();
    const hear: OnReadOpts['callback'] = (count) => {
      budget.receive(buffer.subarray(0, count));
      if (budget.exceeded !== undefined) socket.destroy();
      if (!hasSpoken && verdict === connected && isMysqlHello(buffer.subarray(0, count)))
        verdict = greetedByMysql;
      hasSpoken = true;
      return true;
    };
    const socket = connect({ host: check.ip, port: check.port, onread: { buffer, callback: hear } });
    // Run after the event loop has looked at its sockets: the kernel may have connected while this process was busy. Then
    // the target is up, not late; and to destroy such a socket, its greeting unread, would be a reset.
    const expire = () => {
      if (socket.connecting) socket.destroy();
      else resolve(verdict);
    };
    const deadline = setTimeout(setImmediate, check.timing.timeoutMs, expire);
    const abort = () => {
      resolve(cancelled);
      setImmediate(expire);
    };
    signal.addEventListener('abort', abort);
    socket.on('connect', () => {
      verdict = connected;
      closing = setTimeout(() => socket.destroy(), closeGraceMs);
      socket.end();
    });
    socket.on('error', (error) => {
      // Once connected the probe has its answer; how the server closes is its own affair.
      if (verdict.kind !== 'up')
        verdict = withProgress(classifyErrno(error), { stage: 'connecting', isSecure: false }, check);
    });
    socket.on('close', () => {
      clearTimeout(deadline);
      clearTimeout(closing);
      signal.removeEventListener('abort', abort);
      resolve(verdict);
    });
  });
}
