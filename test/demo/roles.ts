import { eventually } from '../support/eventually.ts';
import { createPostgresCluster } from '../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../support/servers/postgres-cluster.ts';
import { query } from '../support/servers/postgres.ts';
import { expectThat } from './stage.ts';
import type { Stage } from './stage.ts';

const sample = 'config/samples/patroni.yaml';
/** The hosts of the sample. */
const [first, second, third] = ['10.20.10.11', '10.20.10.12', '10.20.10.13'];
const port = 5432;
const rw = 'crm-db-rw.shop.svc';
const ro = 'crm-db-ro.shop.svc';
const settings = { shared_buffers: '16MB', wal_retrieve_retry_interval: '200ms' };
const write = "insert into visits values ('now') returning host(inet_server_addr())";
const read = 'select host(inet_server_addr())';
/** The password of the sample's Secret. */
const password = 'example-password-change-me';

export interface RolesOptions {
  readonly stage: Stage;
  readonly kubectl: (args: readonly string[]) => Promise<string>;
  /** Runs the same command and shows it. */
  readonly show: (...args: string[]) => Promise<string>;
}

/**
 * Shows a primary with two replicas, and a failover.
 * Returns the database servers, which the caller removes.
 */
export async function roles({ stage, show, kubectl }: RolesOptions): Promise<readonly PostgresCluster[]> {
  /** Returns the first line that psql prints; the second one contains the number of rows written. */
  const wrote = async () => (await query(rw, port, write)).split('\n')[0] ?? '';
  const seen = () => query(ro, port, read);
  const primary = () => kubectl(['get', 'xb', 'crm-db', '-n', 'shop', '-o', 'jsonpath={.status.primary}']);

  const servers = await stage.step(
    'PostgreSQL with two replicas: one Service for the primary, one for the replicas',
    async () => {
      await show('apply', '-n', 'shop', '-k', 'config/rbac-namespaced/secrets');
      const all = await replicated();
      await show('apply', '-n', 'shop', '-f', sample);
      await eventually(wrote, (address) => address === first, {
        fact: '-rw leads to the primary',
        deadlineMs: 30_000,
      });
      await eventually(seen, (address) => address !== first, {
        fact: '-ro leads to a replica',
        deadlineMs: 30_000,
      });
      await show('get', 'xb', 'crm-db', '-n', 'shop', '-o', 'wide');
      stage.show(`psql -h ${rw} -c "${write}"`, await wrote());
      stage.show(`psql -h ${ro} -c "${read}"`, await seen());
      stage.checked(`${rw} writes to ${first}, ${ro} reads from its replicas`);
      return all;
    },
  );

  await stage.step('Failover: the primary is killed, and a replica is promoted', async () => {
    const [old, next, other] = servers;
    await old.kill();
    const promotedMs = performance.now();
    await next.query('select pg_promote()');
    await eventually(wrote, (address) => address === second, {
      fact: '-rw leads to the new primary',
      deadlineMs: 30_000,
    });
    const seconds = ((performance.now() - promotedMs) / 1000).toFixed(1);
    stage.show(`psql -h ${rw} -c "${write}"`, second);
    stage.checked(`${rw} writes to ${second}, ${seconds} s after its promotion began`);
    await other.follow(next);
    await eventually(seen, (address) => address === third, {
      fact: '-ro leads to the replica',
      deadlineMs: 30_000,
    });
    await eventually(primary, (address) => address === second, {
      fact: 'the status names the primary',
      deadlineMs: 30_000,
    });
    await show('get', 'xb', 'crm-db', '-n', 'shop', '-o', 'wide');
    const events = await show(
      'get',
      'events',
      '-n',
      'shop',
      '--field-selector',
      'involvedObject.name=crm-db',
    );
    expectThat('an Event reports it', events.includes(`${second} is the primary`), events);
    stage.checked(`the status and an Event report ${second} as the primary; ${ro} reads from ${third}`);
  });
  return servers;
}

async function replicated(): Promise<readonly [PostgresCluster, PostgresCluster, PostgresCluster]> {
  const primary = await createPostgresCluster({ address: first, port });
  await primary.admit('host all app 0.0.0.0/0 trust', 'host all all 0.0.0.0/0 scram-sha-256');
  await primary.start(settings);
  await primary.query(`create role prober login password '${password}'`);
  await primary.query('create table visits (at timestamptz)');
  const replicas = [second, third].map(async (address) => {
    const replica = await primary.replica({ address, port });
    await replica.start(settings);
    return replica;
  });
  const [one, two] = await Promise.all(replicas);
  if (one === undefined || two === undefined) throw new Error('two replicas were made');
  return [primary, one, two];
}
