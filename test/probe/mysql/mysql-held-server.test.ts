import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import type { MysqlHandler } from '../../../src/core/probing/check.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { startMariaDb } from '../../support/servers/mariadb.ts';
import type { MariaDb } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { bringMySql } from '../../support/servers/mysql.ts';
import type { MySql } from '../../support/servers/mysql.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';
import { credentials, held, unanswered, wrong } from '../support/held.ts';
import { useAuthority, useListeners } from '../support/resources.ts';

// As mysql-held.test.ts, with real servers that hold back or freeze.
const supply = await bringMySql();
const withMySql = supply.isHad ? describe : describe.skip;
const listen = useListeners();

const serve = (onConnection: (socket: Socket) => void) => listen({ onConnection, allowHalfOpen: true });

const checkOf = (port: number, handler: Partial<MysqlHandler> = {}, timeoutMs = 100) =>
  mysqlCheck({ address: '127.0.0.1', port }, handler, { timeoutMs });

withMySql(`${supply.title} with connection_control`, () => {
  const authority = useAuthority();
  const tls = { ca: authority.ca, serverName: 'db.example' };
  let db: MySql;
  /** Connections of the probe, whoever it says it is. */
  const connected = () =>
    db.sql(
      "select count(*) from information_schema.processlist where user not in ('root', 'event_scheduler')",
    );
  const control = (setting: string, value: number) =>
    db.sql(`set global component_connection_control.${setting} = ${value}`);

  beforeAll(async () => {
    db = await supply.start('127.0.0.1', await freePort(), {}, authority.issue('DNS:db.example'));
    await db.sql("install component 'file://component_connection_control'");
    await db.sql(
      "create user probe@'%' identified by 'secret'; create user app@'%' identified by 'secret'; grant replication client on *.* to probe@'%'",
    );
    await control('failed_connections_threshold', 1);
    await control('max_connection_delay', 2_000);
  }, 60_000);
  afterAll(async () => {
    await db.remove();
  });

  it.each([
    ['without credentials', {}],
    ['without credentials, with TLS', { tls }],
    ['with a wrong password', { credentials: wrong }],
    ['with a wrong password, with TLS', { credentials: wrong, tls }],
  ])(
    'holds one connection at most, lets clients in all the time, and is asked again when it has answered: %s',
    async (_, handler) => {
      const probe = createMysql();
      const check = checkOf(db.port, handler, 300);
      const seen: string[] = [];
      let connections = 0;
      for (let count = 0; count < 20; count += 1) {
        seen.push((await probe(check, forever)).reason);
        expect(Number(await connected())).toBeLessThanOrEqual(1);
        if (count % 10 === 0)
          expect(await db.client({ user: 'app', password: 'secret' })).toMatchObject({ code: 0 });
      }
      expect(seen).toContain('Timeout');
      connections = await db.status('Connections');
      await control('max_connection_delay', 1_000);
      await control('failed_connections_threshold', 0);
      await eventually(
        () => probe(check, forever),
        ({ kind }) => kind === 'up',
        { fact: 'it is up again' },
      );
      expect(await db.status('Connections')).toBeGreaterThan(connections);
      await control('failed_connections_threshold', 1);
      await control('max_connection_delay', 2_000);
    },
    30_000,
  );

  it('is up for a check with more time, also right after another one has timed out, on one connection at most', async () => {
    const probe = createMysql();
    const impatient = checkOf(db.port, {}, 300);
    await eventually(
      () => probe(impatient, forever),
      ({ reason }) => reason === 'Timeout',
      { fact: 'it holds back' },
    );
    const patient = checkOf(db.port, {}, 10_000);
    const waits = probe(patient, forever);
    expect(await probe(impatient, forever)).toEqual(unanswered);
    expect(Number(await connected())).toBeLessThanOrEqual(1);
    expect(await waits).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
  });

  it('lets a probe in whose password was put right, though answers are still owed to the wrong one and to the first right one', async () => {
    const probe = createMysql();
    const check = checkOf(db.port, { credentials: wrong }, 300);
    await eventually(
      () => probe(check, forever),
      ({ reason }) => reason === 'Timeout',
      { fact: 'it is held back' },
    );
    // Its first login is held back too, for the failures before; it counts as a success, though it comes late.
    const right = checkOf(db.port, { credentials }, 300);
    await eventually(
      () => probe(right, forever),
      ({ role }) => role === 'Primary',
      { fact: 'it is up' },
    );
  });
});

