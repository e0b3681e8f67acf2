import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresHandler } from '../../../src/core/probing/check.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/servers/ports.ts';
import { bringNewest, installed, startPgBouncer } from '../../support/servers/pgbouncer.ts';
import type { PgBouncer } from '../../support/servers/pgbouncer.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { forever, tcpCheck } from '../support/checks.ts';

const probe = createPostgres();
const credentials = { username: 'watcher', password: 'open sesame' };
const users = { [credentials.username]: credentials.password };
const loggedIn = { credentials };
const few = { max_connections: '8', superuser_reserved_connections: '1', max_wal_senders: '2' };
const releases = [installed, await bringNewest()];
let release = installed;
const poolers: PgBouncer[] = [];
let server: PostgresCluster;

beforeAll(async () => {
  server = await createPostgresCluster();
  await server.start(few);
  await server.query(`create role watcher login password '${credentials.password}'`);
  await server.query("create role asker superuser login password 'ask'");
});
// Each keeps connections to the server.
afterEach(async () => {
  await Promise.all(poolers.splice(0).map((pooler) => pooler.remove()));
});
afterAll(() => server.remove());

async function pool(
  settings: Readonly<Record<string, string>> = {},
  more: { readonly server?: PostgresCluster; readonly users?: Readonly<Record<string, string>> } = {},
): Promise<PgBouncer> {
  const retry = { server_login_retry: '1' };
  const pooler = await startPgBouncer({
    release,
    port: await freePort(),
    server,
    users,
    ...more,
    settings: { ...retry, ...settings },
  });
  poolers.push(pooler);
  return pooler;
}

/** Users that it does not know it asks the server for. */
const poolThatAsks = () =>
  pool(
    { auth_user: 'asker', auth_query: 'SELECT usename, passwd FROM pg_shadow WHERE usename=$1' },
    { users: { asker: 'ask' } },
  );

const ask = ({ port }: PgBouncer, more: Partial<PostgresHandler> = {}, timeoutMs = 5_000) => {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'disable',
    saturatedIs: 'inconclusive',
    ...more,
  };
  return probe(tcpCheck(port, { handler, timeoutMs }), forever);
};

const accepting = { kind: 'up', reason: 'Responded', message: '' };
const primary = { ...accepting, role: 'Primary', epoch: 1 };

describe('postgres, and PgBouncer before a server', () => {
  it('is up without credentials, whether the database exists or not, and whatever TLS is preferred', async () => {
    const pooler = await pool();
    expect(await ask(pooler)).toEqual(accepting);
    expect(await ask(pooler, { database: 'none' })).toEqual(accepting);
    expect(await ask(pooler, { sslMode: 'prefer' })).toEqual(accepting);
    expect(await ask(pooler, { sslMode: 'require' })).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
  });

  it.each(['session', 'transaction', 'statement'])(
    'knows the role and the timeline in pool mode %s',
    async (pool_mode) => {
      const pooler = await pool({ pool_mode });
      expect(await ask(pooler, loggedIn)).toEqual(primary);
      expect(await ask(pooler, loggedIn)).toEqual(primary);
    },
  );

  it('knows that a replica is behind it', async () => {
    const replica = await server.replica();
    await replica.start();
    const pooler = await pool({}, { server: replica });
    expect(await ask(pooler, loggedIn)).toMatchObject({ ...accepting, role: 'Replica' });
    await replica.remove();
  });

  it('is AuthFailed where the password is wrong, or the user unknown', async () => {
    const wrong = { credentials: { ...credentials, password: 'wrong' } };
    const refused = { kind: 'up', reason: 'AuthFailed', message: '08P01 SASL authentication failed' };
    expect(await ask(await pool(), wrong)).toEqual(refused);
    const unknown = { credentials: { ...credentials, username: 'nobody' } };
    const asking = await poolThatAsks();
    expect(await ask(asking, unknown)).toEqual({ ...refused, message: '08P01 no such user' });
    expect(await ask(asking, loggedIn)).toEqual(primary);
  });

  it('is AuthRequired where it refuses an unknown user without asking for a password', async () => {
    const refused = { kind: 'up', reason: 'AuthRequired' };
    expect(await ask(await poolThatAsks())).toEqual({ ...refused, message: '08P01 no such user' });
    expect(await ask(await pool({ auth_type: 'trust' }))).toEqual({
      ...refused,
      message: '08P01 "trust" authentication failed',
    });
  });

  it('is no verdict where max_client_conn is reached, or down on request', async () => {
    const pooler = await pool({ max_client_conn: '1' });
    const { address: host, port } = pooler;
    const { username: user, password } = credentials;
    // Whoever saw that PgBouncer has started may still be leaving.
    const client = await eventually(
      async () => {
        const next = new Client({ host, port, user, password, database: 'postgres' });
        await next.connect();
        return next;
      },
      () => true,
      { fact: 'the only slot is ours' },
    );
    const message = '08P01 no more connections allowed (max_client_conn)';
    for (const handler of [{}, loggedIn])
      expect(await ask(pooler, handler)).toEqual({ kind: 'inconclusive', reason: 'Saturated', message });
    expect(await ask(pooler, { saturatedIs: 'down' })).toEqual({
      kind: 'down',
      reason: 'Saturated',
      message,
    });
    await client.end();
    await eventually(
      () => ask(pooler),
      ({ kind }) => kind === 'up',
      { fact: 'the slot is free' },
    );
  });

  it('sees a paused database only when logged in, as Timeout, and one that is resumed', async () => {
    const pooler = await pool();
    expect(await ask(pooler, loggedIn)).toEqual(primary);
    await pooler.command('PAUSE postgres');
    expect(await ask(pooler)).toEqual(accepting);
    expect(await ask(pooler, loggedIn, 300)).toMatchObject({ kind: 'down', reason: 'Timeout' });
    await pooler.command('RESUME postgres');
    expect(await ask(pooler, loggedIn)).toEqual(primary);
  });

  it('sees a disabled database only when logged in', async () => {
    const pooler = await pool();
    expect(await ask(pooler, loggedIn)).toEqual(primary);
    await pooler.command('DISABLE postgres');
    expect(await ask(pooler)).toEqual(accepting);
    expect(await ask(pooler, loggedIn)).toEqual({
      kind: 'down',
      reason: 'NotServing',
      message: '08P01 database "postgres" is disabled',
    });
  });

  it.each([
    ['without credentials', {}, pool],
    ['with credentials', loggedIn, pool],
    ['without credentials, users asked for at the server', {}, poolThatAsks],
  ])('costs this much %s', async (name, handler, make) => {
    const pooler = await make();
    await ask(pooler, handler);
    const [before, behind] = [pooler.log().length, server.log().length];
    for (let run = 0; run < 100; run += 1) await ask(pooler, handler);
    await pooler.command('SHOW VERSION');
    const lines = pooler.log().slice(before);
    const own = lines.filter((line) => !line.includes('commander')).length;
    console.info(`100 probes ${name}: ${own} lines in PgBouncer's log`);
    expect(own).toBeLessThanOrEqual(500);
    expect(server.log().slice(behind)).toEqual([]);
  });
});

