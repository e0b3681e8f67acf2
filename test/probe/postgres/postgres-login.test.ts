import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import type { Check, PostgresHandler } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { verdictOfRow } from '../../../src/probe/postgres/state-query.ts';
import { eventually } from '../../support/eventually.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { listen, refusingPort } from '../support/listener.ts';
import { useAuthority } from '../support/resources.ts';
import { useClusters } from '../support/use-clusters.ts';

const probe = createPostgres();
const authority = useAuthority();
const created = useClusters();

const credentials = { username: 'watcher', password: 'open sesame' };

function check(port: number, more: Partial<PostgresHandler> = {}, rest: Partial<Check> = {}): Check {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'disable',
    saturatedIs: 'inconclusive',
    credentials,
    ...more,
  };
  return tcpCheck(port, { handler, timeoutMs: 10_000, ...rest });
}

const ask = ({ port }: { port: number }, more: Partial<PostgresHandler> = {}, rest: Partial<Check> = {}) =>
  probe(check(port, more, rest), forever);

/** Asks until the verdict is as wanted. */
const askUntil = (cluster: PostgresCluster, isWanted: (verdict: Verdict) => boolean) =>
  eventually(() => ask(cluster), isWanted);

const clients = "select count(*) from pg_stat_activity where usename = 'watcher'";
const hundred = async (act: () => Promise<unknown>) => {
  for (let run = 0; run < 100; run += 1) await act();
};

