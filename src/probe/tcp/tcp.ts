import { connect } from 'node:net';
import type { OnReadOpts } from 'node:net';
import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import { cancelled, classifyErrno, connected } from '../verdict/verdicts.ts';
import { isMysqlHello } from '../mysql-wire/mysql-hello.ts';
import { closeGraceMs } from '../connection/probe.ts';
import type { Probe } from '../connection/probe.ts';
import { noConnection, withProgress } from '../connection/progress.ts';

/**
 * Creates the probe that is up when the connection opens, like the kubelet's tcpSocket. The server never sees
 * a reset, because databases count resets and lock out their sender: the probe sends FIN and reads until the
 * server closes, for `closeGraceMs`. The run ends when the socket is closed, so a running probe is one open
 * connection. A cancelled run ends at once and a late one at its timeout, and an open connection then closes
 * without a reset after it.
 */
export function createTcpSocket(): Probe {
  // The bytes of servers are read once and dropped, so all sockets share one buffer (which saves an
  // allocation of 64 kB per probe).
  const buffer = Buffer.alloc(4096);
  return (check, signal) => (signal.aborted ? Promise.resolve(cancelled) : dial(check, signal, buffer));
}

const greetedByMysql: Verdict = Object.freeze({ ...connected, detectedProtocol: 'mysql' });

function dial(check: Check, signal: AbortSignal, buffer: Buffer): Promise<Verdict> {
  return new Promise((resolve) => {
    let verdict = noConnection(check);
    let closing: NodeJS.Timeout | undefined;
    let hasSpoken = false;
    const budget = new Budget();
    const onRead: OnReadOpts['callback'] = (count) => {
      budget.receive(buffer.subarray(0, count));
      if (budget.exceeded !== undefined) socket.destroy();
      if (!hasSpoken && verdict === connected && isMysqlHello(buffer.subarray(0, count)))
        verdict = greetedByMysql;
      hasSpoken = true;
      return true;
    };
    const socket = connect({ host: check.ip, port: check.port, onread: { buffer, callback: onRead } });
    // Runs after the event loop has read its sockets: the kernel may have connected while this process was
    // busy. Then the target is up, not late. To destroy such a socket with an unread greeting would be a
    // reset.
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
      // A connected probe has its answer, however the server closes.
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
