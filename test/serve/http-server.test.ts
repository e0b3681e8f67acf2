import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { HttpServer } from '../../src/serve/http-server.ts';
import type { HttpServerOptions, Routes } from '../../src/serve/http-server.ts';
import { CachedExposition } from '../../src/serve/cached-exposition.ts';
import { healthRoutes, metricsRoutes } from '../../src/serve/routes.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';

const servers: HttpServer[] = [];

async function serve(routes: Routes, options: HttpServerOptions = {}): Promise<number> {
  const server = new HttpServer(routes, options);
  servers.push(server);
  return server.listen({ host: '127.0.0.1', port: 0 });
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

interface Seen {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function ask(
  port: number,
  path: string,
  options: { method?: string; agent?: Agent } = {},
): Promise<Seen> {
  const asked = request({ host: '127.0.0.1', port, path, ...options });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, headers: response.headers, body };
}

const exposition = { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('up 1\n') };

describe('the HTTP server', () => {
  it('answers /livez with 200 although lists are missing', async () => {
    const port = await serve(healthRoutes(() => ['services']));
    expect(await ask(port, '/livez')).toMatchObject({ status: 200, body: 'ok\n' });
  });

  it('answers /readyz with 503 and the names of what is missing, and with 200 when nothing is', async () => {
    const missing = ['services', 'endpointslices'];
    const port = await serve(healthRoutes(() => missing));
    const before = await ask(port, '/readyz');
    missing.length = 0;
    const after = await ask(port, '/readyz?verbose');
    expect([before.status, before.body]).toEqual([503, 'waiting for services, endpointslices\n']);
    expect(after.status).toBe(200);
  });

  it('serves /metrics with the content type and the text of the exposition', async () => {
    const port = await serve(metricsRoutes(new CachedExposition(exposition, new ManualClock())));
    const { status, headers, body } = await ask(port, '/metrics');
    expect([status, headers['content-type'], body]).toEqual([200, exposition.contentType, 'up 1\n']);
  });

  it.each([
    ['an unknown path', '/', 'GET', 404],
    ['a name of Object', '/constructor', 'GET', 404],
    ['another method', '/livez', 'POST', 405],
    ['HEAD', '/livez', 'HEAD', 200],
  ])('answers %s', async (_, path, method, status) => {
    const port = await serve(healthRoutes(() => []));
    expect((await ask(port, path, { method })).status).toBe(status);
  });

  it('answers 500 without details when a route fails', async () => {
    const port = await serve({ '/x': () => Promise.reject(new Error('password hunter2')) });
    expect(await ask(port, '/x')).toMatchObject({ status: 500, body: 'failed\n' });
  });

  it('closes at once although a peer keeps its connection alive', async () => {
    const server = new HttpServer(healthRoutes(() => []));
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    const agent = new Agent({ keepAlive: true });
    await ask(port, '/livez', { agent });
    await server.close(600_000);
    agent.destroy();
    await expect(ask(port, '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('closes the connection of a client that never finishes its request, after the grace period', async () => {
    const server = new HttpServer(healthRoutes(() => []));
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /livez HTTP/1.1\r\nHost:');
    // Not `once`, which would take a cut that arrives as a reset for a failure.
    const ended = new Promise((resolve) => socket.on('close', resolve));
    await server.close(1);
    await ended;
    expect(socket.destroyed).toBe(true);
  });

  it('answers a new connection however many others are kept alive, and closes the idlest of them', async () => {
    const port = await serve(
      healthRoutes(() => []),
      { maxConnections: 3 },
    );
    const oldest = new Agent({ keepAlive: true });
    const agents = [oldest, new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
    for (const agent of agents) await ask(port, '/livez', { agent });
    const [first, second, third] = agents.map((agent) => Object.values(agent.freeSockets)[0]?.[0]);
    await ask(port, '/livez', { agent: oldest });
    const closed = new Promise((resolve) => second?.on('close', resolve));
    const { status } = await ask(port, '/livez', { agent: new Agent() });
    await closed;
    expect(status).toBe(200);
    expect([first?.destroyed, third?.destroyed]).toEqual([false, false]);
    for (const agent of agents) agent.destroy();
  });

  it('closes connections of the address that has the most of them, not those of others', async () => {
    const port = await serve(
      healthRoutes(() => []),
      { maxConnections: 3 },
    );
    const from = (localAddress: string) => new Agent({ keepAlive: true, localAddress });
    const quiet = from('127.0.0.2');
    const greedy = [1, 2, 3, 4].map(() => from('127.0.0.3'));
    await ask(port, '/livez', { agent: quiet });
    for (const agent of greedy) await ask(port, '/livez', { agent });
    const [kept] = Object.values(quiet.freeSockets)[0] ?? [];
    await ask(port, '/livez', { agent: quiet });
    expect(Object.values(quiet.freeSockets)[0]?.[0]).toBe(kept);
    for (const agent of [quiet, ...greedy]) agent.destroy();
  });

  it('answers a client that comes while another holds all connections and asks on them again and again', async () => {
    const port = await serve(
      healthRoutes(() => []),
      { maxConnections: 16, keepAlive: false },
    );
    const closed: number[] = [];
    const held = Array.from({ length: 64 }, (_, i) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.66' });
      socket.on('error', () => undefined).on('close', () => closed.push(i));
      return socket;
    });
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
    for (const socket of held) if (socket.writable) socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n');
    expect(await ask(port, '/livez')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(held.length - closed.length).toBeLessThanOrEqual(16);
    for (const socket of held) socket.destroy();
  });

  it('ends the connection with a refusal, and keeps that of a client that is let in', async () => {
    const metrics = new CachedExposition(exposition, new ManualClock());
    const isLetIn = { value: false };
    const admission = () => Promise.resolve(isLetIn.value ? undefined : { status: 401, body: 'no\n' });
    const port = await serve(metricsRoutes(metrics, admission));
    const agent = new Agent({ keepAlive: true });
    expect((await ask(port, '/metrics', { agent })).headers.connection).toBe('close');
    expect((await ask(port, '//metrics', { agent })).headers.connection).toBe('close');
    isLetIn.value = true;
    expect((await ask(port, '/metrics', { agent })).headers.connection).toBe('keep-alive');
    agent.destroy();
  });

  it('answers one refusal of many requests that come at once on a connection', async () => {
    const port = await serve(metricsRoutes(new CachedExposition(exposition, new ManualClock())));
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answers = '';
    socket.on('data', (chunk) => (answers += String(chunk)));
    socket.write('GET /other HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answers.match(/HTTP\/1\.1 404/g)).toHaveLength(1);
  });

  it('ends a connection of the kubelet with its answer', async () => {
    const port = await serve(
      healthRoutes(() => []),
      { keepAlive: false },
    );
    const agent = new Agent({ keepAlive: true });
    expect((await ask(port, '/livez', { agent })).headers.connection).toBe('close');
    expect(Object.keys(agent.freeSockets)).toEqual([]);
    agent.destroy();
  });

  it.each(['content-length: 1000000000', 'transfer-encoding: chunked'])(
    'refuses a request with a body and reads none of it (%s)',
    async (header) => {
      const port = await serve(healthRoutes(() => []));
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      let answer = '';
      socket.on('data', (bytes) => (answer += String(bytes)));
      const ended = new Promise((resolve) => socket.on('close', resolve));
      socket.write(`GET /livez HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
      await ended;
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    },
  );

  it('rejects when the address is in use', async () => {
    const port = await serve({});
    await expect(new HttpServer({}).listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
