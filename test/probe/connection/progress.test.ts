import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

import type { Check, Credentials, Handler, TlsOptions } from '../../../src/core/probing/check.ts';
import { useProbes } from '../support/use-probes.ts';
import { createAuthority } from '../support/certificates.ts';
import { forever, httpCheck, tcpCheck } from '../support/checks.ts';
import { fullBacklog } from '../support/full-backlog.ts';
import { greeting } from '../support/mysql-bytes.ts';
import { useAuthority, useListeners } from '../support/resources.ts';

const authority = useAuthority();
const certificate = authority.issue('IP:127.0.0.1');
const { probe } = useProbes({ http: { ca: [authority.ca] } });
const listen = useListeners();

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const listener = await listen({ onConnection });
  return listener.port;
}

const credentials: Credentials = { username: 'prober', password: 'secret', allowClearText: true };
const tls: TlsOptions = { ca: authority.ca };
const request = { path: '/', scheme: 'HTTP', insecureSkipVerify: false } as const;
const mysql = { kind: 'mysql', saturatedIs: 'inconclusive' } as const;
const postgres = { kind: 'postgres', saturatedIs: 'inconclusive' } as const;

interface Speaker {
  readonly handler: Handler;
  /** The same over TLS, where the handler speaks it. */
  readonly secure?: Handler;
  /** What of an answer comes first, with what is sent before it. */
  readonly beginning?: string | Uint8Array;
  /** A part of the message where the beginning came and nothing else. */
  readonly waits?: RegExp;
  /** What to set where the server expects TLS. */
  readonly hint?: RegExp;
}

// A handler without a line here does not compile.
const speakers: Readonly<Record<Handler['kind'], readonly Speaker[]>> = {
  unready: [],
  icmp: [],
  tcpSocket: [{ handler: { kind: 'tcpSocket' } }],
  tls: [{ handler: { kind: 'tls', tls }, secure: { kind: 'tls', tls } }],
  httpGet: [
    {
      handler: { kind: 'httpGet', request },
      secure: { kind: 'httpGet', request: { ...request, scheme: 'HTTPS' }, tls },
      beginning: 'HTTP/1.1 200 OK\r\nContent-Len',
      waits: /the answer started/,
      hint: /set scheme: HTTPS/,
    },
  ],
  redis: [
    {
      handler: { kind: 'redis' },
      secure: { kind: 'redis', tls },
      beginning: '+PO',
      waits: /the answer started/,
      hint: /set spec\.tls/,
    },
    { handler: { kind: 'redis', credentials }, beginning: '+OK\r\n', waits: /no answer to PING/ },
    { handler: { kind: 'redis' }, beginning: '-LOAD', waits: /the answer started/ },
  ],
  mongodb: [
    {
      handler: { kind: 'mongodb' },
      secure: { kind: 'mongodb', tls },
      beginning: Buffer.from([100, 0, 0, 0, 1]),
      waits: /the answer started/,
      hint: /set spec\.tls/,
    },
  ],
  memcached: [
    {
      handler: { kind: 'memcached' },
      secure: { kind: 'memcached', tls },
      beginning: 'VERSION 1.',
      waits: /the answer started/,
      hint: /set spec\.tls/,
    },
  ],
  mysql: [
    { handler: mysql, beginning: greeting(), waits: /no reply to the login/ },
    { handler: mysql, beginning: greeting().subarray(0, 20), waits: /the answer started|no greeting/ },
    { handler: { ...mysql, credentials }, beginning: greeting(), waits: /no reply to the login/ },
  ],
  postgres: [
    {
      handler: { ...postgres, sslMode: 'disable' },
      secure: { ...postgres, sslMode: 'prefer' },
      beginning: 'R\0\0',
      waits: /the answer started/,
      hint: /set sslMode/,
    },
    { handler: { ...postgres, sslMode: 'prefer' }, beginning: 'N', waits: /no answer to the login/ },
    {
      handler: { ...postgres, sslMode: 'disable', credentials },
      beginning: Buffer.from('R\0\0\0\x08\0\0\0\x03', 'latin1'),
      waits: /no answer to the login/,
      hint: /set sslMode/,
    },
  ],
  grpc: [
    {
      handler: { kind: 'grpc', service: '' },
      secure: { kind: 'grpc', service: '', tls },
      // SETTINGS
      beginning: Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
      waits: /no answer to the call/,
      hint: /set spec\.tls/,
    },
  ],
};

