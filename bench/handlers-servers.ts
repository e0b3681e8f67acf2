/**
 * Servers for probes that need no database: plain TCP, HTTP, TLS, gRPC's health service. One process is enough, because one
 * server is probed at a time. Takes a certificate as JSON, and prints the ports as JSON.
 */
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTcp } from 'node:net';
import process from 'node:process';
import { createServer as createTls } from 'node:tls';

import type { Certificate } from '../test/probe/support/certificates.ts';

const certificate = JSON.parse(process.argv[2] ?? '{}') as Certificate;
const ignore = (): void => undefined;

const tcp = createTcp((socket) => void socket.on('error', ignore).resume());
const http = createHttp((_request, response) => void response.end('ok'));
const tls = createTls(certificate, (socket) => void socket.on('error', ignore).resume());
const grpc = createHttp2();
/** grpc.health.v1.HealthCheckResponse with status SERVING, in gRPC's frame. */
const serving = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]);
grpc.on('sessionError', ignore);
grpc.on('stream', (stream) => {
  stream.on('error', ignore).resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(serving);
});

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve));
  return (server.address() as AddressInfo).port;
}

const ports = {
  tcp: await portOf(tcp),
  http: await portOf(http),
  tls: await portOf(tls),
  grpc: await portOf(grpc),
};
process.stdout.write(`${JSON.stringify(ports)}\n`);
