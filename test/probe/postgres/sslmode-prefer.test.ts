import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { PostgresHandler } from '../../../src/core/probing/check.ts';
import { createFallbacks } from '../../../src/probe/connection/fallbacks.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import type { Listener } from '../support/listener.ts';
import { useAuthority, useListeners } from '../support/resources.ts';

const credentials = { username: 'watcher', password: 'open sesame' };
const authority = useAuthority();
let server: PostgresCluster;
let now = 0;
let probe = createPostgres();

const ask = ({ port }: { readonly port: number }, more: Partial<PostgresHandler> = {}) => {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'prefer',
    saturatedIs: 'inconclusive',
    ...more,
  };
  return probe(tcpCheck(port, { handler, timeoutMs: 10_000 }), forever);
};
const refusedLines = () => server.log().filter((line) => line.includes('FATAL')).length;

beforeAll(async () => {
  server = await createPostgresCluster();
  const { cert, key } = authority.issue('DNS:db.example');
  server.write('server.crt', cert);
  server.write('server.key', key);
  await server.start({ ssl: 'on' });
  await server.query(`create role watcher login password '${credentials.password}'`);
});
afterAll(async () => {
  await server.remove();
});
beforeEach(() => {
  probe = createPostgres(createFallbacks({ now: () => now }));
});

const primary = { kind: 'up', reason: 'Responded', role: 'Primary' };

describe('sslMode prefer, where pg_hba.conf lets in without TLS alone', () => {
  it('is let in as psql is, and is refused once in ten minutes', async () => {
    await server.admit('hostnossl all all 0.0.0.0/0 scram-sha-256');
    const before = refusedLines();
    for (let run = 0; run < 10; run += 1) expect(await ask(server, { credentials })).toMatchObject(primary);
    expect(refusedLines() - before).toBe(1);
    now += 800_000;
    for (let run = 0; run < 10; run += 1) expect(await ask(server, { credentials })).toMatchObject(primary);
    expect(refusedLines() - before).toBe(2);
  });

  it('is asked for a password without credentials too', async () => {
    await server.admit('hostnossl all all 0.0.0.0/0 scram-sha-256');
    expect(await ask(server)).toEqual({ kind: 'up', reason: 'Responded', message: '' });
  });

  it.each(['require', 'verify-ca', 'verify-full'] as const)(
    'never connects without TLS in mode %s',
    async (sslMode) => {
      await server.admit('hostnossl all all 0.0.0.0/0 scram-sha-256');
      const said = await ask(server, {
        credentials,
        sslMode,
        tls: { ca: authority.ca, serverName: 'db.example' },
      });
      expect(said).toMatchObject({
        kind: 'up',
        reason: 'AuthFailed',
        message: expect.stringMatching(/^28000 no pg_hba/),
      });
    },
  );

  it('follows pg_hba.conf at once when it wants TLS again', async () => {
    await server.admit('hostnossl all all 0.0.0.0/0 scram-sha-256');
    expect(await ask(server, { credentials })).toMatchObject(primary);
    await server.admit('hostssl all all 0.0.0.0/0 scram-sha-256');
    expect(await ask(server, { credentials })).toMatchObject(primary);
  });

  it('reports a wrong password with the words over TLS, and tries it twice in ten minutes alone', async () => {
    await server.admit('host all all 0.0.0.0/0 scram-sha-256');
    const before = refusedLines();
    const wrong = { credentials: { ...credentials, password: 'wrong' } };
    for (let run = 0; run < 5; run += 1)
      expect(await ask(server, wrong)).toMatchObject({
        kind: 'up',
        reason: 'AuthFailed',
        message: expect.stringMatching(/^28P01/),
      });
    expect(refusedLines() - before).toBe(6);
  });
});

const listen = useListeners();

/** Protocol version of a StartupMessage. */
const startup = 196_608;