const rows = Object.values(speakers)
  .flat()
  .map((speaker) => ({ ...speaker, title: titleOf(speaker.handler) }));
const speaking = rows.filter(({ handler }) => handler.kind !== 'tcpSocket');
const secure = rows.flatMap(({ title, secure: handler }) =>
  handler === undefined ? [] : [{ title, handler }],
);
const beginning = speaking.flatMap(({ title, handler, beginning, waits }) =>
  beginning === undefined || waits === undefined ? [] : [{ title, handler, beginning, waits }],
);
const hinting = rows.flatMap(({ title, handler, hint }) =>
  hint === undefined ? [] : [{ title, handler, hint }],
);

function titleOf(handler: Handler): string {
  return `${handler.kind}${'credentials' in handler ? ' with credentials' : ''}`;
}

/** Each run has an instance of its own timing: what one address owes must not shorten another run. */
async function ask(handler: Handler, port: number, timeoutMs: number) {
  const check: Check = { ...tcpCheck(port, { timeoutMs }), handler };
  const verdict = await probe(check, forever);
  expect(verdict.message).toMatch(/^[\x20-\x7e]{1,120}$/);
  return verdict;
}

/** The server answers PostgreSQL's question for TLS with S, then speaks TLS and nothing inside it. */
function overTls(socket: Socket, inside: (secure: TLSSocket) => void): void {
  const begin = () => {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ ...certificate }),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    secure.on('error', () => undefined);
    secure.on('secure', () => inside(secure));
  };
  socket.pause();
  socket.once('readable', () => {
    const first = socket.read() as Buffer | null;
    if (first?.length === 8 && first[0] === 0) socket.write('S');
    else socket.unshift(first ?? Buffer.alloc(0));
    begin();
  });
}

describe('a probe that times out reports how far it got:', () => {
  it.each(rows)('$title, no connection', async ({ handler }) => {
    const target = await fullBacklog();
    try {
      expect(await ask(handler, target.port, 100)).toMatchObject({
        kind: 'down',
        reason: 'Timeout',
        message: 'no connection within 0.1 s',
      });
    } finally {
      await target.stop();
    }
  });

  it.each(speaking.filter(({ handler }) => handler.kind !== 'tls'))(
    '$title, connected and no answer',
    async ({ handler }) => {
      const port = await serve(() => undefined);
      expect(await ask(handler, port, 200)).toMatchObject({
        kind: 'down',
        reason: 'Timeout',
        message: expect.stringMatching(/^connected, but no (answer|greeting) within 0\.2 s$/) as unknown,
      });
    },
  );

  it.each(secure)('$title, in the TLS handshake', async ({ handler }) => {
    const port = await serve((socket) =>
      socket.once('data', (bytes) => {
        if (bytes.length === 8) socket.write('S');
      }),
    );
    expect(await ask(handler, port, 200)).toMatchObject({
      kind: 'down',
      reason: 'Timeout',
      message: 'connected, but the TLS handshake did not complete within 0.2 s',
    });
  });

  it.each(secure.filter(({ handler }) => handler.kind !== 'tls'))(
    '$title, after the TLS handshake',
    async ({ handler }) => {
      const port = await serve((socket) => overTls(socket, () => undefined));
      expect(await ask(handler, port, 1_000)).toMatchObject({
        kind: 'down',
        reason: 'Timeout',
        message: 'the TLS handshake succeeded, but no answer within 1 s',
      });
    },
  );

  it.each(beginning)('$title, after the beginning of an answer', async ({ handler, beginning, waits }) => {
    const port = await serve((socket) =>
      handler.kind === 'mysql' ? socket.write(beginning) : socket.once('data', () => socket.write(beginning)),
    );
    expect(await ask(handler, port, 300)).toMatchObject({
      kind: 'down',
      reason: 'Timeout',
      message: expect.stringMatching(waits) as unknown,
    });
  });
});

