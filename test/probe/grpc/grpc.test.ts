import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createSecureServer, createServer } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import type { GrpcHandler } from '../../../src/core/probing/check.ts';
import { encodeCheck, verdictOfAnswer } from '../../../src/probe/grpc/grpc-health.ts';
import { createGrpc } from '../../../src/probe/grpc/grpc.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { portOf, refusingPort } from '../support/listener.ts';
import type { ListenerOptions } from '../support/listener.ts';
import { sniff } from '../support/sniffer.ts';
import { useAuthority, useListeners, useServers } from '../support/resources.ts';
import { responded } from '../../support/builders/verdicts.ts';

const probe = createGrpc();
const authority = useAuthority();
const stranger = useAuthority();
const listen = useListeners();
const start = useServers();

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Answering = (stream: ServerHttp2Stream, call: Call) => void;

async function serve(answer: Answering, certificate?: Certificate): Promise<{ port: number; calls: Call[] }> {
  const calls: Call[] = [];
  const server = certificate === undefined ? createServer() : createSecureServer(certificate);
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const call = { headers, body: Buffer.concat(chunks) };
      calls.push(call);
      answer(stream, call);
    });
  });
  await start(server);
  return { port: portOf(server), calls };
}

const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' };
const frame = (...bytes: readonly number[]) => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);

/** A health server as grpc-go's: the states it knows by service. */
function health(states: Readonly<Record<string, number>>): Answering {
  return (stream, { body }) => {
    const status = states[body.subarray(7).toString()];
    if (status === undefined) stream.respond({ ...grpcHeaders, 'grpc-status': '5' }, { endStream: true });
    else reply(frame(0x08, status))(stream);
  };
}

function reply(body: Buffer, grpcStatus = '0'): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond(grpcHeaders, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
    stream.end(body);
  };
}

function ask(
  port: number,
  handler: Partial<GrpcHandler> = {},
  more: { host?: string; timeoutMs?: number } = {},
) {
  return probe(tcpCheck(port, { handler: { kind: 'grpc', service: '', ...handler }, ...more }), forever);
}

describe('grpc', () => {
  it('is up where the health service says SERVING', async () => {
    const { port, calls } = await serve(health({ '': 1 }));
    expect(await ask(port, {}, { host: 'db.example' })).toEqual(responded);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.headers).toMatchObject({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      ':authority': `db.example:${String(port)}`,
      ':scheme': 'http',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '1000m',
    });
    expect(calls[0]?.body).toEqual(frame());
  });

  it('asks for the service that is named', async () => {
    const { port } = await serve(health({ '': 1, orders: 2, bills: 1 }));
    expect(await ask(port, { service: 'bills' })).toEqual(responded);
    expect(await ask(port, { service: 'orders' })).toEqual({
      kind: 'down',
      reason: 'NotServing',
      message: 'health status NOT_SERVING',
    });
    expect(await ask(port, { service: 'unheard.Of' })).toEqual({
      kind: 'down',
      reason: 'NotServing',
      message: 'gRPC status 5 NOT_FOUND',
    });
  });

  it('is down where there is no health service', async () => {
    const { port } = await serve((stream) =>
      stream.respond({ ...grpcHeaders, 'grpc-status': '12' }, { endStream: true }),
    );
    expect(await ask(port)).toMatchObject({ kind: 'down', message: 'gRPC status 12 UNIMPLEMENTED' });
  });

  it('never repeats what the server says', async () => {
    const { port } = await serve((stream) =>
      stream.respond({ ...grpcHeaders, 'grpc-status': '2', 'grpc-message': 'secret' }, { endStream: true }),
    );
    expect(JSON.stringify(await ask(port))).not.toContain('secret');
  });
});

const tls = { ca: authority.ca, serverName: 'db.example' };

describe('grpc over TLS', () => {
  it.each([
    ['a good certificate', () => authority.issue('DNS:db.example'), responded],
    ['an expired one', () => authority.issue('DNS:db.example', '2021'), { reason: 'CertificateExpired' }],
    ['one for another name', () => authority.issue('DNS:other.example'), { reason: 'TlsFailed' }],
    ['one of an unknown authority', () => stranger.issue('DNS:db.example'), { reason: 'TlsFailed' }],
  ])('%s', async (_, certificate, verdict) => {
    const { port, calls } = await serve(health({ '': 1 }), certificate());
    expect(await ask(port, { tls })).toMatchObject(verdict);
    expect(calls.map(({ headers }) => headers[':scheme'])).toEqual(verdict === responded ? ['https'] : []);
  });

  it('takes any name of the authority with verify ca', async () => {
    const { port } = await serve(health({ '': 1 }), authority.issue('DNS:other.example'));
    expect(await ask(port, { tls: { ...tls, verify: 'ca' } })).toMatchObject(responded);
  });

  it('checks a name that is none of DNS, and names the host as the authority of the call', async () => {
    const { port, calls } = await serve(
      health({ '': 1 }),
      authority.issue('', undefined, 'project:instance'),
    );
    expect(await ask(port, { tls: { ca: authority.ca, serverName: 'project:instance' } })).toMatchObject(
      responded,
    );
    expect(calls[0]?.headers[':authority']).toBe(`127.0.0.1:${port}`);
  });

  it('is down where the server speaks no HTTP/2', async () => {
    const server = createTlsServer(authority.issue('DNS:db.example'), (socket) => {
      socket.on('error', () => undefined);
      socket.resume();
    });
    await start(server);
    expect(await ask(portOf(server), { tls })).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
  });
});

