import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { addAddress } from '../controlplane/network.ts';
import { startRedis } from '../support/servers/redis.ts';
import type { Redis } from '../support/servers/redis.ts';
import { byRole, openRolesWorld, ro, rw, secondPrimary, writablePeriods } from '../support/cluster/roles.ts';
import type { RolesWorld } from '../support/cluster/roles.ts';

const [a, b, c, d] = ['10.20.73.1', '10.20.73.2', '10.20.73.3', '10.20.73.4'];
const port = 6379;
const password = 'redis-horse-4';
let world: RolesWorld;
let servers: ReadonlyMap<string, Redis>;

function server(address: string): Redis {
  const found = servers.get(address);
  if (found === undefined) throw new Error(`no server at ${address}`);
  return found;
}

const declare = (name: string, addresses: readonly string[]) =>
  world.apply(name, byRole('redis', port, addresses, [rw(name), ro(name)]));

beforeAll(async () => {
  const addresses = [a, b, c, d];
  await addAddress(...addresses);
  // The last one would rather say nothing than what may be old.
  const settingsOf = (address: string) => (address === d ? { 'replica-serve-stale-data': 'no' } : {});
  const started = await Promise.all(
    addresses.map((address) => startRedis({ address, port, password, settings: settingsOf(address) })),
  );
  servers = new Map(started.map((each) => [each.address, each]));
  await server(b).command('REPLICAOF', a, String(port));
  await server(d).command('REPLICAOF', c, String(port));
  world = await openRolesWorld('roles-redis');
  await world.storeLogin('login', { username: '', password });
  await Promise.all([declare('carts', [a, b]), declare('careful', [c, d])]);
}, 90_000);

afterAll(async () => {
  await world.close();
  await Promise.all([...servers.values()].map((each) => each.remove()));
});

describe('Redis with a replica', () => {
  it('publishes the new primary, and excludes the old one with its old data until it is a replica', async () => {
    const periods = writablePeriods(a);
    await world.serves('carts-rw', [a]);
    await world.serves('carts-ro', [b]);

    await server(a).kill();
    await world.serves('carts-rw', []);
    // The status follows the slices a moment later; a promotion before that is one change, and one Event.
    await world.primaryEvents('carts', 2);

    periods.begins(b);
    await world.promoted('carts-rw', b, () => server(b).command('REPLICAOF', 'NO', 'ONE'));
    await world.serves('carts-ro', []);

    periods.ends(a); // its data is old from here on, whatever it says
    server(a).restart();
    await world.degraded('carts', 'TwoPrimaries');
    await world.reports('carts', a, secondPrimary('carts'));
    await server(a).command('REPLICAOF', b, String(port));
    await world.serves('carts-ro', [a]);
    await world.degraded('carts', 'AllHealthy');
    expect(periods.misrouted(world, 'carts-rw')).toEqual([]);
    expect(await world.primaryEvents('carts', 4)).toEqual([
      'PrimaryChanged',
      'PrimaryLost',
      'PrimaryChanged',
      'TwoPrimaries',
    ]);
  }, 90_000);

  it('removes a replica that serves nothing without its primary (MASTERDOWN) from -ro, and adds it again with the primary', async () => {
    await world.serves('careful-rw', [c]);
    await world.serves('careful-ro', [d]);
    await server(c).kill();
    await world.serves('careful-ro', []);
    await world.reports('careful', d, { health: 'unhealthy', reason: 'ReplicationBroken' });
    server(c).restart();
    await world.serves('careful-rw', [c]);
    await world.serves('careful-ro', [d]);
    expect(writablePeriods(c).misrouted(world, 'careful-rw')).toEqual([]);
  }, 90_000);

  it('shows the password nowhere', async () => {
    expect(await world.leaked(password)).toEqual([]);
  });
});
