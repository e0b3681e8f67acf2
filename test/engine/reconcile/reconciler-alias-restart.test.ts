import { describe, expect, it } from '@jest/globals';
import { namespace } from '../../support/builders/builders.ts';
import { down, up } from '../../support/builders/verdicts.ts';
import { alias, first, one, second, spec, standing, switched, two } from '../support/alias-world.ts';

describe('an alias after a start', () => {
  it('does not go back to a failed host when the process ended between the switch and its status', async () => {
    const before = await standing();
    const stored = before.cluster.backend(namespace, 'orders-db');
    before.fail(one);
    await before.run();
    if (stored !== undefined) before.cluster.put(stored);
    const world = before.restarted();
    world.hear();
    await world.run();
    world.resolver.addresses(first, one);
    world.resolver.addresses(second, two);
    await world.clock.advance(3_600_000);
    await world.run();
    expect(alias(world)).toBe(second);
    world.say(down, one);
    await world.run();
    expect(alias(world)).toBe(second);
  });

  it('does not switch without probes to a host whose name has no answer since the start', async () => {
    const unprobed = { probe: { disabled: {} } };
    const before = await standing(unprobed);
    before.store({ ...spec, ...unprobed, targets: [{ host: first, drain: true }, { host: second }] });
    await before.run();
    expect(alias(before)).toBe(second);
    before.store({ ...spec, ...unprobed });
    const world = before.restarted();
    world.hear();
    await world.run();
    await world.clock.advance(3_600_000);
    await world.run();
    expect(alias(world)).toBe(second);
    world.resolver.addresses(first, one);
    await world.run();
    await world.clock.advance(60_000);
    await world.run();
    expect(alias(world)).toBe(first);
  });

  it('keeps its host and the addresses in its status while the name servers fail', async () => {
    const before = await switched();
    await before.clock.advance(60_000);
    const world = before.restarted();
    world.hear();
    await world.run();
    world.say(down, one);
    world.resolver.fails(first);
    world.resolver.fails(second);
    await world.clock.advance(1_000);
    await world.run();
    expect([alias(world), world.events]).toEqual([second, []]);
    expect(world.status().targets).toMatchObject([
      { resolution: { state: 'Stale' }, addresses: [{ ip: one, health: 'unhealthy' }] },
      { resolution: { state: 'Stale' }, addresses: [{ ip: two, health: 'healthy' }], current: true },
    ]);
    expect((await world.run()).writes).toEqual([]);
  });

  it('counts failbackSeconds from the first success since the start', async () => {
    const before = await switched();
    before.say(up, one);
    await before.run();
    await before.clock.advance(60_000);
    const world = before.restarted();
    world.hear();
    await world.run();
    world.resolver.addresses(first, one);
    world.resolver.addresses(second, two);
    world.say(up, two);
    await world.run();
    expect(alias(world)).toBe(second);
    world.say(up, one);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    await world.clock.advance(30_000);
    await world.run();
    expect([alias(world), world.events.map(({ type }) => type)]).toEqual([first, ['Normal']]);
  });
});
