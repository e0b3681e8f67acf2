import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:dgram';
import type { Check } from '../../core/probing/check.ts';
import type { Family } from '../../core/kubernetes/objects.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { cancelled, classifyErrno, codeOf, responded, unreachable, verdict } from '../verdict/verdicts.ts';
import { canonical } from './icmp-packet.ts';
import { noReply, sendForbidden } from './icmp-verdicts.ts';

/** ICMP has no ports, but Node requires one. */
const anyPort = 1;

/**
 * Maximum number of packets that are not the reply. A server that sends more floods, or copies other packets.
 */
const maxPackets = 64;

const foreign = verdict('down', 'WrongProtocol', 'the echo replies do not match the request');

/**
 * Pings through a datagram socket (icmp-socket.ts), one for each run, connected to the address. The kernel
 * delivers only packets from that address for this socket, so a flood fills only its own buffer. The socket
 * is closed at the end.
 *
 * | received                                                         | verdict                         |
 * |------------------------------------------------------------------|---------------------------------|
 * | an echo reply with the sequence number and the payload           | up                              |
 * | 64 packets that are not such a reply                             | down WrongProtocol              |
 * | an ICMP error that the kernel counts as final (prohibited, host unknown, protocol unreachable) | down Unreachable |
 * | another ICMP error (network or host unreachable, time exceeded): the kernel does not report it to such a socket | down Timeout |
 * | no route                                                         | down Unreachable                |
 * | nothing                                                          | down Timeout                    |
 */
export function pingByDatagram(socket: Socket, check: Check, signal: AbortSignal): Promise<Verdict> {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const { timeoutMs } = check.timing;
  const request = echoRequest(check.family);
  let left = maxPackets;
  socket.on('message', (data) => {
    left -= 1;
    if (isReply(data, request, check.family)) resolve(responded);
    else if (left <= 0) resolve(foreign);
  });
  socket.on('error', (error) => resolve(verdictOf(error)));
  socket.on('connect', () => socket.send(request, (error) => error && resolve(verdictOf(error))));
  socket.connect(anyPort, canonical(check.ip, check.family));
  const abort = () => resolve(cancelled);
  signal.addEventListener('abort', abort);
  // Runs after one more read of what has arrived: see `createDeadline`.
  const watchdog = setTimeout(() => setImmediate(resolve, noReply(timeoutMs)), timeoutMs);
  return promise.finally(() => {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', abort);
    socket.close();
  });
}

/**
 * Returns an echo request. The kernel sets checksum and identifier. A reply with the random part requires the
 * request.
 */
function echoRequest(family: Family): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt8(family === 'IPv6' ? 128 : 8, 0);
  return Buffer.concat([header, randomBytes(18)]);
}

/** Returns true for a reply with the same sequence number and data (RFC 792, 4443). */
function isReply(data: Buffer, request: Buffer, family: Family): boolean {
  return (
    data.length === request.length &&
    data[0] === (family === 'IPv6' ? 129 : 0) &&
    data[1] === 0 &&
    data.subarray(6).equals(request.subarray(6))
  );
}

/**
 * Returns the verdict of an error of the socket. Errors of receiving are ICMP errors, except a lack of memory
 * here.
 */
function verdictOf(error: Error): Verdict {
  const code = codeOf(error);
  const isReceived = 'syscall' in error && error.syscall === 'recvmsg';
  if (isReceived && code !== 'ENOMEM' && code !== 'ENOBUFS') return unreachable;
  return code === 'EPERM' || code === 'EACCES' ? sendForbidden : classifyErrno(error);
}
