import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { PostgresHandler } from '../../../src/core/probing/check.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { eventually } from '../../support/eventually.ts';
import { startPgpool } from '../../support/servers/pgpool.ts';
import type { Pgpool } from '../../support/servers/pgpool.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import { forever, tcpCheck } from '../support/checks.ts';

const credentials = { username: 'watcher', password: 'open sesame' };
const probe = createPostgres();
let server: PostgresCluster;
let pooler: Pgpool;

const ask = (more: Partial<PostgresHandler> = {}) => {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'prefer',
    saturatedIs: 'inconclusive',
    ...more,
  };
  return probe(tcpCheck(pooler.port, { handler, timeoutMs: 5_000 }), forever);
};

beforeAll(async () => {
  server = await createPostgresCluster();
  await server.admit('host all all 0.0.0.0/0 trust');
  await server.start();
  await server.query(`create role watcher login password '${credentials.password}'`);
  pooler = await startPgpool(server);
}, 60_000);
afterAll(async () => {
  await pooler.remove();
  await server.remove();
});

it('is what the server behind pgpool is: its role, errors about who asks, and down with its words when it is gone', async () => {
  expect(await ask({ credentials })).toMatchObject({ kind: 'up', reason: 'Responded', role: 'Primary' });
  expect(await ask({ credentials, database: 'none' })).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
  await server.kill();
  for (const handler of [{ credentials }, {}]) {
    const said = await eventually(
      () => ask(handler),
      ({ kind, reason }) => kind === 'down' && reason === 'NotServing',
      { fact: 'it says that nothing is behind it' },
    );
    expect(said.message).toMatch(/^\w{5} .*(backend|connection)/);
  }
}, 60_000);