for (const each of releases)
  (each.missing === undefined ? describe : describe.skip)(`postgres, and ${each.name}`, () => {
    beforeAll(async () => {
      release = each;
      await server.kill();
      await server.start(few);
    });
    const isOld = each === installed;

    it('knows the role and the timeline', async () => {
      expect(await ask(await pool(), loggedIn)).toEqual(primary);
    });

    it('is AuthFailed where the password is wrong', async () => {
      const wrong = { credentials: { ...credentials, password: 'wrong' } };
      expect(await ask(await pool(), wrong)).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
    });

    it('is no verdict, when logged in, where all slots of the server are taken', async () => {
      await server.fill();
      const pooler = await pool();
      expect(await ask(pooler)).toEqual(accepting);
      expect(await ask(pooler, loggedIn)).toEqual({
        kind: 'inconclusive',
        reason: 'Saturated',
        message: `${isOld ? '08P01' : '53300'} sorry, too many clients already`,
      });
    });

    it('is down, when logged in, where the server shuts down', async () => {
      server.signal('SIGTERM'); // waits for its clients
      await server.logged(/received smart shutdown request/);
      const pooler = await pool();
      expect(await ask(pooler)).toEqual(accepting);
      // The newest keeps its clients waiting until the server is there again.
      const reason = isOld ? 'ShuttingDown' : 'Timeout';
      expect(await ask(pooler, loggedIn, 500)).toMatchObject({ kind: 'down', reason });
    });

    it('is down, when logged in or where it asks the server for users, until the server is back', async () => {
      await server.kill();
      await server.start(few);
      const [pooler, asking] = [await pool(), await poolThatAsks()];
      expect(await ask(pooler, loggedIn)).toEqual(primary);
      expect(await ask(asking, loggedIn)).toEqual(primary);
      await server.kill();
      expect(await ask(pooler)).toEqual(accepting);
      expect(await ask(pooler, loggedIn, 500)).toMatchObject({ kind: 'down' });
      await eventually(
        () => ask(pooler, loggedIn, 500),
        ({ reason, message }) => reason === 'NotServing' && /server login has been failing/.test(message),
        { fact: 'it says why' },
      );
      expect(await ask(asking, {}, 500)).toMatchObject({ kind: 'down' });
      await server.start(few);
      await eventually(
        () => ask(pooler, loggedIn, 500),
        ({ role }) => role === 'Primary',
        { fact: 'it is back' },
      );
    });
  });
