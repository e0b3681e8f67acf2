import { expect, it } from '@jest/globals';
import type { Answer } from '../../src/core/resolution/name-state.ts';
import { EngineWorld } from '../support/fakes/engine-world.ts';

const minutes = 30;
const names = Array.from({ length: 12 }, (_, n) => `n${n}.example.com`);
const failures: readonly Answer[] = [
  { kind: 'failed', message: '10.0.0.53: SERVFAIL' },
  { kind: 'failed', message: '10.0.0.53: no answer' },
  { kind: 'none', reason: 'NoSuchName', ttlMs: 5_000 },
  { kind: 'failed', message: '10.0.0.53: REFUSED' },
];

it('A backend writes at most one status a minute while its names fail in changing ways', async () => {
  const world = new EngineWorld();
  world.store({ targets: names.map((host) => ({ host })) });
  world.engine.onStartedLeading();
  await world.clock.advance(1);
  names.forEach((name, n) => world.resolver.addresses(name, `10.20.0.${n + 1}`));
  const touch = () => world.engine.enqueue(['shop/orders-db']);
  touch();
  await world.clock.advance(60_000);
  expect(world.published().match(/\+/g)).toHaveLength(names.length);
  const before = world.cluster.writes.length;
  for (let step = 0; step < minutes * 12; step += 1) {
    names.forEach((name, n) => {
      const answer = failures[(Math.floor(step / names.length) + n) % failures.length];
      if (answer === undefined || step % 12 !== n % 12) return;
      for (const type of ['A', 'AAAA'] as const) world.resolver.answer({ name, type }, answer);
      touch();
    });
    await world.clock.advance(5_000);
  }
  const writes = world.cluster.writes.slice(before);
  expect(new Set(writes.map(({ op }) => op))).toEqual(new Set(['status']));
  // And one for each name that begins to fail, because they begin one after another.
  expect(writes.length).toBeLessThanOrEqual(minutes + names.length + 3);
  expect(world.published().match(/\+/g)).toHaveLength(names.length);
  await world.clock.advance(61_000);
  const [target] = world.status().targets ?? [];
  expect(target?.resolution?.error).toContain('10.0.0.53');
});
