import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createHttpGet } from '../../../src/probe/http/http.ts';
import { forever, httpCheck } from '../support/checks.ts';
import { refusingPort } from '../support/listener.ts';
import { sniff } from '../support/sniffer.ts';
import { useListeners, useServers } from '../support/resources.ts';
import { responded } from '../../support/builders/verdicts.ts';

const probe = createHttpGet({});
const start = useServers();
const listen = useListeners();

const serve = (answer: RequestListener, host?: string) => start(createServer(answer), host);

/** A server that says these bytes, whatever it is asked, and then ends the connection (or not). */
async function say(bytes: string, end = true): Promise<number> {
  const listener = await listen({
    onConnection: (socket) => {
      socket.once('data', () => (end ? socket.end(bytes) : socket.write(bytes)));
    },
  });
  return listener.port;
}

describe('httpGet', () => {
  it.each([200, 204, 299, 304, 399])('is up at status %i, as the kubelet', async (status) => {
    const port = await serve((_, response) => response.writeHead(status).end());
    expect(await probe(httpCheck(port), forever)).toEqual(responded);
  });

  it.each([400, 401, 404, 500, 503, 599])('is down at status %i and names it', async (status) => {
    const port = await serve((_, response) => response.writeHead(status).end('secret words of the server'));
    expect(await probe(httpCheck(port), forever)).toEqual({
      kind: 'down',
      reason: 'UnexpectedStatus',
      message: `HTTP ${String(status)}`,
    });
  });

  it('takes the expected statuses instead of 200 to 399', async () => {
    const port = await serve((_, response) => response.writeHead(401).end());
    expect(await probe(httpCheck(port, { expectedStatuses: [200, 401] }), forever)).toEqual(responded);
    expect(await probe(httpCheck(port, { expectedStatuses: [200] }), forever)).toMatchObject({
      reason: 'UnexpectedStatus',
    });
  });

  it('is up over IPv6, with the address in brackets as Host', async () => {
    let host: string | undefined;
    const port = await serve((request, response) => {
      host = request.headers.host;
      response.end();
    }, '::1');
    expect(await probe(httpCheck(port, {}, { ip: '::1', family: 'IPv6', host: '::1' }), forever)).toEqual(
      responded,
    );
    expect(host).toBe(`[::1]:${String(port)}`);
  });

  it('is down where the connection is refused', async () => {
    expect(await probe(httpCheck(await refusingPort()), forever)).toMatchObject({
      kind: 'down',
      reason: 'Refused',
    });
  });
});

describe('the request', () => {
  async function requested(
    ...args: [request?: Parameters<typeof httpCheck>[1], more?: Parameters<typeof httpCheck>[2]]
  ) {
    let seen: IncomingMessage | undefined;
    const port = await serve((request, response) => {
      seen = request;
      response.end();
    });
    expect(await probe(httpCheck(port, ...args), forever)).toEqual(responded);
    if (seen === undefined) throw new Error('no request came');
    return { port, url: seen.url, headers: seen.headers, raw: seen.rawHeaders };
  }

  it('asks for the path with its query, as the target’s host', async () => {
    const { url, headers, port } = await requested({ path: '/healthz?full=1' }, { host: 'db.example' });
    expect(url).toBe('/healthz?full=1');
    expect(headers).toEqual({
      host: `db.example:${String(port)}`,
      'user-agent': 'external-backend-operator',
      accept: '*/*',
      connection: 'close',
    });
  });

  it('is sent as the host of the handler where there is one', async () => {
    const { headers, port } = await requested({ host: 'other.example' }, { host: 'db.example' });
    expect(headers.host).toBe(`other.example:${String(port)}`);
  });

  it('has the Host header the user gives, as the kubelet’s', async () => {
    const { headers } = await requested({ httpHeaders: [{ name: 'host', value: 'app.example' }] });
    expect(headers.host).toBe('app.example');
  });

  it('has the user’s headers, a name given twice twice, and none that is set to nothing', async () => {
    const { raw } = await requested({
      httpHeaders: [
        { name: 'X-One', value: '1' },
        { name: 'X-One', value: '2' },
        { name: 'Accept', value: '' },
        { name: 'User-Agent', value: 'mine' },
      ],
    });
    expect(raw.filter((_, index) => index % 2 === 0)).not.toContain('Accept');
    expect(raw.join('|')).toContain('X-One|1|X-One|2');
    expect(raw.join('|')).toContain('User-Agent|mine');
  });

  it.each(['//evil.example/x', 'http://evil.example/', 'no/slash', '/a b', '/ä', '?q'])(
    'stays with the target for the path %s',
    async (path) => {
      const { headers, port } = await requested({ path }, { host: 'db.example' });
      expect(headers.host).toBe(`db.example:${String(port)}`);
    },
  );
});

