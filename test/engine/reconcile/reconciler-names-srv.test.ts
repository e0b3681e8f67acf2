import { describe, expect, it } from '@jest/globals';
import { leadsTo, service } from '../../support/builders/lookups.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { down } from '../../support/builders/verdicts.ts';
import { probed, quiet, record, ruleOf, slicesOf, srv, targetsOf } from '../support/names-world.ts';
import type { ServiceRecord } from '../../../src/core/resolution/srv-records.ts';

describe('an SRV record', () => {
  const hosts = ['db0.example.com', 'db1.example.com'] as const;
  const both: readonly ServiceRecord[] = [
    service(hosts[0], { port: 5433, weight: 3 }),
    service(hosts[1], { port: 5432, priority: 1 }),
  ];
  const answered = async (records = both): Promise<ReconcileWorld> => {
    const world = new ReconcileWorld();
    world.store({ targets: [{ host: record }] });
    await world.run();
    world.resolver.answer(srv, leadsTo(...records));
    await world.run();
    hosts.forEach((host, i) => world.resolver.addresses(host, `10.0.0.${i + 1}`));
    await probed(world);
    return world;
  };
  const portsOf = (world: ReconcileWorld) =>
    slicesOf(world)
      .map(({ ports, endpoints }) => `${ports?.[0]?.port} ${endpoints?.map((e) => e.addresses).join()}`)
      .toSorted();

  it('gives addresses their own ports and slices, and the status contains its records', async () => {
    const world = await answered();
    expect(portsOf(world)).toEqual(['5432 10.0.0.2', '5433 10.0.0.1']);
    expect(targetsOf(world)[0]?.addresses).toMatchObject([
      { ip: '10.0.0.1', host: hosts[0], port: 5433, priority: 0, weight: 3 },
      { ip: '10.0.0.2', host: hosts[1], port: 5432, priority: 1, weight: 0 },
    ]);
    await quiet(world);
  });

  it('that changes resolves to its new hosts, and the old ones are no longer queried', async () => {
    const world = await answered();
    world.resolver.answer(srv, leadsTo(service('db2.example.com')));
    await world.clock.advance(1_000);
    await world.run();
    expect(world.resolver.followed).toEqual(['A db2.example.com', 'AAAA db2.example.com', `SRV ${record}`]);
    world.resolver.addresses('db2.example.com', '10.0.0.3');
    await probed(world);
    expect(portsOf(world)).toEqual(['5432 10.0.0.3']);
  });

  it('remains in use, with its priorities, over a restart while the name servers fail', async () => {
    const before = await answered();
    await before.clock.advance(60_000);
    const world = before.restarted();
    world.hear();
    await world.run();
    for (let i = 0; i < 2; i++) world.resolver.answer(srv, { kind: 'failed', message: 'no answer' });
    for (const host of hosts) world.resolver.fails(host);
    await world.clock.advance(1_000);
    await world.run();
    expect(portsOf(world)).toEqual(['5432 10.0.0.2', '5433 10.0.0.1']);
    expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.2']);
    expect(ruleOf(world)).toBe('Stale');
    await quiet(world);
  });

  it('with one address at two ports keeps the health of each over a restart', async () => {
    const before = await answered([service(hosts[0], { port: 5433 }), service(hosts[0], { port: 5434 })]);
    const [bad] = [...before.scheduled.values()].flat().filter(({ port }) => port === 5433);
    for (let i = 0; i < 3; i++) if (bad) before.judge(bad, down);
    await before.run();
    expect(before.published()).toEqual(['+10.0.0.1', '-10.0.0.1']);
    const world = before.restarted();
    world.hear();
    await world.clock.advance(1_000);
    world.cluster.onWrite = () => expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.1']);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.1']);
  });
});
