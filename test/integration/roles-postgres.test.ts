import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import { hosts } from '../support/builders/backends.ts';
import { eventually } from '../support/eventually.ts';
import { createPostgresCluster } from '../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../support/servers/postgres-cluster.ts';
import {
  byRole,
  openRolesWorld,
  patientlyMs,
  ro,
  rw,
  secondPrimary,
  writablePeriods,
} from '../support/cluster/roles.ts';
import type { RolesWorld } from '../support/cluster/roles.ts';
import type { Spec } from '../support/cluster/world.ts';

const port = 5432;
const passwords = { first: 'correct-horse-1', second: 'battery-staple-2' };
/** A replica looks for its primary often, and the log tells of who was let in. */
const settings = {
  shared_buffers: '16MB',
  wal_retrieve_retry_interval: '200ms',
  log_connections: 'on',
};

/** A primary and its replica, by their addresses too. */
interface Pair {
  readonly primary: PostgresCluster;
  readonly replica: PostgresCluster;
  readonly a: string;
  readonly b: string;
}

let world: RolesWorld;
let failover: Pair;
let split: Pair;
let late: Pair;
let rotation: Promise<void>;
const servers: PostgresCluster[] = [];

async function openPair(a: string, b: string): Promise<Pair> {
  const primary = await createPostgresCluster({ address: a, port });
  servers.push(primary);
  await primary.start(settings);
  await primary.query(`create role prober login password '${passwords.first}'`);
  await primary.query('create table orders (n int)');
  const replica = await primary.replica({ address: b, port });
  servers.push(replica);
  await replica.start(settings);
  return { primary, replica, a, b };
}

const backend = ({ a, b }: Pair, ...services: readonly Spec[]): Spec =>
  byRole('postgres', port, [a, b], services);

/** Beside all else, for what is read of a Secret is read again after half a minute. */
async function rotate(): Promise<void> {
  await late.primary.query(`create role rotating login password '${passwords.first}'`);
  await world.storeLogin('rotating', { username: 'rotating', password: passwords.first });
  await world.apply('rotated', {
    ...backend(late, rw('rotated'), ro('rotated')),
    credentials: { secretName: 'rotating' },
  });
  await world.serves('rotated-rw', [late.a]);
  await late.primary.query(`alter role rotating password '${passwords.second}'`);
  await eventually(refused, (count) => count > 0, {
    fact: 'the old one is refused',
    deadlineMs: patientlyMs,
  });
  const before = letIn();
  await world.storeLogin('rotating', { username: 'rotating', password: passwords.second });
  await eventually(letIn, (count) => count > before, {
    fact: 'the new one is taken',
    deadlineMs: patientlyMs,
  });
}

const refused = () => world.upVerdicts('postgres', 'AuthFailed');

const letIn = () => late.primary.log().filter((line) => line.includes('authorized: user=rotating')).length;

beforeAll(async () => {
  // As the program has it: without a handler one is chosen.
  const args = ['--auto-select-handler=true', '--log-level=debug'];
  [world, failover, split, late] = await Promise.all([
    openRolesWorld('roles-postgres', args),
    openPair('10.20.71.1', '10.20.71.2'),
    openPair('10.20.71.3', '10.20.71.4'),
    openPair('10.20.71.5', '10.20.71.6'),
  ]);
  await world.storeLogin('login', { username: 'prober', password: passwords.first });
  rotation = rotate();
  rotation.catch(() => undefined); // its own test fails with it
}, 90_000);

afterAll(async () => {
  await world.close();
  await Promise.all(servers.map((server) => server.remove()));
});

