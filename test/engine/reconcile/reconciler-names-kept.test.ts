import { describe, expect, it } from '@jest/globals';
import { name, one, probed, quiet, standing, targetsOf } from '../support/names-world.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

describe('keepSeconds', () => {
  const keeping: SpecInput = { ...one, dns: { keepSeconds: 30 } };
  const left = async () => {
    const world = await standing(keeping, '10.0.0.1', '10.0.0.2');
    world.resolver.addresses(name, '10.0.0.2');
    return world;
  };

  it('keep a healthy address that was removed from the answer, and report it', async () => {
    const world = await left();
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 30_000 });
    expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2']);
    expect(targetsOf(world)[0]?.addresses.map(({ ip, kept }) => `${ip} ${kept}`)).toEqual([
      '10.0.0.2 undefined',
      '10.0.0.1 true',
    ]);
    await quiet(world);
  });

  it('write nothing while a name rotates its answer and all its addresses are published', async () => {
    const world = await standing(keeping, '10.0.0.1', '10.0.0.2');
    for (const ips of [
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.3', '10.0.0.1'],
    ]) {
      world.resolver.addresses(name, ...ips);
      await probed(world);
    }
    expect(world.published()).toEqual(['+10.0.0.1', '+10.0.0.2', '+10.0.0.3']);
    for (const ips of [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.3', '10.0.0.1'],
    ]) {
      await world.clock.advance(5_000);
      world.resolver.addresses(name, ...ips);
      await quiet(world);
    }
  });

  it('end when the address is unhealthy', async () => {
    const world = await left();
    await world.run();
    world.fail('10.0.0.1');
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.2']);
    world.resolver.addresses(name, '10.0.0.2');
    await quiet(world);
    expect(world.published()).toEqual(['+10.0.0.2']);
  });

  it('remove the address when they have passed', async () => {
    const world = await left();
    await world.run();
    await world.clock.advance(29_999);
    expect((await world.run()).outcome).toEqual({ ok: true, requeueAfterMs: 1 });
    await world.clock.advance(1);
    expect((await world.run()).outcome).toEqual({ ok: true });
    expect(world.published()).toEqual(['+10.0.0.2']);
  });

  it('do not keep an address that was never healthy', async () => {
    const world = await standing(keeping, '10.0.0.1');
    world.resolver.addresses(name, '10.0.0.2');
    await world.run();
    world.resolver.addresses(name, '10.0.0.3');
    await world.clock.advance(1_000);
    await world.run();
    expect(world.published()).toEqual(['+10.0.0.1', '-10.0.0.3']);
  });
});
