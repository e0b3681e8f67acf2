import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Check, PostgresHandler } from '../../../src/core/probing/check.ts';
import { createFallbacks } from '../../../src/probe/connection/fallbacks.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { forever, tcpCheck } from '../support/checks.ts';

const credentials = { username: 'watcher', password: 'open sesame' };
let server: PostgresCluster;
let now = 0;
let probe = createPostgres();

function check(more: Partial<PostgresHandler> = {}): Check {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'disable',
    saturatedIs: 'inconclusive',
    credentials,
    database: 'shop',
    ...more,
  };
  return tcpCheck(server.port, { handler, timeoutMs: 10_000 });
}

const ask = (more: Partial<PostgresHandler> = {}) => probe(check(more), forever);
const primary = { kind: 'up', reason: 'Responded', role: 'Primary' };

/** Statements are run one by one: some cannot be in a transaction. */
async function query(...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await server.query(statement);
}

beforeAll(async () => {
  server = await createPostgresCluster();
  await server.start();
  await query(`create role watcher login password '${credentials.password}'`, 'create database shop');
});
afterAll(() => server.remove());
beforeEach(() => {
  probe = createPostgres(createFallbacks({ now: () => now }));
});

/** Sessions of the account are over: they count against its limit. */
async function noSession(): Promise<void> {
  while ((await server.query("select count(*) from pg_stat_activity where usename = 'watcher'")) !== '0');
}

describe('a logged-in postgres probe that gets no role', () => {
  it.each([
    [
      'may not connect',
      ['revoke connect on database shop from public'],
      ['grant connect on database shop to public'],
      /^42501 /,
    ],
    [
      'finds its database renamed',
      ['alter database shop rename to store'],
      ['alter database store rename to shop'],
      /^3D000 /,
    ],
    [
      'finds its database closed',
      ['alter database shop allow_connections false'],
      ['alter database shop allow_connections true'],
      /^55000 /,
    ],
    ['may not log in', ['alter role watcher nologin'], ['alter role watcher login'], /^28000 /],
    [
      'has an expired password',
      ["alter role watcher valid until '2020-01-01'"],
      ["alter role watcher valid until 'infinity'"],
      /^28P01 /,
    ],
    [
      'is over its own limit',
      ['alter role watcher connection limit 0'],
      ['alter role watcher connection limit -1'],
      /^53300 too many connections for role/,
    ],
  ])('is up and reported where the account %s, and takes it back', async (_, spoil, mend, message) => {
    expect(await ask()).toMatchObject(primary);
    await noSession();
    await query(...spoil);
    const refused = { kind: 'up', reason: 'AuthFailed', message: expect.stringMatching(message) };
    expect(await ask()).toEqual(refused);
    expect(await ask()).toEqual(refused);
    await query(...mend);
    expect(await ask()).toMatchObject(primary);
  });

  it('is up and reported where a statement_timeout of the role ends each question', async () => {
    await query("alter role watcher set statement_timeout = '1ms'");
    const said = await ask();
    expect([said.kind, said.reason === 'AuthFailed' || said.role === 'Primary']).toEqual(['up', true]);
    await query('alter role watcher reset all');
  });

  it('is up and reported where it may not even ask for the role', async () => {
    await query('revoke execute on function pg_is_in_recovery() from public');
    expect(await ask({ database: 'postgres' })).toMatchObject({
      kind: 'up',
      reason: 'AuthFailed',
      message: '42501 permission denied for function pg_is_in_recovery',
    });
    await query('grant execute on function pg_is_in_recovery() to public');
  });
});

describe('a postgres probe of a server that refuses half of its question', () => {
  const askHere = (more: Partial<PostgresHandler> = {}) => ask({ database: 'postgres', ...more });
  const errors = () => server.log().filter((line) => line.includes('ERROR')).length;

  it('reports the role, logs one error, and asks for all again after ten minutes', async () => {
    await query('revoke execute on function pg_walfile_name(pg_lsn) from public');
    const before = errors();
    for (let run = 0; run < 20; run += 1) {
      const said = await askHere();
      expect(said).toMatchObject(primary);
      expect(said).not.toHaveProperty('epoch');
    }
    expect(errors() - before).toBe(1);
    now += 800_000;
    await askHere();
    await askHere();
    expect(errors() - before).toBe(2);
    await query('grant execute on function pg_walfile_name(pg_lsn) to public');
    now += 800_000;
    expect(await askHere()).toMatchObject({ ...primary, epoch: 1 });
    expect(errors() - before).toBe(2);
  });

  it('asks for all at once when it has another password', async () => {
    await query('revoke execute on function pg_walfile_name(pg_lsn) from public');
    expect(await askHere()).not.toHaveProperty('epoch');
    await query('grant execute on function pg_walfile_name(pg_lsn) to public');
    expect(await askHere()).not.toHaveProperty('epoch');
    await query("alter role watcher password 'another'");
    const other = { credentials: { ...credentials, password: 'another' } };
    expect(await askHere(other)).toMatchObject({ ...primary, epoch: 1 });
    await query(`alter role watcher password '${credentials.password}'`);
  });
});
