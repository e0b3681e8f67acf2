import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Handler } from '../../src/core/check.ts';
import { createProbes } from '../../src/probe/probes.ts';
import { beginTls } from '../support/hostile/begin-tls.ts';
import { backendMessage, drip, flood, frame, status } from '../support/hostile/floods.ts';
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
async function probe(handler: Handler, serve: (socket: Socket) => void, connections = 1) {
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

/** Serves what follows the first bytes of the client. */
const answering = (answer: (stream: Duplex) => void) => (socket: Socket) =>
  void socket.once('data', () => answer(socket));
/** The same over TLS. */
const securely =
  (prelude: Parameters<typeof beginTls>[1], answer: (stream: Duplex) => void) => (socket: Socket) =>
    beginTls(socket, prelude, certificate, (secured) => void secured.once('data', () => answer(secured)));
const http2 = (answer: (stream: Duplex) => void) =>
  answering((stream) => {
    stream.write(Buffer.concat([frame(4, 0, 0), frame(4, 1, 0)]));
    answer(stream);
  });
const welcome = backendMessage('R', Buffer.alloc(4));
const parameter = backendMessage('S', Buffer.of(0, 0));
const notice = Buffer.concat([Buffer.from('N'), Buffer.of(0, 0, 0x71, 0x48)]);
/** The beginning of a packet of 16 MB. */
const endless = Buffer.of(0xff, 0xff, 0xff, 2);

type Row = readonly [title: string, handler: Handler, serve: (socket: Socket) => void, message: string];

const rows: readonly Row[] = [
  [
    'httpGet: interim answers',
    get,
    answering((stream) => flood(stream, Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n'))),
    'more than 10 interim answers',
  ],
  [
    'httpGet: a header that drips',
    get,
    answering((stream) => {
      stream.write('HTTP/1.1 200 OK\r\na: ');
      drip(stream, 0x61);
    }),
    'in more than 200 pieces',
  ],
  [
    'postgres: messages of no content',
    postgres,
    answering((stream) => {
      stream.write(welcome);
      flood(stream, parameter);
    }),
    'more than 64 messages',
  ],
  [
    'postgres: a notice that drips',
    postgres,
    answering((stream) => {
      stream.write(Buffer.concat([welcome, ...Array.from({ length: 40 }, () => parameter), notice]));
      drip(stream, 0x61);
    }),
    'in more than 200 pieces',
  ],
  [
    'postgres with credentials: messages of no content',
    { ...postgres, credentials },
    answering((stream) => {
      stream.write(welcome);
      flood(stream, parameter);
    }),
    'more than 128 messages',
  ],
  [
    'mysql with credentials: a packet of 16 MB',
    { ...mysql, credentials },
    (socket) => {
      socket.write(greeting());
      socket.once('data', () => {
        socket.write(endless);
        flood(socket, Buffer.alloc(65_536, 0x61));
      });
    },
    'a packet of more than 64 KiB',
  ],
  [
    'mysql with credentials: a packet of 16 MB over TLS',
    { ...mysql, credentials, tls },
    securely('mysql', (stream) => {
      stream.write(endless);
      flood(stream, Buffer.alloc(65_536, 0x61));
    }),
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
  ['grpc: WINDOW_UPDATE', grpc, http2((stream) => flood(stream, frame(8, 0, 0, Buffer.of(0, 0, 0, 1)))), ''],
  [
    'grpc: ALTSVC',
    grpc,
    http2((stream) => flood(stream, frame(10, 0, 0, Buffer.from('\0\x01ah2=":1"')))),
    '',
  ],
  ['grpc: PING', grpc, http2((stream) => flood(stream, frame(6, 0, 0, Buffer.alloc(8)))), ''],
  ['grpc: unknown frames', grpc, http2((stream) => flood(stream, frame(0xbe, 0, 0, Buffer.alloc(16)))), ''],
  ['grpc: interim answers', grpc, http2((stream) => flood(stream, frame(1, 4, 1, status('103')))), ''],
  [
    'grpc: empty data',
    grpc,
    http2((stream) => {
      stream.write(frame(1, 4, 1, status('200')));
      flood(stream, frame(0, 0, 1));
    }),
    '',
  ],
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
    const { verdict, taken } = await probe(handler, (socket) => flood(socket, Buffer.alloc(65_536, 0x61)));
    expect(verdict.kind).toBe('down');
    expect(verdict.reason).not.toBe('Timeout');
    expect(taken).toBeLessThan(mostInKernels);
  });
});
