import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MysqlHandler } from '../../../src/core/probing/check.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { startMariaDb } from '../../support/servers/mariadb.ts';
import type { MariaDb } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { bringMySql } from '../../support/servers/mysql.ts';
import type { MySql } from '../../support/servers/mysql.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';

// Whether the password goes out is decided by the authentication plugin of the account, on real servers.
const authority = useAuthority();
const certificate = authority.issue('DNS:db.example');
const verified = { ca: authority.ca, serverName: 'db.example' };
const unverified = { insecureSkipVerify: true };
const supply = await bringMySql();
const withMySql = supply.isHad ? describe : describe.skip;
const primary = { kind: 'up', reason: 'Responded', message: '', role: 'Primary' };
const fix = '(or credentials.allowClearText: true)';
const inClear = {
  kind: 'up',
  reason: 'CredentialsWithheld',
  message: `the password would be sent in clear text: set tls ${fix}`,
};
const toAnyone = {
  ...inClear,
  message: `the password would go to an unverified server: remove insecureSkipVerify ${fix}`,
};

/** Asks with no memory of earlier runs, so many times. */
async function ask(db: MariaDb, username: string, handler: Partial<MysqlHandler> = {}, times = 1) {
  const probe = createMysql();
  const credentials = { username, password: 'secret' };
  const verdicts = [];
  for (let run = 0; run < times; run += 1)
    verdicts.push(await probe(mysqlCheck(db, { credentials, ...handler }), forever));
  return verdicts;
}

describe('MariaDB', () => {
  let db: MariaDb;
  beforeAll(async () => {
    db = await startMariaDb('127.0.0.1', await freePort(), {}, certificate);
    await db.sql("create user native@'%' identified by 'secret'; grant replica monitor on *.* to native@'%'");
  }, 60_000);
  afterAll(() => db.remove());

  it('is logged in to by mysql_native_password with and without TLS, because that reveals no password', async () => {
    expect(await ask(db, 'native')).toEqual([primary]);
    expect(await ask(db, 'native', { tls: unverified })).toEqual([primary]);
    expect(await ask(db, 'native', { tls: verified })).toEqual([primary]);
  });
});

withMySql(supply.title, () => {
  let db: MySql;
  beforeAll(async () => {
    db = await supply.start('127.0.0.1', await freePort(), {}, certificate);
    await db.sql(
      `create user caching@'%' identified with caching_sha2_password by 'secret';
       create user strict@'%' identified with caching_sha2_password by 'secret'
         failed_login_attempts 2 password_lock_time 1;
       create user older@'%' identified with sha256_password by 'secret';
       grant replication client on *.* to caching@'%', strict@'%', older@'%'`,
    );
  }, 60_000);
  afterAll(() => db.remove());

  it('is logged in to without TLS while it has cached the account, and then the password is not asked for', async () => {
    await db.sql('flush privileges');
    expect(await ask(db, 'caching')).toEqual([inClear]);
    expect(await ask(db, 'caching', { tls: verified })).toEqual([primary]);
    expect(await ask(db, 'caching')).toEqual([primary]);
    expect(await ask(db, 'caching', { tls: unverified })).toEqual([primary]);
  });

  it.each([
    ['without TLS', {}, inClear],
    ['over TLS of any certificate', { tls: unverified }, toAnyone],
  ])('gets no password of caching_sha2_password and sha256_password %s', async (_, handler, verdict) => {
    await db.sql('flush privileges');
    expect(await ask(db, 'caching', handler, 2)).toEqual([verdict, verdict]);
    expect(await ask(db, 'older', handler, 2)).toEqual([verdict, verdict]);
  });

  it('gets the password where that is allowed', async () => {
    for (const username of ['caching', 'older'])
      for (const handler of [{}, { tls: unverified }]) {
        await db.sql('flush privileges');
        const credentials = { username, password: 'secret', allowClearText: true };
        expect(await ask(db, username, { ...handler, credentials })).toEqual([primary]);
      }
  });

  it('does not lock the account, because it is tried once in ten minutes', async () => {
    await db.sql('flush privileges');
    expect(await ask(db, 'strict', {}, 10)).toEqual(Array.from({ length: 10 }, () => inClear));
    expect(await ask(db, 'strict', { tls: verified })).toEqual([primary]);
  });
});