describe('MariaDB, frozen', () => {
  let db: MariaDb;

  beforeAll(async () => {
    db = await startMariaDb('127.0.0.1', await freePort());
    await db.sql("create user probe@'%' identified by 'secret'; grant replica monitor on *.* to probe@'%'");
  }, 60_000);
  afterAll(() => db.remove());

  afterEach(() => db.thaw());

  /** A stop is a matter of moments, in which a server could still answer. */
  const freeze = () => {
    db.freeze();
    const tasks = `/proc/${readFileSync(join(db.directory, 'pid'), 'utf8').trim()}/task`;
    const runs = (id: string) => !/\) T /.test(readFileSync(join(tasks, id, 'stat'), 'utf8'));
    while (readdirSync(tasks).some(runs));
  };

  /** Leads to the server, which freezes before it can read the n-th word of the client. */
  const freezingAt = (word: number) => {
    let clients = 0;
    return serve((client) => {
      clients += 1;
      const server = connect(db.port, db.address);
      let words = 0;
      server.on('data', (bytes) => client.write(bytes)).on('end', () => client.end());
      client.on('data', (bytes: Buffer) => {
        words += 1;
        if (words === word && clients === 1) freeze();
        server.write(bytes);
      });
      client.on('close', () => server.end());
      server.on('error', () => client.destroy());
    });
  };

  it.each([
    ['in the middle of a handshake', 1, {}, unanswered],
    ['in the middle of a login', 1, { credentials }, held('check spec.credentials')],
    [
      'in the middle of a query',
      2,
      { credentials },
      { kind: 'down', reason: 'Timeout', message: 'the login succeeded, but there is no reply to a query' },
    ],
  ])('%s, is asked no more until it goes on, and then at once', async (_, word, handler, expected) => {
    const proxy = await freezingAt(word);
    const probe = createMysql();
    const check = checkOf(proxy.port, handler, 1_000);
    for (let count = 0; count < 20; count += 1) expect(await probe(check, forever)).toEqual(expected);
    expect(proxy.accepted()).toBe(1);
    db.thaw();
    await eventually(
      () => probe(checkOf(proxy.port, handler, 5_000), forever),
      ({ kind }) => kind === 'up',
      { fact: 'it is up' },
    );
    await proxy.closed(1);
  });

  it('before its greeting, is asked once, and up when it goes on', async () => {
    const probe = createMysql();
    const before = await db.status('Connections');
    freeze();
    for (let count = 0; count < 20; count += 1)
      expect(await probe(checkOf(db.port, {}, 200), forever)).toMatchObject({ reason: 'Timeout' });
    db.thaw();
    await eventually(
      () => probe(checkOf(db.port, {}, 5_000), forever),
      ({ kind }) => kind === 'up',
      { fact: 'it is up' },
    );
    // The one of the freeze, that which found it up; and those that ask for it here.
    expect(await db.status('Connections')).toBeLessThanOrEqual(before + 4);
  });

  it('and killed then, is Refused at once', async () => {
    const proxyless = checkOf(db.port, {}, 300);
    const probe = createMysql();
    freeze();
    expect(await probe(proxyless, forever)).toMatchObject({ reason: 'Timeout' });
    await db.kill();
    await eventually(
      () => probe(proxyless, forever),
      ({ reason }) => reason === 'Refused',
      { fact: 'it refuses', deadlineMs: 2_000 },
    );
  });
});