/** A peer that treats an SSLRequest, or what follows it, in its own way, and else passes all on to the server. */
async function proxy(
  onSslRequest: (socket: Socket) => void,
): Promise<Listener & { readonly secure: () => number; readonly plain: () => number }> {
  let [secure, plain] = [0, 0];
  const listener = await listen({
    onConnection: (socket) => {
      socket.once('data', (first: Buffer) => {
        if (first.length !== 8) {
          if (first.readInt32BE(4) === startup) plain += 1;
          relay(socket, first);
          return;
        }
        secure += 1;
        onSslRequest(socket);
      });
    },
  });
  return { ...listener, secure: () => secure, plain: () => plain };
}

function relay(socket: Socket, first: Buffer): void {
  const behind = connect({ host: '127.0.0.1', port: server.port });
  behind.write(first);
  socket.pipe(behind).pipe(socket);
  for (const each of [socket, behind]) each.on('error', () => undefined);
}

function error(sqlstate: string, text: string): Buffer {
  const body = Buffer.from(`SFATAL\0C${sqlstate}\0M${text}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

describe('sslMode prefer, where no TLS can be agreed on', () => {
  const peers: readonly (readonly [string, (socket: Socket) => void])[] = [
    [
      'answers N',
      (socket) => {
        socket.write('N');
        socket.once('data', (next: Buffer) => relay(socket, next));
      },
    ],
    ['answers an error to the SSLRequest', (socket) => void socket.end(error('08P01', 'no TLS here'))],
    [
      'answers an old error to the SSLRequest',
      (socket) => void socket.end('Eunsupported frontend protocol\n\0'),
    ],
    ['closes at the SSLRequest', (socket) => void socket.end()],
    ['resets at the SSLRequest', (socket) => void socket.resetAndDestroy()],
    ['closes at the ClientHello', (socket) => afterS(socket, () => socket.end())],
    ['resets at the ClientHello', (socket) => afterS(socket, () => socket.resetAndDestroy())],
    [
      'answers an alert to the ClientHello',
      (socket) => afterS(socket, () => socket.end(Buffer.from('15030100020228', 'hex'))),
    ],
  ];

  it.each(peers)('goes on without it: a peer that %s', async (_, onSslRequest) => {
    await server.admit('host all all 0.0.0.0/0 scram-sha-256');
    const peer = await proxy(onSslRequest);
    expect(await ask(peer, { credentials })).toMatchObject(primary);
    expect(await ask(peer, { credentials })).toMatchObject(primary);
    expect(peer.secure()).toBe(1);
    expect(await ask(peer)).toMatchObject({ kind: 'up', reason: 'Responded' });
  });

  it.each(peers)('is not up in mode require: a peer that %s', async (_, onSslRequest) => {
    const peer = await proxy(onSslRequest);
    for (const handler of [{ credentials }, {}])
      expect((await ask(peer, { ...handler, sslMode: 'require' })).kind).not.toBe('up');
    expect(peer.plain()).toBe(0);
    expect(peer.secure()).toBe(2);
  });

  it('reports why there is no TLS where the connection without it fails too', async () => {
    const peer = await listen({
      onConnection: (socket) =>
        socket.once('data', (first: Buffer) => {
          if (first.length !== 8) socket.end();
          else afterS(socket, () => socket.end(Buffer.from('15030100020228', 'hex')));
        }),
    });
    for (const handler of [{ credentials }, {}])
      expect(await ask(peer, handler)).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
  });

  it('reports that a server is full or starts, whether over TLS or without', async () => {
    for (const [sqlstate, reason] of [
      ['57P03', 'NotServing'],
      ['53300', 'Saturated'],
    ] as const) {
      const peer = await listen({
        onConnection: (socket) => socket.once('data', () => socket.end(error(sqlstate, 'no'))),
      });
      for (const handler of [{ credentials }, {}]) expect(await ask(peer, handler)).toMatchObject({ reason });
    }
  });
});

function afterS(socket: Socket, act: () => void): void {
  socket.once('data', act);
  socket.write('S');
}