describe('a logged-in postgres probe', () => {
  let primary: PostgresCluster;
  let replica: PostgresCluster;

  beforeAll(async () => {
    primary = await created(createPostgresCluster());
    await primary.start();
    await primary.query(`create role watcher login password '${credentials.password}'`);
    await primary.query('create table t (n int)');
    replica = await created(primary.replica());
    await replica.start();
  });

  it('knows a primary and its timeline, with a role that has no grant at all', async () => {
    expect(await ask(primary)).toEqual({
      kind: 'up',
      reason: 'Responded',
      message: '',
      role: 'Primary',
      epoch: 1,
    });
  });

  it('knows a replica, and its lag of 0 on an idle primary', async () => {
    const verdict = await askUntil(replica, ({ lagSeconds }) => lagSeconds === 0);
    expect(verdict).toEqual({ kind: 'up', reason: 'Responded', message: '', role: 'Replica', lagSeconds: 0 });
  });

  it('leaves no line in the log and no session behind', async () => {
    const before = primary.log().length;
    await hundred(() => ask(primary));
    while ((await primary.query(clients)) !== '0');
    expect(
      primary
        .log()
        .slice(before)
        .filter((line) => !/checkpoint/.test(line)),
    ).toEqual([]);
  });

  it('sees the lag grow while replay is paused, and end when it goes on', async () => {
    await primary.query('insert into t values (1)');
    await askUntil(replica, ({ lagSeconds }) => lagSeconds === 0);
    await replica.query('select pg_wal_replay_pause()');
    while ((await replica.query('select pg_get_wal_replay_pause_state()')) !== 'paused');
    await primary.query('insert into t values (2)');
    const { lagSeconds: first = 0 } = await askUntil(replica, ({ lagSeconds = 0 }) => lagSeconds > 0.2);
    await askUntil(replica, ({ lagSeconds = 0 }) => lagSeconds > first + 0.2);
    await replica.query('select pg_wal_replay_resume()');
    await askUntil(replica, ({ lagSeconds }) => lagSeconds === 0);
  });

  it('is up with AuthFailed and no role where the password is wrong, or the role unknown', async () => {
    const wrong = { ...credentials, password: 'wrong' };
    expect(await ask(primary, { credentials: wrong })).toEqual({
      kind: 'up',
      reason: 'AuthFailed',
      message: '28P01 password authentication failed for user "watcher"',
    });
    expect(await ask(primary, { credentials: { ...credentials, username: 'nobody' } })).toMatchObject({
      kind: 'up',
      reason: 'AuthFailed',
    });
    expect(await ask(primary, { database: 'none' })).toMatchObject({
      kind: 'up',
      reason: 'AuthFailed',
      message: '3D000 database "none" does not exist',
    });
  });

  it('says of a primary that is read only by its settings, not of a role that is', async () => {
    await primary.query('alter role watcher set default_transaction_read_only = on');
    expect(await ask(primary)).toMatchObject({ reason: 'Responded', role: 'Primary' });
    await primary.query('alter role watcher reset all');
    await primary.query('alter system set default_transaction_read_only = on');
    await primary.query('select pg_reload_conf()');
    await askUntil(primary, ({ reason }) => reason === 'ReadOnly');
    expect(await ask(primary)).toMatchObject({ kind: 'up', role: 'Primary', epoch: 1 });
    await primary.query('alter system reset all');
    await primary.query('select pg_reload_conf()');
    await askUntil(primary, ({ reason }) => reason === 'Responded');
  });

  it('speaks TLS as the mode says', async () => {
    const { cert, key } = authority.issue('DNS:db.example');
    const tls = { ca: authority.ca };
    const named = { host: 'db.example' };
    expect(await ask(primary, { sslMode: 'require' })).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
    expect(await ask(primary, { sslMode: 'prefer' })).toMatchObject({ kind: 'up', role: 'Primary' });
    primary.write('server.crt', cert);
    primary.write('server.key', key);
    await primary.query('alter system set ssl = on');
    await primary.query('select pg_reload_conf()');
    while ((await primary.query('show ssl')) !== 'on');
    for (const sslMode of ['prefer', 'require', 'verify-ca', 'verify-full'] as const)
      expect(await ask(primary, { sslMode, tls }, named)).toMatchObject({ kind: 'up', role: 'Primary' });
    expect(await ask(primary, { sslMode: 'verify-full', tls }, { host: 'other.example' })).toEqual({
      kind: 'down',
      reason: 'TlsFailed',
      message: 'the certificate is not valid for other.example',
    });
    expect(await ask(primary, { sslMode: 'verify-ca' }, named)).toMatchObject({ reason: 'TlsFailed' });
  });

  it('finds an address in the common name, as libpq does, where verify-full has no other', async () => {
    const full = { sslMode: 'verify-full', tls: { ca: authority.ca } } as const;
    const present = async (names: string, commonName: string) => {
      const { cert, key } = authority.issue(names, undefined, commonName);
      primary.write('server.crt', cert);
      primary.write('server.key', key);
      await primary.query('select pg_reload_conf()');
    };
    await present('', '127.0.0.1');
    await eventually(
      () => ask(primary, full),
      ({ role }) => role === 'Primary',
      { fact: 'the certificate is taken' },
    );
    await present('IP:127.0.0.2', '127.0.0.1');
    await eventually(
      () => ask(primary, full),
      ({ reason }) => reason === 'TlsFailed',
      { fact: 'the certificate is refused' },
    );
  });

  it('is down after its timeout where the server hangs, and leaves no session behind', async () => {
    primary.signal('SIGSTOP');
    expect(await ask(primary, {}, { timing: { ...check(1).timing, timeoutMs: 200 } })).toEqual({
      kind: 'down',
      reason: 'Timeout',
      message: 'connected, but no answer within 0.2 s',
    });
    primary.signal('SIGCONT');
    while ((await primary.query(clients)) !== '0');
  });

  it('does not take a replica for caught up whose stream is gone', async () => {
    await primary.kill();
    await askUntil(replica, ({ lagSeconds = 0 }) => lagSeconds > 0);
  });

  it('follows a promotion: a primary, on the next timeline', async () => {
    await replica.query('select pg_promote()');
    expect(await ask(replica)).toMatchObject({ kind: 'up', role: 'Primary', epoch: 2 });
    await primary.start();
    expect(await ask(primary, { sslMode: 'prefer' })).toMatchObject({ role: 'Primary', epoch: 1 });
  });
});