describe('redirects', () => {
  it('are followed to the same host', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/ready' }).end();
      else response.writeHead(503).end();
    });
    expect(await probe(httpCheck(port), forever)).toMatchObject({
      reason: 'UnexpectedStatus',
      message: `redirected to http://127.0.0.1:${String(port)}/ready: HTTP 503`,
    });
  });

  it('are followed to the same host named in full, always at the checked address', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/')
        response.writeHead(301, { location: `http://DB.example:${String(port)}/ready` }).end();
      else response.writeHead(request.headers.host === `db.example:${String(port)}` ? 200 : 500).end();
    });
    expect(await probe(httpCheck(port, {}, { host: 'db.example' }), forever)).toEqual(responded);
  });

  it('to another host are not followed and count as up, as the kubelet’s warning', async () => {
    const other = await listen();
    const port = await serve((_, response) =>
      response.writeHead(302, { location: `http://localhost:${String(other.port)}/` }).end(),
    );
    expect(await probe(httpCheck(port), forever)).toEqual(responded);
    expect(other.accepted()).toBe(0);
  });

  it('end after ten', async () => {
    let count = 0;
    const port = await serve((_, response) => {
      count += 1;
      response.writeHead(307, { location: '/again' }).end();
    });
    expect(await probe(httpCheck(port), forever)).toMatchObject({
      kind: 'down',
      message: 'stopped after 10 redirects',
    });
    expect(count).toBe(10);
  });

  it('without a Location are judged by their status', async () => {
    const port = await serve((_, response) => response.writeHead(302).end());
    expect(await probe(httpCheck(port), forever)).toEqual(responded);
  });

  it.each(['http://[', 'ftp://127.0.0.1/'])('to %s are down', async (location) => {
    const port = await serve((_, response) => response.writeHead(302, { location }).end());
    expect(await probe(httpCheck(port), forever)).toMatchObject({ kind: 'down', reason: 'UnexpectedStatus' });
  });

  it('that are expected are not followed', async () => {
    const port = await serve((_, response) => response.writeHead(302, { location: '/login' }).end());
    expect(await probe(httpCheck(port, { expectedStatuses: [302] }), forever)).toEqual(responded);
  });

  it('keep the Host header of the user while they are relative, as net/http does', async () => {
    const hosts: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      hosts.push(request.headers.host);
      const next = { '/': '/two', '/two': `http://127.0.0.1:${String(port)}/three` }[request.url ?? ''];
      if (next === undefined) response.end();
      else response.writeHead(302, { location: next }).end();
    });
    await probe(httpCheck(port, { httpHeaders: [{ name: 'Host', value: 'app' }] }), forever);
    expect(hosts).toEqual(['app', 'app', `127.0.0.1:${String(port)}`]);
  });
});