const ends: readonly (readonly [string, string, (socket: Socket) => void])[] = [
  ['Reset', 'reset', (socket) => socket.resetAndDestroy()],
  ['ClosedEarly', 'closed', (socket) => socket.end()],
];

describe.each(ends)('a probe that ends with %s reports how far it got:', (reason, word, end) => {
  it.each(speaking.filter(({ handler }) => handler.kind !== 'tls' && handler.kind !== 'mysql'))(
    '$title, connected and no answer',
    async ({ handler }) => {
      const port = await serve((socket) => socket.once('data', () => end(socket)));
      const message = expect.stringMatching(
        new RegExp(`^connected, then ${word} without an answer`),
      ) as unknown;
      expect(await ask(handler, port, 2_000)).toMatchObject({ kind: 'down', reason, message });
    },
  );

  it.each(secure)('$title, in the TLS handshake', async ({ handler }) => {
    const port = await serve((socket) =>
      socket.once('data', (bytes) => {
        if (bytes.length !== 8) end(socket);
        else socket.write('S', () => socket.once('data', () => end(socket)));
      }),
    );
    const message = expect.stringMatching(
      new RegExp(`^the connection was ${word} during the TLS handshake`),
    ) as unknown;
    expect(await ask(handler, port, 2_000)).toMatchObject({ kind: 'down', reason, message });
  });

  it.each(beginning)('$title, after the beginning of an answer', async ({ handler, beginning }) => {
    const port = await serve((socket) => {
      const send = () => socket.write(beginning, () => setImmediate(end, socket));
      if (handler.kind === 'mysql') send();
      else socket.once('data', send);
    });
    const verdict = await ask(handler, port, 2_000);
    // A reset discards what was not read yet; and Node reports the end of an HTTP/2 session, not the cause.
    const message = new RegExp(
      reason === 'Reset'
        ? `^(connected, then|the connection was) (reset|closed)`
        : `^the connection was ${word} (in the middle of|before) the answer`,
    );
    expect(handler.kind === 'grpc' ? ends.map(([end]) => end) : [reason]).toContain(verdict.reason);
    expect(verdict).toMatchObject({ kind: 'down', message: expect.stringMatching(message) as unknown });
  });

  it.each(hinting)('$title, with what to set where the server expects TLS', async ({ handler, hint }) => {
    const port = await serve((socket) => socket.once('data', () => end(socket)));
    const { message } = await ask(handler, port, 2_000);
    expect(message).toMatch(hint);
  });
});

describe('a TLS alert in answer to plain bytes', () => {
  const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 70]);

  it.each(hinting.filter(({ handler }) => handler.kind !== 'grpc' && !('credentials' in handler)))(
    'is named to $title, with what to set',
    async ({ handler, hint }) => {
      const port = await serve((socket) => socket.once('data', () => socket.end(alert)));
      const verdict = await ask(handler, port, 2_000);
      expect(verdict).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
      expect(verdict.message).toMatch(/^TLS alert 70: the server expects TLS/);
      expect(verdict.message).toMatch(hint);
    },
  );
});

it('a server without TLS that is asked with TLS is named', async () => {
  const port = await serve((socket) => socket.once('data', () => socket.end('-ERR unknown command\r\n')));
  for (const { handler } of secure.filter(({ handler: { kind } }) => kind !== 'postgres'))
    expect(await ask(handler, port, 2_000)).toMatchObject({
      reason: 'WrongProtocol',
      message: 'the server did not answer with TLS: does it use TLS on this port?',
    });
});

it('a redirect to https whose certificate fails is named', async () => {
  const alien = createAuthority().issue('IP:127.0.0.1');
  const secured = await serve((socket) => {
    const server = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ ...alien }),
    });
    server.on('error', () => undefined);
  });
  const location = `https://127.0.0.1:${String(secured)}/ready?token=secret`;
  const port = await serve((socket) =>
    socket.once('data', () => socket.end(`HTTP/1.1 301 Moved\r\nLocation: ${location}\r\n\r\n`)),
  );
  expect(await probe(httpCheck(port), forever)).toEqual({
    kind: 'down',
    reason: 'TlsFailed',
    message: `redirected to https://127.0.0.1:${String(secured)}/ready: the certificate is signed by an unknown authority`,
  });
});