describe('a logged-in postgres probe of a mean peer', () => {
  const facing = async (onConnection: (socket: Socket) => void, more: Partial<PostgresHandler> = {}) => {
    const listener = await listen({ onConnection });
    try {
      return await ask(listener, more, { timing: { ...check(1).timing, timeoutMs: 500 } });
    } finally {
      await listener.stop();
    }
  };

  it('is down where it refuses, closes, resets, or never answers', async () => {
    expect(await ask({ port: await refusingPort() })).toMatchObject({ kind: 'down', reason: 'Refused' });
    expect(await facing((socket) => socket.once('data', () => socket.end()))).toMatchObject({
      kind: 'down',
      reason: 'ClosedEarly',
    });
    expect(await facing((socket) => socket.once('data', () => socket.resetAndDestroy()))).toMatchObject({
      reason: 'Reset',
    });
    expect(await facing(() => undefined)).toMatchObject({ kind: 'down', reason: 'Timeout' });
  });

  it('is WrongProtocol where it talks nonsense, and does not quote it', async () => {
    const wrong = {
      kind: 'down',
      reason: 'WrongProtocol',
      message: 'the answer is not of the PostgreSQL protocol',
    };
    for (const text of [
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      'R\0\0\0\x04',
      'R\0\0\0\x08\0\0\0\x0a',
      '\0\0\0\0\0\0\0\0',
    ]) {
      expect(await facing((socket) => socket.write(text))).toMatchObject({
        ...wrong,
        reason: expect.any(String),
      });
    }
    expect(await facing((socket) => socket.write('HTTP/1.1'), { sslMode: 'require' })).toEqual(wrong);
  });

  it('is WrongProtocol where an error has no end, over which pg would loop for ever', async () => {
    const endless = Buffer.from('E\0\0\0\x0aCXXXXX', 'latin1');
    expect(await facing((socket) => socket.write(endless))).toMatchObject({ reason: 'WrongProtocol' });
  });

  it('is WrongProtocol where it sends 100 MB', async () => {
    const block = Buffer.alloc(1_000_000, Buffer.from('N\0\0\0\x05\0'));
    let sent = 0;
    const pour = (socket: Socket) => {
      while (sent < 100 && socket.writable) {
        sent += 1;
        if (!socket.write(block)) break;
      }
    };
    const verdict = await facing((socket) => {
      socket.on('drain', () => pour(socket));
      pour(socket);
    });
    expect(verdict).toMatchObject({ kind: 'down', reason: 'WrongProtocol' });
    expect(sent).toBeLessThan(50);
  });

  it('never fails in another way, whatever it says', async () => {
    const bodies = fc.tuple(
      fc.constantFrom('R', 'E', 'Z', 'S', 'K', 'D', 'T', 'C', 'N', 'v', 'G', 'H', 'W'),
      fc.uint8Array({ maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bodies, { minLength: 1, maxLength: 5 }), async (messages) => {
        const parts = messages.map(([type, body]) => {
          const head = Buffer.alloc(5, type);
          head.writeUInt32BE(body.length + 4, 1);
          return Buffer.concat([head, body]);
        });
        const verdict = await facing((socket) => {
          socket.end(Buffer.concat(parts));
        });
        expect(verdict.reason).not.toBe('ProberFault');
      }),
      { numRuns: 100 },
    );
  });
});

describe('the row of an answer', () => {
  it.each([
    [
      { replica: false, readOnly: false, lag: null, timeline: '0000000A' },
      { role: 'Primary', epoch: 10 },
    ],
    [
      { replica: true, readOnly: false, lag: 1.5, timeline: null },
      { role: 'Replica', lagSeconds: 1.5 },
    ],
    [{ replica: true, readOnly: false, lag: null, timeline: null }, { role: 'Replica' }],
    [{ replica: false }, { role: 'Primary' }],
  ])('%j tells %j', (row, told) => {
    expect(verdictOfRow(row)).toEqual({ kind: 'up', reason: 'Responded', message: '', ...told });
  });

  it('that is none is WrongProtocol', () => {
    expect(verdictOfRow(undefined)).toMatchObject({ reason: 'WrongProtocol' });
    expect(verdictOfRow({ replica: 't' })).toMatchObject({ reason: 'WrongProtocol' });
  });
});
