import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { everMissing } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startMariaDb } from '../support/servers/mariadb.ts';
import type { MariaDb } from '../support/servers/mariadb.ts';
import { byRole, openRolesWorld, patientlyMs, ro, rw, writablePeriods } from '../support/cluster/roles.ts';
import type { RolesWorld } from '../support/cluster/roles.ts';

const [a, b] = ['10.20.72.1', '10.20.72.2'];
const port = 3306;
const password = 'maria-horse-3';
let world: RolesWorld;
let first: MariaDb;
let second: MariaDb;

/** `server` takes from `from` what it lacks, and goes on taking. */
const follow = (server: MariaDb, from: MariaDb) =>
  server.sql(
    `change master to master_host='${from.address}', master_port=${port}, master_user='repl',
     master_password='repl', master_use_gtid=slave_pos, master_connect_retry=1; start slave`,
  );

beforeAll(async () => {
  await addAddress(a, b);
  const start = (address: string, id: string) =>
    startMariaDb(address, port, { 'server-id': id, 'log-bin': 'bin', 'skip-name-resolve': '' });
  [world, first, second] = await Promise.all([openRolesWorld('roles-mariadb'), start(a, '1'), start(b, '2')]);
  await first.sql("create user repl@'%' identified by 'repl'; grant replication slave on *.* to repl@'%'");
  await first.sql(
    `create user prober@'%' identified by '${password}'; grant slave monitor on *.* to prober@'%'`,
  );
  await second.sql('set global read_only = on');
  await follow(second, first);
  await world.storeLogin('login', { username: 'prober', password });
  const services = [rw('orders'), { ...ro('orders'), maxLagSeconds: 10 }];
  await world.apply('orders', byRole('mysql', port, [a, b], services));
}, 90_000);

afterAll(async () => {
  await world.close();
  await Promise.all([first, second].map((server) => server.remove()));
});

describe('MariaDB with a replica', () => {
  it('removes a replica whose SQL thread is stopped from -ro, adds it when the thread runs, and does not change -rw', async () => {
    await world.serves('orders-rw', [a]);
    await world.serves('orders-ro', [b]);
    await second.sql('stop slave sql_thread');
    await world.serves('orders-ro', []);
    await world.reports('orders', b, { health: 'unhealthy', reason: 'ReplicationBroken', role: 'Replica' });
    await world.degraded('orders', 'AddressesUnhealthy');
    await second.sql('start slave');
    await world.serves('orders-ro', [b]);
    await world.degraded('orders', 'AllHealthy');
    expect(everMissing(world.slices.history, 'orders-rw', [a])).toEqual([]);
  }, 90_000);

  it('empties -rw when read_only is changed for a switch-over, and then publishes the other server', async () => {
    const periods = writablePeriods(a);
    await world.serves('orders-rw', [a]);
    await world.serves('orders-ro', [b]);
    const before = (await world.primaryEvents('orders', 1)).length;

    await first.sql('set global read_only = on');
    await world.serves('orders-rw', []);
    // The status follows the slices a moment later; a promotion before that is one change, and one Event.
    await world.primaryEvents('orders', before + 1);
    await world.serves('orders-ro', [a, b]);
    periods.ends(a);

    periods.begins(b);
    await world.promoted('orders-rw', b, () =>
      second.sql('stop slave; reset slave all; set global read_only = off'),
    );
    await follow(first, second);
    await world.serves('orders-ro', [a]);
    await world.reports('orders', a, { role: 'Replica', health: 'healthy' });
    await world.reports('orders', b, { role: 'Primary', health: 'healthy' });
    expect(periods.misrouted(world, 'orders-rw')).toEqual([]);
    const events = await world.primaryEvents('orders', before + 2);
    expect(events.slice(before)).toEqual(['PrimaryLost', 'PrimaryChanged']);
  }, 90_000);

  it('keeps the published one of two servers that accept writes, whichever it is', async () => {
    const [now = ''] = await world.slices.until((slices) => {
      const ready = [...slices.values()]
        .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'orders-rw')
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready === true);
      return ready.length === 1 ? ready[0]?.addresses : undefined;
    }, patientlyMs);
    const [other, address] = now === a ? [second, b] : [first, a];
    await other.sql('stop slave; reset slave all; set global read_only = off');
    await world.degraded('orders', 'TwoPrimaries');
    await world.reports('orders', address, {
      role: 'Primary',
      excluded: [
        { service: 'orders-rw', reason: 'SecondPrimary' },
        { service: 'orders-ro', reason: 'NotReplica' },
      ],
    });
    await world.serves('orders-rw', [now]);
    await other.sql('set global read_only = on');
    await world.degraded('orders', 'AllHealthy');
    await world.serves('orders-rw', [now]);
  }, 90_000);

  it('shows the password nowhere', async () => {
    expect(await world.leaked(password)).toEqual([]);
  });
});
