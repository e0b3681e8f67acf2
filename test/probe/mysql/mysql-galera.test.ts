import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MysqlHandler } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { startGalera } from '../../support/servers/galera.ts';
import type { Galera } from '../../support/servers/galera.ts';
import { startMariaDb } from '../../support/servers/mariadb.ts';
import type { MariaDb } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';

const probe = createMysql();
const credentials = { username: 'probe', password: 'secret' };
const account = "create user probe@'%' identified by 'secret'; grant replica monitor on *.* to probe@'%';";

const ask = (db: MariaDb, handler: Partial<MysqlHandler> = {}, timeoutMs = 5_000) =>
  probe(mysqlCheck(db, handler, { timeoutMs }), forever);
const askLoggedIn = (db: MariaDb, timeoutMs?: number) => ask(db, { credentials }, timeoutMs);

const becomes = (db: MariaDb, isWanted: (verdict: Verdict) => boolean) =>
  eventually(() => askLoggedIn(db), isWanted, { deadlineMs: 20_000 });
const isUp = ({ kind }: Verdict) => kind === 'up';
const isDown = ({ kind }: Verdict) => kind === 'down';

const writable = { kind: 'up', reason: 'Responded', message: '', role: 'Primary' };
const down = (message: string) => ({ kind: 'down', reason: 'NotServing', message });

describe('mysql, and a Galera cluster of two nodes', () => {
  let galera: Galera;
  let first: MariaDb;
  let second: MariaDb;

  beforeAll(async () => {
    galera = await startGalera(
      `${account} create database shop; create table shop.o (id int primary key);
       create user app@'%' identified by 'app'; grant all on shop.* to app@'%'`,
    );
    ({ first, second } = galera);
    await becomes(second, isUp);
  }, 40_000);
  afterAll(() => galera.remove());

  /** What an application is told that reads a table there. */
  const read = (db: MariaDb) =>
    db.client({ user: 'app', password: 'app', statements: 'select count(*) from shop.o' });

  it('calls each synced node primary', async () => {
    expect(await askLoggedIn(first)).toEqual(writable);
    expect(await askLoggedIn(second)).toEqual(writable);
    expect(await ask(second)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
  });

  it('takes a node out while it is a donor, or desynced by hand', async () => {
    await second.sql('set global wsrep_desync = on');
    expect(await askLoggedIn(second)).toEqual(down('Galera node state: Donor/Desynced'));
    await second.sql('set global wsrep_desync = off');
    await becomes(second, isUp);
  });

  it('takes a node out that was told to reject queries, though it is synced', async () => {
    await second.sql('set global wsrep_reject_queries = all');
    expect((await read(second)).stderr).toMatch(/ERROR 1047 .*WSREP has not yet prepared node/);
    expect(await askLoggedIn(second)).toEqual(down('wsrep_reject_queries is ALL'));
    await second.sql('set global wsrep_reject_queries = none');
    expect(await askLoggedIn(second)).toEqual(writable);
  });

  it('calls a node that is read only a replica', async () => {
    await second.sql('set global read_only = on');
    expect(await askLoggedIn(second)).toMatchObject({ kind: 'up', role: 'Replica', message: 'read_only' });
    await second.sql('set global read_only = off');
  });

  it('takes out a node that has no quorum, which without credentials cannot be seen', async () => {
    await second.sql("set global wsrep_provider_options = 'gmcast.isolate=1'");
    await becomes(second, isDown);
    const alone = down('Galera node state: Initialized');
    expect(await askLoggedIn(second)).toEqual(alone);
    expect((await read(second)).stderr).toMatch(/ERROR 1047 .*WSREP has not yet prepared node/);
    expect(await ask(second)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    await becomes(first, isDown);
    expect(await askLoggedIn(first)).toEqual(alone);
  });

  it('takes both nodes back when they have found each other', async () => {
    await second.sql("set global wsrep_provider_options = 'gmcast.isolate=0'");
    await becomes(first, isUp);
    await becomes(second, isUp);
    expect(await askLoggedIn(first)).toEqual(writable);
    expect(await askLoggedIn(second)).toEqual(writable);
  });

  it('costs this much', async () => {
    const names = ['Connections', 'Aborted_connects', 'Queries'];
    const counters = () => Promise.all(names.map((name) => first.status(name)));
    const [before, lines] = [await counters(), first.log().length];
    for (let count = 0; count < 100; count += 1) await askLoggedIn(first);
    const grown = (await counters()).map((value, index) => value - (before[index] ?? 0));
    const told = first.log().slice(lines - 1);
    const written = told.filter((line) => line !== '' && !line.includes('WSREP')).length;
    const counted = names.map((name, index) => `${name} +${grown[index] ?? 0}`).join(', ');
    console.info(`100 logins to a Galera node: ${written} log lines, ${counted}`);
    expect(written).toBe(0);
  });

  it('is Refused while a node that starts finds no cluster', async () => {
    await first.kill();
    await second.kill();
    await second.start(false);
    await eventually(
      () => Promise.resolve(second.log().slice(-20).join()),
      (log) => log.includes('Failed to establish connection: Connection refused'),
      { fact: 'it waits for its peer' },
    );
    expect(await askLoggedIn(second)).toMatchObject({ kind: 'down', reason: 'Refused' });
  });
});

describe('mysql, and a MariaDB that could be a Galera node but has no provider', () => {
  let alone: MariaDb;
  beforeAll(async () => {
    alone = await startMariaDb('127.0.0.1', await freePort(), { wsrep_on: 'ON', binlog_format: 'ROW' });
  });
  afterAll(() => alone.remove());

  it('is as well as any', async () => {
    await alone.sql(account);
    expect(await askLoggedIn(alone)).toEqual(writable);
  });
});
