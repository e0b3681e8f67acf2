import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { MysqlHandler } from '../../../src/core/probing/check.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { occupy } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { bringMySql } from '../../support/servers/mysql.ts';
import type { MySql } from '../../support/servers/mysql.ts';
import { freePort } from '../../support/servers/ports.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';

// What differs between MySQL and MariaDB (mysql-server.test.ts, mysql-login.test.ts), and what must not.
const supply = await bringMySql();
const withMySql = supply.isHad ? describe : describe.skip;

const authority = useAuthority();
const trusted = { ca: authority.ca, serverName: 'db.example' };
const probe = createMysql();
/** Of caching_sha2_password, which sends the password itself to a server that has not cached the account. */
const credentials = { username: 'probe', password: 'secret', allowClearText: true };
let primary: MySql;
let replica: MySql;

const greet = (db: MySql, handler: Partial<MysqlHandler> = {}, timeoutMs = 5_000) =>
  probe(mysqlCheck(db, handler, { timeoutMs }), forever);
const ask = (db: MySql, handler: Partial<MysqlHandler> = {}, timeoutMs = 5_000) =>
  greet(db, { credentials, ...handler }, timeoutMs);

const becomes = (db: MySql, expected: object) =>
  eventually(
    () => ask(db),
    (verdict) =>
      Object.entries(expected).every(([name, value]) => verdict[name as keyof typeof verdict] === value),
    { fact: JSON.stringify(expected) },
  );

