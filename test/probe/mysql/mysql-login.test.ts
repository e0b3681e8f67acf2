import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import type { Check, MysqlHandler } from '../../../src/core/probing/check.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { occupy, startMariaDb } from '../../support/servers/mariadb.ts';
import type { MariaDb } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';
import { listen, refusingPort } from '../support/listener.ts';
import { error, greeting, ok, packet } from '../support/mysql-bytes.ts';
import { useAuthority } from '../support/resources.ts';

const authority = useAuthority();
const probe = createMysql();
const credentials = { username: 'probe', password: 'secret' };
let primary: MariaDb;
let replica: MariaDb;

const ask = (db: MariaDb, handler: Partial<MysqlHandler> = {}, timeoutMs = 5_000) =>
  probe(mysqlCheck(db, { credentials, ...handler }, { timeoutMs }), forever);

beforeAll(async () => {
  const certificate = authority.issue('DNS:db.example,IP:127.0.0.1');
  primary = await startMariaDb(
    '127.0.0.1',
    await freePort(),
    { 'server-id': '1', 'log-bin': 'bin' },
    certificate,
  );
  replica = await startMariaDb('127.0.0.1', await freePort(), { 'server-id': '2', max_connections: '10' });
  await primary.sql(
    "create user probe@'%' identified by 'secret'; grant replica monitor on *.* to probe@'%'",
  );
  await primary.sql("create user repl@'%' identified by 'repl'; grant replication slave on *.* to repl@'%'");
  await primary.sql(
    "create user bare@'%' identified by 'secret'; create database shop; create table shop.o (id int)",
  );
  await replica.sql(
    `change master to master_host='127.0.0.1', master_port=${primary.port}, master_user='repl',
     master_password='repl', master_log_file='bin.000001', master_log_pos=4, master_connect_retry=1; start slave`,
  );
  await eventually(
    () => replica.sql('select user from mysql.user'),
    (users) => users.includes('bare'),
    { fact: 'the account is there' },
  );
});
afterAll(async () => {
  await replica.remove();
  await primary.remove();
});

const becomes = (db: MariaDb, expected: object) =>
  eventually(
    () => ask(db),
    (verdict) =>
      Object.entries(expected).every(([name, value]) => verdict[name as keyof typeof verdict] === value),
    { fact: JSON.stringify(expected) },
  );

