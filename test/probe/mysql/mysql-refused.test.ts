import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { createFallbacks } from '../../../src/probe/connection/fallbacks.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { startMariaDb } from '../../support/servers/mariadb.ts';
import type { MariaDb } from '../../support/servers/mariadb.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';
import { error, greeting, ok } from '../support/mysql-bytes.ts';
import { useListeners } from '../support/resources.ts';

const credentials = { username: 'probe', password: 'secret' };
let db: MariaDb;
let now = 0;
let probe = createMysql();

const ask = (where: { readonly address: string; readonly port: number } = db, account = credentials) =>
  probe(mysqlCheck(where, { credentials: account }), forever);

beforeAll(async () => {
  db = await startMariaDb('127.0.0.1', await freePort(), { 'max-user-connections': '1000' });
  await db.sql("create user probe@'%' identified by 'secret'; grant replica monitor on *.* to probe@'%'");
  await db.sql("create user bare@'%' identified by 'secret'");
});
afterAll(() => db.remove());
beforeEach(() => {
  probe = createMysql(undefined, createFallbacks({ now: () => now }));
});

const primary = { kind: 'up', reason: 'Responded', role: 'Primary' };
const reset = `alter user probe@'%' with max_queries_per_hour 0 max_connections_per_hour 0
  max_user_connections 0 max_statement_time 0; set global init_connect = '', max_user_connections = 1000; flush user_resources`;

describe('a logged-in mysql probe that gets no role', () => {
  it.each([
    ['logins in an hour', "alter user probe@'%' with max_connections_per_hour 1", 1, /^1226: /],
    ['queries in an hour', "alter user probe@'%' with max_queries_per_hour 1", 0, /^1226: /],
    [
      'an init_connect that fails',
      "set global init_connect = 'select * from none.none'",
      0,
      /^(1184|1046|1142|1146)?/,
    ],
    ['rights that are taken away', "alter user probe@'%' account lock", 0, /^4151: /],
  ])('is up and reported by a limit of its own: %s', async (_, limit, before, message) => {
    await db.sql(limit);
    for (let run = 0; run < before; run += 1) await ask();
    const said = await ask();
    expect(said).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
    expect(said.message).toMatch(message);
    expect(said).not.toHaveProperty('role');
    await db.sql(`${reset}; alter user probe@'%' account unlock`);
    expect(await ask()).toMatchObject(primary);
  });

  it.each([
    ['of the account', "alter user probe@'%' with max_user_connections 1", /^1226: /],
    ['of every account', 'set global max_user_connections = 1', /^1203: /],
  ])('is up and reported where all connections %s are taken', async (_, limit, message) => {
    const held = db.client({ user: 'probe', password: 'secret', statements: 'select sleep(3)' });
    await eventually(
      () => db.sql("select count(*) from information_schema.processlist where user = 'probe'"),
      (count) => count === '1',
      { fact: 'the connection is there' },
    );
    await db.sql(limit);
    const said = await ask();
    await held;
    await db.sql(reset);
    expect(said).toMatchObject({ kind: 'up', reason: 'AuthFailed', message: expect.stringMatching(message) });
  });
});

describe('a mysql probe without the right to see replication', () => {
  const asked = () => db.status('Com_show_slave_status');
  const bare = { ...credentials, username: 'bare' };

  it('asks once in ten minutes, and reports the missing grant each time', async () => {
    const before = await asked();
    for (let run = 0; run < 10; run += 1)
      expect(await ask(db, bare)).toMatchObject({
        kind: 'up',
        reason: 'AuthFailed',
        message: expect.stringMatching(/^1227: /),
      });
    expect((await asked()) - before).toBe(1);
    await db.sql("grant replica monitor on *.* to bare@'%'");
    now += 800_000;
    expect(await ask(db, bare)).toMatchObject(primary);
  });
});

describe('a mysql probe of a server that refuses writes by another variable', () => {
  afterEach(() => db.sql('set global read_only = off, tx_read_only = off'));

  it('takes it for a replica with innodb_read_only, as the readers of Aurora have it', async () => {
    await db.stop();
    const reader = await db.copy(await freePort(), { 'innodb-read-only': '1' });
    await Promise.all([db.start(), reader.start()]);
    expect(await ask(reader)).toMatchObject({ kind: 'up', role: 'Replica', message: 'innodb_read_only' });
    expect(await ask()).toMatchObject(primary);
    await reader.remove();
  });

  it('reports a primary whose transactions are read only by default', async () => {
    await db.sql('set global tx_read_only = on');
    expect(await ask()).toMatchObject({ kind: 'up', reason: 'ReadOnly', role: 'Primary' });
  });
});

const listen = useListeners();

async function against(behave: (socket: Socket) => void) {
  const listener = await listen({ onConnection: behave });
  return ask({ address: '127.0.0.1', port: listener.port });
}

describe('a logged-in mysql probe and an error, in every stage', () => {
  const stages: Readonly<Record<string, (answer: (sequence: number) => Buffer) => (socket: Socket) => void>> =
    {
      'in place of the greeting': (answer) => (socket) => void socket.end(answer(0)),
      'in answer to the login': (answer) => (socket) => {
        socket.write(greeting());
        socket.once('data', () => socket.end(answer(2)));
      },
      'in answer to the question': (answer) => (socket) => {
        socket.write(greeting());
        socket.once('data', () => {
          socket.write(ok(2));
          socket.on('data', (query: Buffer) => {
            if (query[4] === 3) socket.write(answer(1));
          });
        });
      },
    };
  const errors: readonly (readonly [number, string, string, string])[] = [
    [1226, '42000', 'up', 'AuthFailed'],
    [1203, '42000', 'up', 'AuthFailed'],
    [1044, '42000', 'up', 'AuthFailed'],
    [1142, '42000', 'up', 'AuthFailed'],
    [1064, '42000', 'up', 'AuthFailed'],
    [1193, 'HY000', 'up', 'AuthFailed'],
    [3024, 'HY000', 'up', 'AuthFailed'],
    [1820, 'HY000', 'up', 'AuthFailed'],
    [9001, 'HY000', 'down', 'NotServing'],
    [2003, 'HY000', 'down', 'NotServing'],
    [1047, '08S01', 'down', 'NotServing'],
    [1040, '08004', 'inconclusive', 'Saturated'],
  ];
  const rows = Object.keys(stages).flatMap((stage) => errors.map((each) => [stage, ...each] as const));

  it.each(rows)('%s: %i %s is %s %s', async (stage, code, state, kind, reason) => {
    const behave = stages[stage]?.((sequence) => error(sequence, code, 'its words', state));
    const said = await against(behave ?? (() => undefined));
    expect(said).toEqual({ kind, reason, message: `${code}: its words` });
  });
});
