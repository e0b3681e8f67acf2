import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import type { Handler } from '../../src/core/check.ts';
import { createProbes } from '../../src/probe/probes.ts';
import { endlessPacket, hostileAnswers, securely } from '../support/hostile/answers.ts';
import type { Serve } from '../support/hostile/answers.ts';
import { beginTls } from '../support/hostile/begin-tls.ts';
import { flood } from '../support/hostile/floods.ts';
import { createAuthority } from './support/certificates.ts';
import { forever, tcpCheck } from './support/checks.ts';
import { foreignHandlers } from './support/foreign-handlers.ts';
import { listen } from './support/listener.ts';
import type { Listener } from './support/listener.ts';
import { greeting, ok, packet } from './support/mysql-bytes.ts';

const authority = createAuthority();
const certificate = authority.issueRsa();
const probes = createProbes();
const listeners: Listener[] = [];

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
});
afterAll(() => {
  authority.remove();
  probes.close();
});

/** What the kernels of both sides may hold of a connection that nobody reads. */
const mostInKernels = 16 * 1024 * 1024;

/** Probes the server once. Returns the verdict once the connections are closed, and the most that one of them took. */
async function probe(handler: Handler, serve: Serve, connections = 1) {
  const sockets: Socket[] = [];
  const listener = await listen({
    onConnection: (socket) => {
      socket.setNoDelay(true);
      sockets.push(socket);
      serve(socket);
    },
  });
  listeners.push(listener);
  const verdict = await probes.probe(tcpCheck(listener.port, { handler, timeoutMs: 5_000 }), forever);
  await listener.closed(connections);
  return { verdict, taken: Math.max(...sockets.map((socket) => socket.bytesWritten)) };
}

const tls = { insecureSkipVerify: true };
const saturatedIs = 'inconclusive' as const;
const credentials = { username: 'prober', password: 'secret', allowClearText: true };
const get: Handler = { kind: 'httpGet', request: { path: '/', scheme: 'HTTP', insecureSkipVerify: false } };
const grpc: Handler = { kind: 'grpc', service: '' };
const postgres = { kind: 'postgres', sslMode: 'disable', saturatedIs } as const;
const mysql = { kind: 'mysql', saturatedIs } as const;

type Row = readonly [title: string, handler: Handler, serve: Serve, message: string];

const rows: readonly Row[] = [
  ['httpGet: interim answers', get, hostileAnswers.interimAnswers, 'more than 10 interim answers'],
  ['httpGet: a header that drips', get, hostileAnswers.drippingHeader, 'in more than 200 pieces'],
  ['postgres: messages of no content', postgres, hostileAnswers.emptyMessages, 'more than 64 messages'],
  ['postgres: a notice that drips', postgres, hostileAnswers.drippingNotice, 'in more than 200 pieces'],
  [
    'postgres with credentials: messages of no content',
    { ...postgres, credentials },
    hostileAnswers.emptyMessages,
    'more than 128 messages',
  ],
  [
    'mysql with credentials: a packet of 16 MB',
    { ...mysql, credentials },
    hostileAnswers.hugePacket,
    'a packet of more than 64 KiB',
  ],
  [
    'mysql with credentials: a packet of 16 MB over TLS',
    { ...mysql, credentials, tls },
    securely('mysql', certificate, endlessPacket),
    'a packet of more than 64 KiB',
  ],
  [
    'mysql with credentials: empty packets',
    { ...mysql, credentials },
    (socket) => {
      socket.write(greeting());
      socket.once('data', () => {
        socket.write(ok(2));
        socket.once('data', () => {
          socket.write(packet(1, [200]));
          flood(socket, packet(2));
        });
      });
    },
    'more than',
  ],
  ['grpc: WINDOW_UPDATE', grpc, hostileAnswers.windowUpdates, ''],
  ['grpc: ALTSVC', grpc, hostileAnswers.alternatives, ''],
  ['grpc: PING', grpc, hostileAnswers.pings, ''],
  ['grpc: unknown frames', grpc, hostileAnswers.unknownFrames, ''],
  ['grpc: interim answers', grpc, hostileAnswers.interimHeaders, ''],
  ['grpc: empty data', grpc, hostileAnswers.emptyData, ''],
];

describe('A hostile server costs the probe no more than its budget and is left', () => {
  it.each(rows)('%s', async (_, handler, serve, message) => {
    const { verdict, taken } = await probe(handler, serve);
    expect(verdict).toMatchObject({
      kind: 'down',
      reason: expect.stringMatching(/^(WrongProtocol|ClosedEarly|NotServing)$/),
    });
    expect(verdict.message).toContain(message);
    expect(taken).toBeLessThan(mostInKernels);
  });

  it('whose certificates are larger than a handshake may be is TlsFailed', async () => {
    const chain = { ...certificate, cert: Array.from({ length: 60 }, () => certificate.cert).join('\n') };
    const { verdict } = await probe({ kind: 'tls', tls }, (socket) => {
      beginTls(socket, 'none', chain);
    });
    expect(verdict).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
    expect(verdict.message).toContain('too many or too large certificates');
  });
});

const all = Object.entries(foreignHandlers).flatMap(([kind, handlers]) =>
  handlers.map((handler, index) => [`${kind} ${String(index + 1)}`, handler] as const),
);

describe('A server that sends letters without end is left', () => {
  it.each([
    ...all,
    ['mysql', mysql] as const,
    ['mysql with credentials', { ...mysql, credentials }] as const,
  ])('by %s', async (_, handler) => {
    const { verdict, taken } = await probe(handler, hostileAnswers.letters);
    expect(verdict.kind).toBe('down');
    expect(verdict.reason).not.toBe('Timeout');
    expect(taken).toBeLessThan(mostInKernels);
  });
});