const peers: readonly (readonly [string, ListenerOptions, string])[] = [
  ['greets in plain text', { onConnection: (socket) => socket.write('220 mail\r\n') }, 'WrongProtocol'],
  [
    'says 100 MB',
    { onConnection: (socket) => socket.on('data', () => socket.write(Buffer.alloc(100_000_000, 1))) },
    'WrongProtocol',
  ],
  ['never answers', {}, 'Timeout'],
  ['closes at once', { onConnection: (socket) => socket.end() }, 'ClosedEarly'],
  ['resets', { onConnection: (socket) => socket.on('data', () => socket.resetAndDestroy()) }, 'Reset'],
];

describe('grpc is down where a peer', () => {
  it.each(peers)('%s', async (_, options, reason) => {
    const listener = await listen(options);
    expect(await ask(listener.port, {}, { timeoutMs: 500 })).toMatchObject({ kind: 'down', reason });
  });

  it('refuses', async () => {
    expect(await ask(await refusingPort())).toMatchObject({ kind: 'down', reason: 'Refused' });
  });

  it('speaks HTTP/1.1', async () => {
    const server = createHttpServer((_, response) => response.end());
    await start(server);
    expect(await ask(portOf(server))).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
  });

  it('sends a body without end', async () => {
    const { port } = await serve((stream) => {
      stream.respond(grpcHeaders);
      stream.write(Buffer.alloc(100_000));
    });
    expect(await ask(port)).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
  });

  it('refuses the call', async () => {
    const { port } = await serve((stream) => stream.close(7));
    expect(await ask(port)).toMatchObject({ kind: 'down', reason: 'NotServing' });
  });

  it('begins to answer and stops', async () => {
    const { port } = await serve((stream) => stream.respond(grpcHeaders));
    expect(await ask(port, {}, { timeoutMs: 300 })).toMatchObject({ kind: 'down', reason: 'Timeout' });
  });
});

describe('grpc leaves', () => {
  it('at once when cancelled', async () => {
    const { port } = await serve(() => undefined);
    const controller = new AbortController();
    const running = probe(tcpCheck(port, { handler: { kind: 'grpc', service: '' } }), controller.signal);
    controller.abort();
    expect(await running).toMatchObject({ kind: 'inconclusive', reason: 'Cancelled' });
  });

  it('never with a reset', async () => {
    const sniffer = sniff();
    const { port } = await serve(health({ '': 1 }));
    expect(await Promise.all(Array.from({ length: 5 }, () => ask(port)))).toEqual(
      Array.from({ length: 5 }, () => responded),
    );
    await sniffer?.drained(port);
    expect(sniffer?.resets(port) ?? 0).toBe(0);
    sniffer?.stop();
  });
});

const answer = { httpStatus: 200, contentType: 'application/grpc', grpcStatus: 0, body: frame(0x08, 1) };

describe('the answer to a health check', () => {
  it.each([
    [answer, { kind: 'up' }],
    [{ ...answer, contentType: 'application/grpc+proto' }, { kind: 'up' }],
    [
      { ...answer, body: frame() },
      { reason: 'NotServing', message: 'health status UNKNOWN' },
    ],
    [{ ...answer, body: frame(0x12, 2, 9, 9, 0x08, 1) }, { kind: 'up' }],
    [{ ...answer, body: frame(0x08, 2, 0x08, 1) }, { kind: 'up' }],
    [{ ...answer, body: frame(0x08) }, { reason: 'WrongProtocol' }],
    [{ ...answer, body: frame(0x12, 200) }, { reason: 'WrongProtocol' }],
    [{ ...answer, body: Buffer.from([1, 0, 0, 0, 0]) }, { reason: 'WrongProtocol' }],
    [{ ...answer, body: Buffer.alloc(0) }, { reason: 'WrongProtocol' }],
    [{ ...answer, grpcStatus: undefined }, { reason: 'WrongProtocol' }],
    [{ ...answer, contentType: 'text/html' }, { reason: 'WrongProtocol' }],
    [
      { ...answer, httpStatus: 503 },
      { reason: 'UnexpectedStatus', message: 'HTTP 503' },
    ],
    [{ ...answer, grpcStatus: 16 }, { reason: 'AuthRequired' }],
    [{ ...answer, grpcStatus: 99 }, { reason: 'NotServing' }],
  ])('%j', (given, verdict) => {
    expect(verdictOfAnswer(given)).toMatchObject(verdict);
  });

  it('never throws, whatever the body', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const body = Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);
        expect(['up', 'down']).toContain(verdictOfAnswer({ ...answer, body }).kind);
        expect(['up', 'down']).toContain(verdictOfAnswer({ ...answer, body: Buffer.from(bytes) }).kind);
      }),
      { numRuns: 2_000 },
    );
  });

  it('asks for names of any length', () => {
    expect(encodeCheck('a').toString('hex')).toBe('00000000030a0161');
    expect(encodeCheck('a'.repeat(300)).subarray(0, 8).toString('hex')).toBe('000000012f0aac02');
  });
});