describe('PostgreSQL with a replica', () => {
  it('empties -rw while no server is primary, then publishes the new one, and the old primary returns as a replica', async () => {
    const { primary, replica, a, b } = failover;
    const periods = writablePeriods(a);
    await world.apply('orders', backend(failover, rw('orders'), ro('orders')));
    await world.serves('orders-rw', [a]);
    await world.serves('orders-ro', [b]);

    await primary.kill();
    await world.serves('orders-rw', []);
    await world.reports('orders', b, {
      role: 'Replica',
      excluded: [{ service: 'orders-rw', reason: 'NotPrimary' }],
    });
    // A promotion that comes sooner is written by the same status.
    await world.primaryEvents('orders', 2);

    periods.begins(b);
    await world.promoted('orders-rw', b, () => replica.query('select pg_promote()'));
    await world.serves('orders-ro', []);

    await primary.rewind(replica);
    periods.ends(a);
    await primary.start(settings);
    await world.serves('orders-ro', [a]);
    await world.reports('orders', a, { role: 'Replica', health: 'healthy' });
    await world.reports('orders', b, { role: 'Primary', health: 'healthy' });
    expect(periods.misrouted(world, 'orders-rw')).toEqual([]);
    expect(await world.primaryEvents('orders', 3)).toEqual([
      'PrimaryChanged',
      'PrimaryLost',
      'PrimaryChanged',
    ]);
  }, 90_000);

  it('publishes the primary on the later timeline in -rw, and excludes the other one until it is rebuilt', async () => {
    const { primary, replica, a, b } = split;
    const periods = writablePeriods(a);
    await world.apply('stock', backend(split, rw('stock'), ro('stock')));
    await world.serves('stock-rw', [a]);
    await world.serves('stock-ro', [b]);

    periods.begins(b);
    await replica.query('select pg_promote()');
    await world.serves('stock-rw', [b]);
    await world.degraded('stock', 'TwoPrimaries');
    await world.reports('stock', a, secondPrimary('stock'));
    await world.serves('stock-ro', []);

    await primary.kill();
    await primary.rebuild(replica);
    periods.ends(a);
    await primary.start(settings);
    await world.serves('stock-ro', [a]);
    await world.degraded('stock', 'AllHealthy');
    expect(periods.misrouted(world, 'stock-rw')).toEqual([]);
    expect((await world.primaryEvents('stock', 3)).toSorted()).toEqual([
      'PrimaryChanged',
      'PrimaryChanged',
      'TwoPrimaries',
    ]);
  }, 90_000);

  it('removes a replica with too much lag only from the Service with maxLagSeconds, and adds it again', async () => {
    const { primary, replica, a, b } = late;
    await world.apply(
      'late',
      backend(
        late,
        rw('late'),
        { name: 'prompt', role: 'Replica', maxLagSeconds: 2 },
        { name: 'covered', role: 'Replica', maxLagSeconds: 2, fallbackToPrimary: true },
        { name: 'patient', role: 'Replica' },
      ),
    );
    for (const service of ['prompt', 'covered', 'patient']) await world.serves(service, [b]);

    await replica.query('select pg_wal_replay_pause()');
    await primary.query('insert into orders values (1)');
    await world.serves('prompt', []);
    await world.serves('covered', [a]);
    await world.reports('late', b, {
      health: 'healthy',
      role: 'Replica',
      lagOverSeconds: 2,
      excluded: [
        { service: 'late-rw', reason: 'NotPrimary' },
        { service: 'prompt', reason: 'LagTooHigh' },
        { service: 'covered', reason: 'LagTooHigh' },
      ],
    });

    await replica.query('select pg_wal_replay_resume()');
    await world.serves('prompt', [b]);
    await world.serves('covered', [b]);
    expect(everMissing(world.slices.history, 'patient', [b])).toEqual([]);
    expect(everMissing(world.slices.history, 'late-rw', [a])).toEqual([]);
    expect(writablePeriods(a).misrouted(world, 'late-rw')).toEqual([]);
  }, 60_000);

  it('publishes the primary in a Service of replicas with a fallback while there is no replica', async () => {
    const { replica, a, b } = late;
    await world.apply(
      'fallback',
      backend(
        late,
        rw('fallback'),
        { name: 'strict', role: 'Replica' },
        { name: 'fallback', role: 'Replica', fallbackToPrimary: true },
      ),
    );
    await world.serves('fallback', [b]);
    await replica.kill();
    await world.serves('strict', []);
    await world.serves('fallback', [a]);
    await replica.start(settings);
    await world.serves('strict', [b]);
    await world.serves('fallback', [b]);
    expect(everMissing(world.slices.history, 'fallback-rw', [a])).toEqual([]);
  }, 60_000);
});

describe('without a handler', () => {
  it('port 5432 is probed as PostgreSQL, and the status reports why; a server that only accepts connections is not ready', async () => {
    const mute = await startTarget({ address: '10.20.71.9', port, behaviour: 'mute' });
    await world.apply('chosen', {
      targets: hosts(late.a, '10.20.71.9'),
      ports: [{ port }],
      probe: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 },
    });
    await world.serves('chosen', [late.a]);
    await world.reports('chosen', late.a, { health: 'healthy', reason: 'Responded' });
    await world.reports('chosen', '10.20.71.9', { health: 'unhealthy', reason: 'Timeout' });
    expect(world.backends.objects.get('chosen')?.status?.handler).toBe('postgres: port 5432');
    await mute.close();
  }, 60_000);
});

describe('credentials', () => {
  it('are updated after a password change in the database and in the Secret, and no address is removed meanwhile', async () => {
    await rotation;
    expect(everMissing(world.slices.history, 'rotated-rw', [late.a])).toEqual([]);
  }, 90_000);

  it('are shown nowhere', async () => {
    expect(await world.leaked(...Object.values(passwords))).toEqual([]);
  });
});