describe('mysql with credentials, and MariaDB with a replica', () => {
  it('says who is primary and who is replica, and that nothing lags', async () => {
    expect(await ask(primary)).toEqual({ kind: 'up', reason: 'Responded', message: '', role: 'Primary' });
    await becomes(replica, { kind: 'up', role: 'Replica', lagSeconds: 0 });
  });

  it('follows read_only', async () => {
    await primary.sql('set global read_only = on');
    expect(await ask(primary)).toMatchObject({ kind: 'up', role: 'Replica' });
    await primary.sql('set global read_only = off');
    expect(await ask(primary)).toMatchObject({ kind: 'up', role: 'Primary' });
  });

  it('says that replication is broken while the SQL thread stands still', async () => {
    await replica.sql('stop slave sql_thread');
    expect(await ask(replica)).toEqual({
      kind: 'down',
      reason: 'ReplicationBroken',
      message: 'the SQL thread is stopped',
      role: 'Replica',
    });
    await replica.sql('start slave');
    await becomes(replica, { kind: 'up', lagSeconds: 0 });
  });

  it('sees the lag of a replica that has work to do', async () => {
    await replica.sql('stop slave; change master to master_delay=30; start slave');
    await primary.sql('insert into shop.o values (1)');
    await eventually(
      () => ask(replica),
      ({ lagSeconds = 0 }) => lagSeconds >= 1,
      { fact: 'it lags' },
    );
    await replica.sql('stop slave; change master to master_delay=0; start slave');
    await becomes(replica, { kind: 'up', lagSeconds: 0 });
  });

  it('is still up without its primary, but knows no lag', async () => {
    await primary.kill();
    await becomes(replica, { kind: 'up', message: 'the replica is not connected to its primary' });
    expect(await ask(replica)).not.toHaveProperty('lagSeconds');
    await primary.start();
    await becomes(replica, { kind: 'up', lagSeconds: 0 });
  });

  it('is Primary after a promotion', async () => {
    await replica.sql('stop slave; reset slave all');
    expect(await ask(replica)).toMatchObject({ kind: 'up', role: 'Primary' });
  });

  it('is up where the password is wrong: alive, and of unknown role', async () => {
    const wrong = { credentials: { username: 'probe', password: 'hunter2' } };
    const verdict = await ask(primary, wrong);
    expect(verdict).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
    expect(verdict.message).toMatch(/^1045: Access denied for user 'probe'/);
    expect(verdict).not.toHaveProperty('role');
    expect(JSON.stringify(verdict)).not.toContain('hunter2');
  });

  it('names the grant that is missing', async () => {
    const verdict = await ask(primary, { credentials: { username: 'bare', password: 'secret' } });
    expect(verdict).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
    expect(verdict.message).toMatch(/^1227: .*(REPLICA|SLAVE) MONITOR/);
  });

  it.each([
    ['a good certificate', { ca: authority.ca, serverName: 'db.example' }, 'Responded'],
    ['a good certificate of an address', { ca: authority.ca }, 'Responded'],
    ['a certificate of an unknown authority', { serverName: 'db.example' }, 'TlsFailed'],
    ['a certificate of another name', { ca: authority.ca, serverName: 'other.example' }, 'TlsFailed'],
    ['a certificate of another address', { ca: authority.ca, serverName: '192.0.2.1' }, 'TlsFailed'],
    ['any certificate where none is looked at', { insecureSkipVerify: true }, 'Responded'],
    [
      'another name where the authority alone is looked at',
      { ca: authority.ca, serverName: 'other.example', verify: 'ca' },
      'Responded',
    ],
    ['an unknown authority where it alone is looked at', { verify: 'ca' }, 'TlsFailed'],
    ['a name that is none of DNS', { ca: authority.ca, serverName: 'probe test' }, 'Responded'],
    ['another name that is none of DNS', { ca: authority.ca, serverName: 'probe tests' }, 'TlsFailed'],
  ] as const)('judges %s', async (_, tls, reason) => {
    const greeted = await probe(mysqlCheck(primary, { tls }), forever);
    expect(greeted).toMatchObject({ reason: reason === 'Responded' ? 'AuthRequired' : reason });
    const verdict = await ask(primary, { tls });
    expect(verdict).toMatchObject({ reason, kind: reason === 'Responded' ? 'up' : 'down' });
    expect('role' in verdict).toBe(reason === 'Responded');
  });

  it('is TlsFailed, without a password sent, where the server has no TLS', async () => {
    expect(await ask(replica, { tls: {} })).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
  });

  it('is Saturated as soon as max_connections are taken', async () => {
    const free = await Promise.all(Array.from({ length: 10 }, () => occupy(replica.address, replica.port)));
    expect(await ask(replica)).toMatchObject({ kind: 'inconclusive', reason: 'Saturated' });
    expect(await ask(replica, { saturatedIs: 'down' })).toMatchObject({ kind: 'down', reason: 'Saturated' });
    for (const release of free) release();
  });

  it('leaves no connection behind', async () => {
    const before = await primary.status('Threads_connected');
    for (let count = 0; count < 20; count += 1) await ask(primary);
    await eventually(
      () => primary.status('Threads_connected'),
      (threads) => threads <= before,
      { fact: 'no more than before are there' },
    );
    expect(await primary.status('Aborted_clients')).toBe(0);
  });

  it('after a run that hung, asks without credentials until that is answered', async () => {
    const check = mysqlCheck(primary, { credentials }, { timeoutMs: 300 });
    primary.freeze();
    expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'Timeout' });
    expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'Timeout' });
    primary.thaw();
    await eventually(
      () => probe(check, forever),
      ({ role }) => role === 'Primary',
      { fact: 'it is back' },
    );
  });

  it('costs this much at default settings', async () => {
    const names = ['Connections', 'Aborted_connects', 'Aborted_clients', 'Queries'];
    const counters = () => Promise.all(names.map((name) => primary.status(name)));
    const [before, lines] = [await counters(), primary.log().length];
    for (let count = 0; count < 100; count += 1) await ask(primary);
    const grown = (await counters()).map((value, index) => value - (before[index] ?? 0));
    const written = primary.log().length - lines;
    console.info(
      `100 logins: ${written} log lines, ${names.map((name, index) => `${name} +${grown[index] ?? 0}`).join(', ')}`,
    );
    expect(written).toBe(0);
  });
});

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function against(onConnection: (socket: Socket) => void, timeoutMs = 300) {
  const listener = await listen({ onConnection });
  stops.push(() => listener.stop());
  const check: Check = mysqlCheck(
    { address: '127.0.0.1', port: listener.port },
    { credentials },
    { timeoutMs },
  );
  return createMysql()(check, forever);
}

describe('mysql with credentials, and a peer that is none', () => {
  it('is Refused where nobody listens', async () => {
    const check = mysqlCheck({ address: '127.0.0.1', port: await refusingPort() }, { credentials });
    expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'Refused' });
  });

  it.each([
    ['never says a word', () => undefined, 'Timeout'],
    ['closes at once', (socket: Socket) => void socket.end(), 'ClosedEarly'],
    ['says 100 MB', (socket: Socket) => void socket.write(Buffer.alloc(100_000_000, 0x41)), 'WrongProtocol'],
    ['is full', (socket: Socket) => void socket.end(error(0, 1040, 'Too many connections')), 'Saturated'],
    ['blocks us', (socket: Socket) => void socket.end(error(0, 1129, 'Host is blocked')), 'Blocked'],
    [
      'lets us in and never answers',
      (socket: Socket) => {
        socket.write(greeting());
        socket.once('data', () => socket.write(ok(2)));
      },
      'Timeout',
    ],
  ] as [string, (socket: Socket) => void, string][])('a peer that %s', async (_, behave, reason) => {
    expect(await against(behave, reason === 'Timeout' ? 300 : 5_000)).toMatchObject({ reason });
  });

  it('never throws, whatever the peer says, in place of the greeting or behind it', async () => {
    const said = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc
        .tuple(fc.integer({ min: 0, max: 3 }), fc.uint8Array({ minLength: 1, maxLength: 60 }))
        .map(([n, bytes]) => packet(n, bytes)),
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(said, { maxLength: 4 }), async (greets, packets) => {
        const verdict = await against((socket) => {
          if (greets) socket.write(greeting());
          socket.end(Buffer.concat(packets));
        }, 200);
        expect(verdict.role).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });
});
