import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { pingByDatagram } from '../../../src/probe/icmp/icmp-datagram.ts';
import { forever, icmpCheck } from '../support/checks.ts';
import { responded } from '../../support/builders/verdicts.ts';

/** A socket that sends nothing: replies are handed in by the test. */
class StillSocket extends EventEmitter {
  request: Buffer = Buffer.alloc(0);
  isOpen = true;

  connect(): void {
    this.emit('connect');
  }

  send(request: Buffer): void {
    this.request = request;
  }

  close(): void {
    this.isOpen = false;
  }
}

function ping(ip = '10.0.0.1', { timeoutMs = 1_000, signal = forever } = {}) {
  const socket = new StillSocket();
  const running = pingByDatagram(socket as unknown as Socket, icmpCheck(ip, { timeoutMs }), signal);
  return { socket, running, receive: (data: Buffer) => socket.emit('message', data) };
}

/** The reply to a request, as the kernel hands it over, with these bytes in place of some. */
function replyTo(request: Buffer, changes: Readonly<Record<number, number>> = {}, type = 0): Buffer {
  const reply = Buffer.from(request);
  reply[0] = type;
  reply.writeUInt16BE(4711, 4);
  for (const [at, byte] of Object.entries(changes)) reply[Number(at)] = byte;
  return reply;
}

async function isPending(running: Promise<Verdict>): Promise<boolean> {
  const settled = new Promise((resolve) => setImmediate(resolve, 'pending'));
  return (await Promise.race([running, settled])) === 'pending';
}

const failure = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });

describe('a ping through a datagram socket', () => {
  it.each([
    ['10.0.0.1', 8, 0],
    ['2001:db8::1', 128, 129],
  ])('of %s asks by type %i and is up with a reply of type %i', async (ip, asks, replies) => {
    const { socket, running, receive } = ping(ip);
    expect(socket.request[0]).toBe(asks);
    receive(replyTo(socket.request, {}, replies));
    expect(await running).toEqual(responded);
    expect(socket.isOpen).toBe(false);
  });

  it('is not answered by another sequence number, other data, another length, type or code', async () => {
    const { socket, running, receive } = ping();
    const { request } = socket;
    const other = (at: number) => (request[at] ?? 0) ^ 1;
    const noise = [
      replyTo(request, { 7: other(7) }),
      replyTo(request, { 23: other(23) }),
      replyTo(request).subarray(0, -1),
      Buffer.concat([replyTo(request), Buffer.of(0)]),
      replyTo(request, {}, 129),
      replyTo(request, { 1: 1 }),
      Buffer.alloc(0),
    ];
    for (const each of noise) receive(each);
    expect(await isPending(running)).toBe(true);
    receive(replyTo(request));
    expect(await running).toEqual(responded);
  });

  it('has other data each time', () => {
    const requests = Array.from({ length: 20 }, () => ping('10.0.0.1', { timeoutMs: 1 }).socket.request);
    expect(new Set(requests.map((request) => request.toString('hex'))).size).toBe(20);
  });

  it('ends at the 64th packet that is no reply', async () => {
    const { socket, running, receive } = ping();
    for (let count = 1; count < 64; count += 1) receive(Buffer.alloc(24));
    expect(await isPending(running)).toBe(true);
    receive(Buffer.alloc(24));
    expect(await running).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
    expect(socket.isOpen).toBe(false);
  });

  it('is down at its timeout, and leaves no socket open', async () => {
    const { socket, running } = ping('10.0.0.1', { timeoutMs: 30 });
    expect(await running).toEqual({
      kind: 'down',
      reason: 'Timeout',
      message: 'no echo reply within 0.03 s',
      isUnreached: true,
    });
    expect(socket.isOpen).toBe(false);
  });

  it('ends at once when cancelled, and leaves no socket open', async () => {
    const controller = new AbortController();
    const { socket, running } = ping('10.0.0.1', { timeoutMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ kind: 'inconclusive', reason: 'Cancelled' });
    expect(socket.isOpen).toBe(false);
  });

  it.each([
    ['a router that prohibits it', failure('EHOSTUNREACH', 'recvmsg'), 'down', 'Unreachable'],
    ['an IPv6 router that prohibits it', failure('EACCES', 'recvmsg'), 'down', 'Unreachable'],
    ['a host without ICMP', failure('EPROTO', 'recvmsg'), 'down', 'Unreachable'],
    ['no memory', failure('ENOBUFS', 'recvmsg'), 'inconclusive', 'ProberFault'],
    ['no route', failure('ENETUNREACH', 'connect'), 'down', 'Unreachable'],
    ['a local rule', failure('EPERM', 'send'), 'inconclusive', 'ProberFault'],
    ['a prohibited route', failure('EACCES', 'connect'), 'inconclusive', 'ProberFault'],
  ])('ends by %s', async (_, error, kind, reason) => {
    const { socket, running } = ping();
    socket.emit('error', error);
    expect(await running).toMatchObject({ kind, reason });
    expect(socket.isOpen).toBe(false);
  });
});