withMySql(supply.title, () => {
  beforeAll(async () => {
    const gtid = { 'gtid-mode': 'ON', 'enforce-gtid-consistency': 'ON' };
    const begin = async (settings: Readonly<Record<string, string>>, certificate: Certificate) =>
      supply.start('127.0.0.1', await freePort(), { ...gtid, ...settings }, certificate);
    [primary, replica] = await Promise.all([
      begin({ 'server-id': '1' }, authority.issue('DNS:db.example,IP:127.0.0.1')),
      begin({ 'server-id': '2', max_connections: '10' }, authority.issue('DNS:db.example', '2021')),
    ]);
    await primary.sql(
      `create user probe@'%' identified by 'secret'; grant replication client on *.* to probe@'%';
       create user repl@'%' identified by 'repl'; grant replication slave on *.* to repl@'%';
       create user bare@'%' identified by 'secret'; create database shop; create table shop.o (id int primary key)`,
    );
    await replica.sql(
      `change replication source to source_host='127.0.0.1', source_port=${primary.port}, source_user='repl',
       source_password='repl', get_source_public_key=1, source_auto_position=1, source_connect_retry=1;
       start replica`,
    );
    await becomes(replica, { role: 'Replica', lagSeconds: 0 });
  }, 60_000);
  afterAll(async () => {
    await replica.remove();
    await primary.remove();
  });

  describe('asked without credentials', () => {
    it('is up where it refuses an account that does not exist', async () => {
      const message =
        "1045: Access denied for user 'external_backend_probe'@'localhost' (using password: NO)";
      expect(await greet(primary)).toEqual({ kind: 'up', reason: 'AuthRequired', message });
      expect(await greet(primary, { tls: trusted })).toEqual({ kind: 'up', reason: 'AuthRequired', message });
    });

    it.each([
      ['without a password', "identified by ''", 'Responded'],
      ['with one', "identified by 'hunter2'", 'AuthRequired'],
      [
        'with a password hashed as sha256_password does',
        "identified with sha256_password by 'x'",
        'AuthRequired',
      ],
    ])('is up where an account of that name is there %s', async (_, identified, reason) => {
      await primary.sql(`create user external_backend_probe@'%' ${identified}`);
      for (const tls of [{}, { tls: trusted }])
        expect(await greet(primary, tls)).toMatchObject({ kind: 'up', reason });
      await primary.sql("drop user external_backend_probe@'%'");
    });

    it.each([
      ['a certificate of an unknown authority', { serverName: 'db.example' }, 'TlsFailed'],
      ['a certificate of another name', { ...trusted, serverName: 'other.example' }, 'TlsFailed'],
      ['any certificate where none is looked at', { insecureSkipVerify: true }, 'AuthRequired'],
    ])('judges %s', async (_, tls, reason) => {
      expect(await greet(primary, { tls })).toMatchObject({
        reason,
        kind: reason === 'TlsFailed' ? 'down' : 'up',
      });
    });

    it('says that a certificate has expired', async () => {
      expect(await greet(replica, { tls: trusted })).toMatchObject({
        kind: 'down',
        reason: 'CertificateExpired',
      });
    });

    it('is up where TLS is required, and none is wanted here', async () => {
      await primary.sql('set global require_secure_transport = on');
      expect(await greet(primary)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
      expect(await ask(primary)).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
      expect(await ask(primary, { tls: trusted })).toMatchObject({ kind: 'up', reason: 'Responded' });
      await primary.sql('set global require_secure_transport = off');
    });

    it('takes its slot for a moment only', async () => {
      await primary.sql('flush status');
      for (let count = 0; count < 50; count += 1) await greet(primary);
      expect(await primary.status('Max_used_connections')).toBeLessThanOrEqual(6);
    });

    it('costs this much at default settings', async () => {
      const { lines, Aborted_clients: aborted } = await cost('probes', () => greet(primary));
      // Of the plugin that the server, each time it starts, picks at random for accounts it does not know: it warns of
      // sha256_password whenever it is used.
      expect([0, 100]).toContain(lines);
      expect(aborted).toBe(0);
    });
  });

  describe('asked with credentials', () => {
    it.each([
      ['over TLS', { tls: trusted }],
      ['by the server’s RSA key', {}],
    ])('lets in who it does not remember, and who it does, %s', async (_, tls) => {
      await primary.sql('flush privileges'); // forgets who logged in
      for (let count = 0; count < 2; count += 1)
        expect(await ask(primary, tls)).toEqual({
          kind: 'up',
          reason: 'Responded',
          message: '',
          role: 'Primary',
        });
    });

    it.each([
      ['read_only', 'set global read_only = on', 'set global read_only = off'],
      ['super_read_only', 'set global super_read_only = on', 'set global read_only = off'],
    ])('follows %s', async (_, on, off) => {
      await primary.sql(on);
      expect(await ask(primary)).toMatchObject({ kind: 'up', role: 'Replica' });
      await primary.sql(off);
      expect(await ask(primary)).toMatchObject({ kind: 'up', role: 'Primary' });
    });

    it('says that replication is broken while the SQL thread stands still', async () => {
      await replica.sql('stop replica sql_thread');
      expect(await ask(replica)).toEqual({
        kind: 'down',
        reason: 'ReplicationBroken',
        message: 'the SQL thread is stopped',
        role: 'Replica',
      });
      await replica.sql('start replica');
      await becomes(replica, { kind: 'up', lagSeconds: 0 });
    });

    it('tells the number of the error that stopped it', async () => {
      await replica.sql('insert into shop.o values (7)');
      await primary.sql('insert into shop.o values (7)');
      await becomes(replica, { kind: 'down', message: 'the SQL thread is stopped by error 1062' });
      await replica.sql('set sql_log_bin = 0; delete from shop.o; start replica');
      await becomes(replica, { kind: 'up', lagSeconds: 0 });
    });

    it('knows no lag while the I/O thread stands still', async () => {
      await replica.sql('stop replica io_thread');
      const verdict = await ask(replica);
      expect(verdict).toEqual({
        kind: 'up',
        reason: 'Responded',
        message: 'the replica is not connected to its primary',
        role: 'Replica',
      });
      await replica.sql('start replica');
      await becomes(replica, { kind: 'up', lagSeconds: 0 });
    });

    it('sees the lag of a replica that has work to do', async () => {
      await replica.sql('stop replica; change replication source to source_delay=30; start replica');
      await primary.sql('insert into shop.o values (1)');
      await eventually(
        () => ask(replica),
        ({ lagSeconds = 0 }) => lagSeconds >= 1,
        { fact: 'it lags' },
      );
      await replica.sql('stop replica; change replication source to source_delay=0; start replica');
      await becomes(replica, { kind: 'up', lagSeconds: 0 });
    });

    it.each([
      ['a wrong password', 'select 1', { username: 'probe', password: 'hunter2' }, /^1045: /],
      ['an account that is not there', 'select 1', { username: 'nobody', password: 'secret' }, /^1045: /],
      ['no grant', 'select 1', { username: 'bare', password: 'secret' }, /^1227: .*REPLICATION CLIENT/],
      [
        'a locked account',
        "alter user bare@'%' account lock",
        { username: 'bare', password: 'secret' },
        /^3118: /,
      ],
      [
        'an expired password',
        "alter user bare@'%' account unlock password expire",
        { username: 'bare', password: 'secret' },
        /^1862: /,
      ],
    ])('is up, of unknown role: %s', async (_, statement, account, message) => {
      await primary.sql(statement);
      for (const tls of [{}, { tls: trusted }]) {
        const verdict = await ask(primary, { credentials: { ...account, allowClearText: true }, ...tls });
        expect(verdict).toEqual({
          kind: 'up',
          reason: 'AuthFailed',
          message: expect.stringMatching(message),
        });
      }
    });

    it('is NotServing in offline mode, which who is not let in cannot know', async () => {
      await primary.sql('set global offline_mode = on');
      expect(await ask(primary)).toMatchObject({ kind: 'down', reason: 'NotServing' });
      expect(await greet(primary)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
      await primary.sql('set global offline_mode = off');
      expect(await ask(primary)).toMatchObject({ kind: 'up', role: 'Primary' });
    });

    it('costs this much at default settings', async () => {
      expect(await cost('logins', () => ask(primary))).toMatchObject({ lines: 0, Aborted_clients: 0 });
    });

    it('leaves no connection behind', async () => {
      await eventually(
        () => primary.status('Threads_connected'),
        (threads) => threads <= 2,
        { fact: 'all are gone but the one that asks, and the replica’s' },
      );
    });
  });

  describe('in trouble', () => {
    it('is Saturated when every slot is taken: at once with an ordinary account', async () => {
      const free = await Promise.all(Array.from({ length: 10 }, () => occupy(replica.address, replica.port)));
      expect(await ask(replica)).toMatchObject({ kind: 'inconclusive', reason: 'Saturated' });
      expect(await greet(replica)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
      free.push(await occupy(replica.address, replica.port));
      const message = '1040: Too many connections';
      expect(await greet(replica)).toEqual({ kind: 'inconclusive', reason: 'Saturated', message });
      expect(await greet(replica, { saturatedIs: 'down' })).toMatchObject({
        kind: 'down',
        reason: 'Saturated',
      });
      for (const release of free) release();
    });

    it('is Timeout where the server hangs, and up again when it goes on', async () => {
      primary.freeze();
      expect(await greet(primary, {}, 300)).toMatchObject({ kind: 'down', reason: 'Timeout' });
      expect(await ask(primary, {}, 300)).toMatchObject({ kind: 'down', reason: 'Timeout' });
      primary.thaw();
      for (const how of [greet, ask])
        await eventually(
          () => how(primary),
          ({ kind }) => kind === 'up',
          { fact: 'it is up again' },
        );
    });

    it('is up without its primary, and Primary after its promotion', async () => {
      await primary.kill();
      await becomes(replica, {
        kind: 'up',
        role: 'Replica',
        message: 'the replica is not connected to its primary',
      });
      await replica.sql('stop replica; reset replica all');
      expect(await ask(replica)).toMatchObject({ kind: 'up', role: 'Primary' });
    });

    it('is Refused from when it shuts down until it serves again', async () => {
      const stopped = replica.stop();
      const endings = await Promise.all([reasonsUntil('Refused', greet), reasonsUntil('Refused', ask)]);
      await stopped;
      for (const reason of endings.flat())
        expect(['AuthRequired', 'Responded', 'ShuttingDown', 'ClosedEarly', 'Reset', 'Refused']).toContain(
          reason,
        );
      await replica.start(false);
      expect(new Set(await reasonsUntil('AuthRequired', greet))).toEqual(
        new Set(['Refused', 'AuthRequired']),
      );
    });
  });
});

/** What the replica's verdicts are until that one. */
async function reasonsUntil(end: string, how: typeof ask): Promise<readonly string[]> {
  const seen: string[] = [];
  while (seen.at(-1) !== end) seen.push((await how(replica)).reason);
  return seen;
}

/** Prints what 100 of them cost: lines in the log, and counters of the server. */
async function cost(what: string, act: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  const names = ['Connections', 'Aborted_connects', 'Aborted_clients', 'Threads_created', 'Queries'];
  const counters = async () => [
    primary.log().length,
    ...(await Promise.all(names.map((name) => primary.status(name)))),
  ];
  const before = await counters();
  for (let count = 0; count < 100; count += 1) await act();
  const grown = (await counters()).map((value, index) => value - (before[index] ?? 0));
  const costs = Object.fromEntries(['lines', ...names].map((name, index) => [name, grown[index] ?? 0]));
  console.info(`100 ${what}: ${JSON.stringify(costs)}`);
  return costs;
}
