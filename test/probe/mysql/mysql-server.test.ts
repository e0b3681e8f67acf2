import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { MysqlHandler } from '../../../src/core/probing/check.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { occupy, startMariaDb } from '../../support/servers/mariadb.ts';
import type { MariaDb } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';

const authority = useAuthority();
const probe = createMysql();
let db: MariaDb;

const ask = (handler: Partial<MysqlHandler> = {}, timeoutMs = 5_000) =>
  probe(mysqlCheck(db, handler, { timeoutMs }), forever);

beforeAll(async () => {
  const certificate = authority.issue('DNS:db.example');
  db = await startMariaDb('127.0.0.1', await freePort(), { max_connections: '10' }, certificate);
});
afterAll(async () => {
  await db.remove();
});

describe('mysql without credentials, and a real MariaDB', () => {
  it('is up where the server refuses an account that does not exist', async () => {
    expect(await ask()).toEqual({
      kind: 'up',
      reason: 'AuthRequired',
      message: "1045: Access denied for user 'external_backend_probe'@'localhost' (using password: YES)",
    });
  });

  it('is up where an account of that name lets it in', async () => {
    await db.sql("create user external_backend_probe@'%'; set password for external_backend_probe@'%' = ''");
    expect(await ask()).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    await db.sql("drop user external_backend_probe@'%'");
  });

  it('takes its slot for a moment only', async () => {
    for (let count = 0; count < 50; count += 1) await ask();
    expect(await db.status('Max_used_connections')).toBeLessThanOrEqual(3);
  });

  it.each([
    ['a good certificate', { ca: authority.ca, serverName: 'db.example' }, 'AuthRequired'],
    ['a certificate of an unknown authority', { serverName: 'db.example' }, 'TlsFailed'],
    ['a certificate of another name', { ca: authority.ca, serverName: 'other.example' }, 'TlsFailed'],
    ['any certificate where none is looked at', { insecureSkipVerify: true }, 'AuthRequired'],
  ])('judges %s behind TLS', async (_, tls, reason) => {
    expect(await ask({ tls })).toMatchObject({ reason, kind: reason === 'AuthRequired' ? 'up' : 'down' });
  });

  it('says that a certificate has expired', async () => {
    const old = authority.issue('DNS:db.example', '2021');
    const other = await startMariaDb('127.0.0.1', await freePort(), {}, old);
    const check = mysqlCheck(other, { tls: { ca: authority.ca, serverName: 'db.example' } });
    expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'CertificateExpired' });
    await other.remove();
  });

  it('is Saturated when every slot is taken, the one kept for an administrator too', async () => {
    // max_connections and one more; nine of them wait for a greeting to be answered.
    const free = await Promise.all(Array.from({ length: 10 }, () => occupy(db.address, db.port)));
    expect(await ask()).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    free.push(await occupy(db.address, db.port));
    expect(await ask()).toEqual({
      kind: 'inconclusive',
      reason: 'Saturated',
      message: '1040: Too many connections',
    });
    expect(await ask({ saturatedIs: 'down' })).toMatchObject({ kind: 'down', reason: 'Saturated' });
    for (const release of free) release();
  });

  it('is up where the server knows no account of our address', async () => {
    const closed = await startMariaDb('127.0.0.1', await freePort());
    await closed.sql(
      "delete from mysql.global_priv where host in ('127.0.0.1', '::1', '%') or user = 'root' and host <> 'localhost'; flush privileges",
    );
    await closed.sql(
      "rename user root@localhost to root@'192.0.2.1', 'mariadb.sys'@localhost to 'mariadb.sys'@'192.0.2.2'",
    );
    expect(await probe(mysqlCheck(closed), forever)).toMatchObject({
      kind: 'up',
      reason: 'AuthRequired',
      message: expect.stringMatching(/^1130: Host '.*' is not allowed to connect/) as unknown,
    });
    await closed.remove();
  });

  it('is Timeout where the server hangs, and up again when it goes on', async () => {
    db.freeze();
    expect(await ask({}, 300)).toMatchObject({ kind: 'down', reason: 'Timeout' });
    db.thaw();
    await eventually(
      () => ask(),
      ({ kind }) => kind === 'up',
      { fact: 'it is up again' },
    );
  });

  it('is Refused while the server starts, then up: it opens its port when it can serve', async () => {
    await db.kill();
    await db.start(false);
    const seen: string[] = [];
    for (let last = ''; last !== 'AuthRequired';) {
      last = (await ask()).reason;
      seen.push(last);
    }
    expect(new Set(seen)).toEqual(new Set(['Refused', 'AuthRequired']));
  });

  it('costs this much at default settings', async () => {
    const names = ['Connections', 'Aborted_connects', 'Threads_created'];
    const counters = () => Promise.all(names.map((name) => db.status(name)));
    const [before, lines] = [await counters(), db.log().length];
    for (let count = 0; count < 100; count += 1) await ask();
    const grown = (await counters()).map((value, index) => value - (before[index] ?? 0));
    const written = db.log().length - lines;
    console.info(
      `100 probes: ${written} log lines, ${names.map((name, index) => `${name} +${grown[index] ?? 0}`).join(', ')}`,
    );
    expect(written).toBeLessThanOrEqual(101);
  });
});
