import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { PostgresHandler } from '../../../src/core/probing/check.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { freePort } from '../../support/servers/ports.ts';
import { startPgBouncer } from '../../support/servers/pgbouncer.ts';
import type { PgBouncer } from '../../support/servers/pgbouncer.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';

// Whether the password goes out is decided by what pg_hba.conf of a real server, and a real PgBouncer, ask for.
const probe = createPostgres();
const authority = useAuthority();
const credentials = { username: 'watcher', password: 'open sesame' };
const tls = { ca: authority.ca };
const poolers: PgBouncer[] = [];
let server: PostgresCluster;

beforeAll(async () => {
  server = await createPostgresCluster();
  const { cert, key } = authority.issue('DNS:db.example');
  server.write('server.crt', cert);
  server.write('server.key', key);
  await server.start({ ssl: 'on' });
  await server.query(`set password_encryption = 'md5'; create role watcher login password 'open sesame'`);
  await server.query("create role modern login password 'open sesame'");
}, 60_000);
afterEach(async () => {
  await Promise.all(poolers.splice(0).map((pooler) => pooler.remove()));
});
afterAll(async () => {
  await server.remove();
});

const ask = (port: number, more: Partial<PostgresHandler>) => {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'prefer',
    saturatedIs: 'inconclusive',
    credentials,
    tls,
    ...more,
  };
  return probe(tcpCheck(port, { handler, host: 'db.example', timeoutMs: 10_000 }), forever);
};

const primary = { kind: 'up', reason: 'Responded', message: '', role: 'Primary', epoch: 1 };
const fix = 'set sslMode: verify-full (or credentials.allowClearText: true)';
const inClear = {
  kind: 'up',
  reason: 'CredentialsWithheld',
  message: `the password would be sent in clear text: ${fix}`,
};
const toAnyone = { ...inClear, message: `the password would go to an unverified server: ${fix}` };
const modern = { ...credentials, username: 'modern' };

const modes = [
  ['disable', inClear],
  ['prefer', toAnyone],
  ['require', toAnyone],
  ['verify-ca', primary],
  ['verify-full', primary],
] as const;

describe('PostgreSQL', () => {
  it.each(
    ['password', 'md5'].flatMap((method) => modes.map(([mode, verdict]) => ({ method, mode, verdict }))),
  )(
    'that asks by $method with sslMode $mode gets the password of a verified connection alone',
    async ({ method, mode, verdict }) => {
      await server.admit(`host all all 0.0.0.0/0 ${method}`);
      expect(await ask(server.port, { sslMode: mode })).toEqual(verdict);
      const allowed = { ...credentials, allowClearText: true };
      expect(await ask(server.port, { sslMode: mode, credentials: allowed })).toEqual(primary);
    },
  );

  it.each(['scram-sha-256', 'md5', 'trust'].flatMap((method) => modes.map(([mode]) => ({ method, mode }))))(
    'that asks by $method, of an account with a SCRAM secret, with sslMode $mode is logged in to',
    async ({ method, mode }) => {
      await server.admit(`host all all 0.0.0.0/0 ${method}`);
      expect(await ask(server.port, { sslMode: mode, credentials: modern })).toEqual(primary);
    },
  );

  it('has no line in its log and no session of a login that is withheld', async () => {
    await server.admit('host all all 0.0.0.0/0 password');
    const before = server.log().length;
    for (let run = 0; run < 20; run += 1) expect(await ask(server.port, {})).toEqual(toAnyone);
    const lines = server.log().slice(before);
    expect(lines.filter((line) => !/checkpoint/.test(line))).toEqual([]);
  });
});

describe('PgBouncer', () => {
  it.each([
    ['plain', inClear],
    ['md5', inClear],
    ['scram-sha-256', primary],
  ])('that asks by %s', async (auth_type, verdict) => {
    await server.admit('host all all 0.0.0.0/0 trust');
    const users = { [credentials.username]: credentials.password };
    const pooler = await startPgBouncer({ port: await freePort(), server, users, settings: { auth_type } });
    poolers.push(pooler);
    expect(await ask(pooler.port, {})).toEqual(verdict);
    const allowed = { ...credentials, allowClearText: true };
    expect(await ask(pooler.port, { credentials: allowed })).toEqual(primary);
  });
});
