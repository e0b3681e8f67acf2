import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { ApiRequest, KubeClient } from '../../../src/kube/client/client.ts';
import { priorities } from '../../../src/kube/client/priority-limiter.ts';
import type { Verb } from '../../../src/kube/client/verb.ts';
import { clientOf, failureOf, kubeConfig } from '../support/connect.ts';
import { httpApi } from '../support/http-api.ts';
import { until } from '../../support/eventually.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const answer =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
const reset: Answer = (request) => request.socket.resetAndDestroy();
const hang: Answer = () => undefined;

describe('KubeClient', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A server that gives these answers in turn, the last one for ever; and a client of it. */
  async function exchange(answers: readonly Answer[], tokens: readonly string[] = ['one']) {
    const heard: { method: string; url: string; token: string; type: string; body: string }[] = [];
    const api = await httpApi((request, response) => {
      void text(request).then((body) => {
        const { method = '', url = '', headers } = request;
        const token = headers.authorization ?? '';
        heard.push({ method, url, token, type: headers['content-type'] ?? '', body });
        answers[Math.min(heard.length, answers.length) - 1]?.(request, response);
      });
    });
    let loads = 0;
    const requests: string[] = [];
    const load = () =>
      kubeConfig({ server: `${api.url}/base/`, token: tokens[Math.min(loads++, tokens.length - 1)] ?? '' });
    const client: KubeClient = clientOf(load, {
      apiRequested: ({ verb, resource, code }) => requests.push(`${verb} ${resource} ${code}`),
    });
    cleanups.push(
      () => api.close(),
      () => client.close(),
    );
    return { client, heard, requests };
  }

  /** Accepts connections, and never answers a handshake. */
  async function muteServer() {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const client = clientOf(() => kubeConfig({ server: `https://127.0.0.1:${port}` }));
    cleanups.push(async () => {
      await client.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { server, client };
  }

  const ask = (verb: Verb, more: Partial<ApiRequest> = {}): ApiRequest => ({
    verb,
    resource: 'things',
    path: '/api/things',
    ...more,
  });

  it('sends a request below the path of the server, and parses the answer', async () => {
    const { client, heard, requests } = await exchange([answer(200, { a: 1 })]);
    const query = { labelSelector: 'a!=b', limit: 5, nothing: undefined };
    const body = { b: 2 };
    expect(
      await client.request(ask('apply', { query, body, contentType: 'application/apply-patch+yaml' })),
    ).toEqual({
      a: 1,
    });
    expect(heard).toEqual([
      {
        method: 'PATCH',
        url: '/base/api/things?labelSelector=a!%3Db&limit=5',
        token: 'Bearer one',
        type: 'application/apply-patch+yaml',
        body: '{"b":2}',
      },
    ]);
    expect(requests).toEqual(['apply things 200']);
  });

  it.each(['get', 'update', 'patch', 'delete'] as const)('repeats %s after a reset', async (verb) => {
    const { client, requests } = await exchange([reset, reset, answer(200, 'null')]);
    expect(await client.request(ask(verb))).toBeNull();
    expect(requests).toEqual([
      `${verb} things ConnectionLost`,
      `${verb} things ConnectionLost`,
      `${verb} things 200`,
    ]);
  });

  it('does not repeat a create that may have been executed', async () => {
    const { client, heard } = await exchange([reset, answer(201)]);
    expect(await failureOf(client.request(ask('create')))).toMatchObject({
      kind: 'transient',
      reason: 'ConnectionLost',
    });
    expect(heard).toHaveLength(1);
  });

  it('repeats a create that the server was too busy for, after its Retry-After', async () => {
    const { client, heard } = await exchange([answer(429, {}, { 'retry-after': '1' }), answer(201)]);
    const startedAt = performance.now();
    await client.request(ask('create'));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(995);
    expect(heard).toHaveLength(2);
  });

  it('gives up after its attempts, with the last error of the server', async () => {
    const { client, heard } = await exchange([answer(503, { message: 'no storage' })]);
    const failure = await failureOf(client.request(ask('get', { attempts: 2 })));
    expect(failure).toMatchObject({ kind: 'transient', status: 503 });
    expect(failure.message).toMatch(/no storage/);
    expect(heard).toHaveLength(2);
  });

  it('does not wait longer than its deadline, and opens a new connection', async () => {
    const { client, requests } = await exchange([hang, answer(200)]);
    const failure = await failureOf(client.request(ask('get', { deadlineMs: 50 })));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'DeadlineExceeded' });
    await client.request(ask('get'));
    expect(requests).toEqual(['get things DeadlineExceeded', 'get things 200']);
  });

  it('does not wait longer than its deadline for a connection either', async () => {
    const { client } = await muteServer();
    const startedAt = performance.now();
    const failure = await failureOf(client.request(ask('get', { deadlineMs: 50 })));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'DeadlineExceeded' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('resets requests in flight, so that nothing of them arrives later', async () => {
    const ends: (string | undefined)[] = [];
    const { client, heard } = await exchange([
      (request) => request.socket.on('error', ({ code }: NodeJS.ErrnoException) => ends.push(code)),
    ]);
    const failure = failureOf(client.request(ask('create')));
    await until('the request has come', () => heard.length === 1);
    client.reset();
    expect(await failure).toMatchObject({ kind: 'transient', reason: 'ConnectionLost' });
    await until('the server got a reset', () => ends.includes('ECONNRESET'));
  });

  it('resets a connection whose handshake has no answer', async () => {
    const { server, client } = await muteServer();
    const connected = once(server, 'connection');
    const failure = failureOf(client.request(ask('create')));
    await connected;
    client.reset();
    expect(await failure).toMatchObject({ kind: 'transient', reason: 'ConnectionLost' });
  });

  it('treats an incomplete answer as a lost connection', async () => {
    const broken: Answer = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":', () => request.socket.destroy());
    };
    const { client } = await exchange([broken]);
    const failure = await failureOf(client.request(ask('get', { attempts: 1 })));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'ConnectionLost' });
  });

  it('reads its credentials again after a 401', async () => {
    const { client, heard } = await exchange([answer(401), answer(200)], ['old', 'new']);
    await client.request(ask('create'));
    expect(heard.map(({ token }) => token)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('calls the guard before every sending', async () => {
    const { client, heard } = await exchange([reset, answer(200)]);
    let left = 1;
    const guard = () => {
      if (left-- === 0)
        throw new OperatorError('no longer', { kind: 'waiting', reason: 'NotLeader', afterMs: 1 });
    };
    expect(await failureOf(client.request(ask('update', { guard })))).toMatchObject({ reason: 'NotLeader' });
    expect(heard).toHaveLength(1);
  });

  it('ends at once when it is cancelled', async () => {
    const { client } = await exchange([hang]);
    const cancel = new AbortController();
    const failure = failureOf(
      client.request(ask('get', { signal: cancel.signal, priority: priorities.slice })),
    );
    cancel.abort();
    expect(await failure).toMatchObject({ kind: 'transient', reason: 'Cancelled' });
    expect(client.load).toEqual({ inFlight: 0, queued: 0 });
  });

  it.each([
    ['status', priorities.status],
    ['slice', priorities.slice],
  ])('ends the wait for another attempt at once when there is a newer request: %s', async (_, priority) => {
    const { client, heard } = await exchange([answer(429, {}, { 'retry-after': '5' }), answer(200)]);
    const patience = new AbortController();
    const startedAt = performance.now();
    const failure = failureOf(client.request(ask('patch', { priority, preempt: patience.signal })));
    await until('it was throttled', () => heard.length === 1);
    patience.abort();
    expect(await failure).toMatchObject({ kind: 'waiting', reason: 'Superseded', afterMs: 0 });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect([heard.length, client.load]).toEqual([1, { inFlight: 0, queued: 0 }]);
  });

  it('reports that the server is unreachable', async () => {
    const client = clientOf(() => kubeConfig({ server: 'http://127.0.0.1:1' }));
    expect(await failureOf(client.request(ask('get', { attempts: 1 })))).toMatchObject({
      reason: 'Unreachable',
    });
  });

  it('reports why there are no credentials', async () => {
    const client = clientOf(() => {
      throw new Error('no such file');
    });
    const failure = await failureOf(client.request(ask('get')));
    expect(failure).toMatchObject({ kind: 'transient', reason: 'NoCredentials' });
    expect(failure.message).toMatch(/no such file/);
  });
});
