import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { named } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer, Names } from '../support/servers/name-servers.ts';
import { startRedis } from '../support/servers/redis.ts';
import type { Redis } from '../support/servers/redis.ts';

const [main, spare, far] = ['10.20.68.1', '10.20.68.2', '10.20.68.3'] as const;
const all = [main, spare, far];
const services = ['db', 'srv'];
const tiered = [{ host: main }, { host: spare, priority: 1 }, { host: far, priority: 9 }];
/** The same tiers as priorities of an SRV record. */
const names: Names = {
  '_pg._tcp.outside.test': ['SRV 0 0 5432 main', 'SRV 10 0 5432 spare', 'SRV 20 0 5432 far'].map(
    (text) => `${text}.outside.test.`,
  ),
  'main.outside.test': [`A ${main}`],
  'spare.outside.test': [`A ${spare}`],
  'far.outside.test': [`A ${far}`],
};

let world: World;
let dns: NameServer;
let targets: readonly Target[];

beforeAll(async () => {
  await addAddress(...all);
  dns = await startCoreDns({ address: '10.20.68.53', port: 53, names });
  world = await openWorld(controlPlane(), { prefix: 'tiers', args: [`--dns-servers=${dns.endpoint}`] });
  targets = await Promise.all(all.map((address) => startTarget({ address, port: 5432 })));
  await world.publish('db', probed([], { targets: tiered, failbackSeconds: 3 }));
  await world.publish('srv', named(['_pg._tcp.outside.test'], { failbackSeconds: 3 }));
  await serve([main]);
});

afterAll(async () => {
  await world.close();
  await dns.remove();
  await Promise.all(targets.map((target) => target.close()));
});

/** Waits until both Services publish these addresses: the one with priorities of targets and the one of an SRV record. */
async function serve(addresses: readonly string[], deadlineMs?: number): Promise<void> {
  for (const service of services) await world.serves(service, addresses, deadlineMs);
}

const tierOf = async () => {
  const { status } = await world.admin.get('ExternalBackend', 'db', world.ns);
  return (status?.services as { tier?: number }[] | undefined)?.[0]?.tier;
};

/** Returns the sets of ready addresses since an event, without repetitions. */
const historyFrom = (from: number, service: string): readonly string[] => [
  ...new Set(
    readyHistory(world.slices.history, service)
      .slice(from)
      .map(({ ready }) => ready.join()),
  ),
];

describe('a Service with three tiers', () => {
  it('goes to the next tier without a moment without servers, and back after failbackSeconds', async () => {
    const from = world.slices.history.length;
    await targets[0]?.refuse();
    await serve([spare]);
    await eventually(tierOf, (tier) => tier === 1);
    await targets[1]?.refuse();
    await serve([far]);
    await eventually(tierOf, (tier) => tier === 9);
    await targets[1]?.listen();
    const listening = performance.now();
    await serve([spare]);
    expect(performance.now() - listening).toBeGreaterThan(3_000);
    for (const service of services) expect(historyFrom(from, service)).not.toContain('');
  });

  it('keeps its tier over SIGKILL, and returns failbackSeconds after the new start', async () => {
    const from = world.slices.history.length;
    await targets[0]?.listen();
    const probes = targets[0]?.accepted() ?? 0;
    await eventually(
      () => targets[0]?.accepted() ?? 0,
      (now) => now > probes,
    );
    await world.operator().kill();
    await world.start();
    const started = performance.now();
    await serve([main], 20_000);
    expect(performance.now() - started).toBeGreaterThan(2_500);
    for (const service of services)
      expect([`${spare},${main}`, main]).toContain(historyFrom(from, service).join());
    await eventually(tierOf, (tier) => tier === 0);
  });

  it('changes no tier and writes no slice in a restart while nothing changes', async () => {
    const from = world.slices.history.length;
    await world.operator().kill();
    await world.start();
    const probes = targets[1]?.accepted() ?? 0;
    await eventually(
      () => targets[1]?.accepted() ?? 0,
      (now) => now >= probes + 4,
    );
    expect(world.slices.history.slice(from)).toEqual([]);
  });

  it('reports each switch as an Event', async () => {
    const switches = () =>
      [...world.events.objects.values()]
        .filter(({ reason }) => reason === 'TierSwitched')
        .map(({ type }) => type);
    await eventually(switches, (types) => types.includes('Warning') && types.includes('Normal'));
  });

  it('is published as it was when the priorities are removed', async () => {
    await world.publish('db', probed(all));
    await world.serves('db', all);
    expect(await tierOf()).toBeUndefined();
  });
});

describe('Services with roles and tiers', () => {
  const [primary, near, distant] = ['10.20.68.11', '10.20.68.12', '10.20.68.13'] as const;
  const ips = [primary, near, distant];
  const spec = {
    targets: [{ host: primary }, { host: near }, { host: distant, priority: 1 }],
    ports: [{ port: 6379 }],
    probe: { redis: {}, periodSeconds: 1, failureThreshold: 1 },
    failbackSeconds: 2,
    services: [
      { name: 'rw', role: 'Primary' },
      { name: 'ro', role: 'Replica' },
    ],
  };
  let redis: readonly Redis[];

  beforeAll(async () => {
    await addAddress(...ips);
    const settings = { 'protected-mode': 'no' };
    redis = await Promise.all(ips.map((address) => startRedis({ address, port: 6379, settings })));
    for (const each of redis.slice(1)) await each.command('REPLICAOF', primary, '6379');
    await world.publish('roles', spec);
    await world.serves('rw', [primary], 20_000);
    await world.serves('ro', [near], 20_000);
  }, 60_000);

  afterAll(() => Promise.all(redis.map((each) => each.remove())));

  it('rank the servers of a role by tier over a failover and SIGKILL, and never make a replica a primary', async () => {
    const from = world.slices.history.length;
    await redis[1]?.kill();
    await world.serves('ro', [distant], 20_000);
    await redis[0]?.kill();
    await world.serves('rw', [], 20_000);
    await world.operator().kill();
    await world.start();
    await world.serves('ro', [distant]);
    await world.serves('rw', []);
    await redis[2]?.command('REPLICAOF', 'NO', 'ONE');
    await world.serves('rw', [distant], 20_000);
    await world.serves('ro', [], 20_000);
    redis[1]?.restart({ replicaof: `${distant} 6379` });
    await world.serves('ro', [near], 20_000);
    await world.serves('rw', [distant]);
    expect(historyFrom(from, 'rw')).toEqual([primary, '', distant]);
  }, 90_000);
});
