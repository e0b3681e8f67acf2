import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';

import { createMysql } from '../../src/probe/mysql.ts';
import { createTcpSocket } from '../../src/probe/tcp.ts';
import { addAddress } from '../controlplane/network.ts';
import { createAuthority } from '../probe/support/certificates.ts';
import { forever, tcpCheck } from '../probe/support/checks.ts';
import { eventually } from '../support/eventually.ts';
import { startMariaDb } from '../support/mariadb.ts';
import type { MariaDb } from '../support/mariadb.ts';
import { mysqlCheck } from '../support/mysql-check.ts';

// With its defaults (max_connect_errors 100, names looked up) MariaDB refuses every client of an address (1129) that left
// a hundred handshakes unfinished. Prober and client have one address here, as pods have behind that of their node.
const address = '10.20.33.1';
const probe = createMysql();
const authority = createAuthority();
const certificate = authority.issue('DNS:db.example');
let db: MariaDb;

beforeAll(async () => {
  await addAddress(address);
  db = await startMariaDb(address, 3306, {}, certificate);
  await db.sql("create user app@'%' identified by 'secret'");
});
afterAll(async () => {
  await db.remove();
  authority.remove();
});
beforeEach(() => db.sql('flush hosts'));

/** What a client of the prober's address is told: nothing wrong, or the server's error. */
async function login(): Promise<string> {
  const { stdout, stderr } = await db.client({ user: 'app', password: 'secret' });
  return stdout === '1\n' ? 'welcome' : stderr;
}

async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await act();
}

/** So many connections that ended before a login, since the start. */
async function seen(count: number): Promise<void> {
  await eventually(
    'it has seen them',
    () => db.status('Aborted_connects'),
    (aborted) => aborted >= count,
  );
}

function connectAndClose(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(db.port, db.address, () => socket.end());
    socket.resume().on('close', resolve).on('error', reject);
  });
}

describe('a MariaDB server with its defaults', () => {
  it('is recognised by a bare connection', async () => {
    expect(await createTcpSocket()(tcpCheck(db.port, { ip: db.address }), forever)).toMatchObject({
      kind: 'up',
      greeting: 'mysql',
    });
  });

  it('locks out who connects and closes a hundred times, and every client of that address', async () => {
    await times(99, connectAndClose);
    await seen(99);
    expect(await login()).toBe('welcome');
    await times(100, connectAndClose);
    await seen(199);
    expect(await login()).toMatch(/\b1129\b.* is blocked because of many connection errors/);
    expect(await probe(mysqlCheck(db), forever)).toMatchObject({ kind: 'down', reason: 'Blocked' });
  });

  it('never refuses a client after 2,000 probes, nor between them', async () => {
    for (let done = 0; done < 2_000; done += 400) {
      await times(400, async () => {
        expect(await probe(mysqlCheck(db), forever)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
      });
      expect(await login()).toBe('welcome');
    }
  });

  it('never refuses a client because the certificate is not to the prober’s liking', async () => {
    const check = mysqlCheck(db, { tls: { serverName: 'another.example', ca: authority.ca } });
    await times(150, async () => {
      expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
    });
    expect(await login()).toBe('welcome');
  });

  it('never refuses a client because a probe with credentials does not like it either', async () => {
    const credentials = { username: 'app', password: 'secret' };
    const check = mysqlCheck(db, { credentials, tls: { serverName: 'another.example', ca: authority.ca } });
    await times(150, async () => {
      expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
    });
    expect(await login()).toBe('welcome');
  });

  it('never refuses a client because probes were cancelled', async () => {
    const before = await db.status('Aborted_connects');
    await times(300, async () => {
      const cancel = new AbortController();
      const running = probe(mysqlCheck(db), cancel.signal);
      setImmediate(() => cancel.abort());
      expect(await running).toMatchObject({ reason: 'Cancelled' });
    });
    await seen(before + 300);
    expect(await login()).toBe('welcome');
  });

  it('never refuses a client because it hung while it was probed, again and again', async () => {
    for (let round = 0; round < 3; round += 1) {
      const before = await db.status('Aborted_connects');
      db.freeze();
      const check = mysqlCheck(db, {}, { timeoutMs: 300 });
      const verdicts = await Promise.all(Array.from({ length: 60 }, () => probe(check, forever)));
      expect(verdicts.map(({ reason }) => reason)).toEqual(verdicts.map(() => 'Timeout'));
      db.thaw();
      await seen(before + 60);
    }
    expect(await login()).toBe('welcome');
  });
});