describe('a server that', () => {
  it('never answers is down at the timeout', async () => {
    const port = await serve(() => undefined);
    expect(await probe(httpCheck(port, {}, { timeoutMs: 100 }), forever)).toMatchObject({
      kind: 'down',
      reason: 'Timeout',
    });
  });

  it.each([
    ['its headers', 'HTTP/1.1 200 OK\r\nX-A: '],
    ['its body', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'],
  ])('dribbles %s is down at the timeout', async (_, head) => {
    const listener = await listen({
      onConnection: (socket) => {
        socket.write(head);
        const timer = setInterval(() => socket.write('x'), 10);
        socket.on('close', () => clearInterval(timer));
      },
    });
    expect(await probe(httpCheck(listener.port, {}, { timeoutMs: 150 }), forever)).toMatchObject({
      kind: 'down',
      reason: 'Timeout',
    });
  });

  it('sends an endless body is up by its status', async () => {
    const port = await serve((_, response) => {
      const flood = () => {
        while (response.write(Buffer.alloc(16_384)));
      };
      response.on('drain', flood);
      flood();
    });
    expect(await probe(httpCheck(port), forever)).toEqual(responded);
  });

  it('sends huge headers is down', async () => {
    const port = await say(`HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(100_000)}\r\n\r\n`);
    expect(await probe(httpCheck(port), forever)).toMatchObject({
      kind: 'down',
      message: 'the response headers are over 64 KiB',
    });
  });

  it.each([
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\x15\x03\x01\x00\x02\x02',
    '220 mail.example ESMTP\r\n',
    'J\0\0\0\n8.0.36\0',
  ])('says %j is no HTTP server, and its words are not repeated', async (bytes) => {
    const port = await say(bytes);
    const wrong = { kind: 'down', reason: 'WrongProtocol', message: 'the answer is not HTTP' };
    expect(await probe(httpCheck(port), forever)).toEqual(wrong);
  });

  it('ends without a word has closed early', async () => {
    expect(await probe(httpCheck(await say('')), forever)).toEqual({
      kind: 'down',
      reason: 'ClosedEarly',
      message: 'connected, then closed without an answer (does the server expect TLS? set scheme: HTTPS)',
    });
  });

  it.each(['HTTP/1.1 200 OK\r\nContent-Len', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'])(
    'ends in the middle (%j) has closed early',
    async (bytes) => {
      expect(await probe(httpCheck(await say(bytes)), forever)).toMatchObject({
        kind: 'down',
        reason: 'ClosedEarly',
      });
    },
  );

  it('resets the connection is down', async () => {
    const port = await serve((request) => request.socket.resetAndDestroy());
    expect(await probe(httpCheck(port), forever)).toMatchObject({ kind: 'down', reason: 'Reset' });
  });

  it('switches protocols is down by its status', async () => {
    const port = await say(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      false,
    );
    expect(await probe(httpCheck(port), forever)).toMatchObject({ kind: 'down', message: 'HTTP 101' });
  });

  it('answers and closes is never reset', async () => {
    const sniffer = sniff();
    const port = await serve((_, response) => response.end('x'.repeat(100_000)));
    await Promise.all(Array.from({ length: 5 }, () => probe(httpCheck(port), forever)));
    await sniffer?.drained(port);
    expect(sniffer?.resets(port) ?? 0).toBe(0);
    sniffer?.stop();
  });
});

describe('a cancelled httpGet', () => {
  it('ends at once', async () => {
    const controller = new AbortController();
    const port = await serve(() => controller.abort());
    const verdict = await probe(httpCheck(port, {}, { timeoutMs: 60_000 }), controller.signal);
    expect(verdict).toMatchObject({ kind: 'inconclusive', reason: 'Cancelled' });
  });

  it('does not dial when it was cancelled before', async () => {
    const listener = await listen();
    expect(await probe(httpCheck(listener.port), AbortSignal.abort())).toMatchObject({ reason: 'Cancelled' });
    expect(listener.accepted()).toBe(0);
  });
});

it('leaves no connection behind', async () => {
  const listener = await listen({
    onConnection: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  });
  await Promise.all(Array.from({ length: 100 }, () => probe(httpCheck(listener.port), forever)));
  await listener.closed(100);
  expect(listener.errors).toEqual([]);
});
