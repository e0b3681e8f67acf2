import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OperatorError } from '../../../src/core/errors.ts';
import { addressesIn } from '../../../src/engine/reconcile/refused-search.ts';
import { namespace } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';
import { A, B, C, conditionText, conditionsOf, hosts, legacy } from '../support/refusals.ts';

describe('an address that the API server refuses', () => {
  const D = '10.20.7.3';
  type Denies = (ips: readonly string[]) => boolean;

  /** Refuses slices (or Endpoints) with such addresses, as an admission policy does. */
  function deny(
    world: ReconcileWorld,
    denies: Denies,
    {
      text = 'denied by policy',
      kinds = ['EndpointSlice', 'Endpoints'],
    }: { text?: string; kinds?: readonly string[] } = {},
  ): { asked: number } {
    const count = { asked: 0 };
    world.cluster.refuse = (action) => {
      if (!('object' in action) || !kinds.includes(action.object.kind)) return undefined;
      count.asked += 1;
      if (!denies(addressesIn(action.object))) return undefined;
      return new OperatorError(text, { kind: 'terminal', reason: 'Forbidden', status: 403 });
    };
    return count;
  }
  const denyOne: Denies = (ips) => ips.includes(D);

  it.each([
    ['that names it', { text: `slices with ${D} are denied` }],
    ['that names none', {}],
    ['that the Endpoints object does not show', { kinds: ['EndpointSlice'] }],
  ])('is left out and reported, whatever the message: a refusal %s', async (_, how) => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: hosts(A, B) });
    deny(world, denyOne, how);
    world.store({ targets: hosts(A, B, D, C) }, { generation: 2 });
    await world.run();
    world.say(up);
    await world.run();
    expect(world.published()).toEqual([`+${A}`, `+${B}`, `+${C}`]);
    expect(legacy(world)).toEqual([`+${A}`, `+${B}`, `+${C}`]);
    expect(conditionsOf(world)).toEqual(['False Forbidden', 'True AddressesReady', 'True PublishRefused']);
    expect(world.status().targets?.[2]?.addresses).toMatchObject([
      { ip: D, ready: false, health: 'healthy', reason: 'PublishRefused' },
    ]);
    world.fail(B);
    await world.run();
    expect(world.published()).toEqual([`+${A}`, `+${C}`, `-${B}`]);
  });

  it('is found also when its slice was created without endpoints before it was refused', async () => {
    const world = new ReconcileWorld();
    const dryRuns = new Set<string>();
    deny(world, denyOne);
    const perform = world.cluster.perform.bind(world.cluster);
    world.cluster.perform = (action) => {
      if (action.op === 'dryRun') dryRuns.add(`${action.write.op} ${action.write.object.kind}`);
      return perform(action);
    };
    await world.bringUp({
      targets: [{ host: D, role: 'Primary' }],
      services: [{ name: 'rw', role: 'Primary' }],
    });
    expect(world.published('rw')).toEqual([]);
    expect(dryRuns).toContain('update EndpointSlice');
    expect(dryRuns).not.toContain('create EndpointSlice');
    expect(conditionText(world, 'Degraded')).toBe('True PublishRefused');
    expect(world.status().targets?.[0]?.addresses).toMatchObject([{ ip: D, reason: 'PublishRefused' }]);
  });

  it('does not prevent other addresses of a new backend', async () => {
    const world = new ReconcileWorld();
    deny(world, denyOne);
    await world.bringUp({ targets: hosts(A, D) });
    expect([world.published(), conditionsOf(world)]).toEqual([
      [`+${A}`],
      ['False Forbidden', 'True AddressesReady', 'True PublishRefused'],
    ]);
  });

  it('is removed, so that a failed one can be, when the policy is created later', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets: hosts(A, B, D) });
    deny(world, denyOne);
    world.fail(A);
    await world.run();
    expect(world.published()).toEqual([`+${B}`, `-${A}`]);
  });

  it.each([
    ['every fifth of 100', 5, 100],
    ['every second of 100', 2, 100],
    ['every second of 250 in one slice', 2, 250],
  ])('does not affect accepted ones of many that are published: %s', async (_, nth, count) => {
    const world = new ReconcileWorld({ maxEndpointsPerSlice: Math.max(100, count) });
    const all = Array.from({ length: count }, (_host, i) => `10.20.0.${i}`);
    const refused = new Set(all.filter((_ip, i) => i % nth === 1));
    await world.bringUp({ targets: hosts(...all) });
    deny(world, (ips) => ips.some((ip) => refused.has(ip)));
    world.fail(all[0]);
    await world.run();
    const accepted = all.slice(1).filter((ip) => !refused.has(ip));
    expect(world.published()).toEqual([...accepted.map((ip) => `+${ip}`), `-${all[0]}`].toSorted());
  });

  it('alone leaves the Service empty, and the status reports it', async () => {
    const world = new ReconcileWorld();
    deny(world, denyOne);
    await world.bringUp({ targets: hosts(D) });
    expect([world.published(), conditionsOf(world).slice(0, 2)]).toEqual([
      [],
      ['False Forbidden', 'False NoReadyAddress'],
    ]);
  });

  it('is added within a minute after the policy is deleted, and at once when the spec changes', async () => {
    for (const edit of [false, true]) {
      const world = new ReconcileWorld();
      deny(world, denyOne);
      await world.bringUp({ targets: hosts(A, D) });
      const { outcome } = await world.run();
      expect(outcome).toMatchObject({ ok: true });
      const afterMs = outcome instanceof OperatorError ? NaN : (outcome.requeueAfterMs ?? NaN);
      expect(afterMs).toBeLessThanOrEqual(60_000);
      world.cluster.refuse = () => undefined;
      if (edit) world.store({ targets: hosts(A, D), probe: { periodSeconds: 7 } }, { generation: 2 });
      else await world.clock.advance(afterMs);
      await world.run();
      world.say(up);
      await world.run();
      expect([world.published(), conditionsOf(world)]).toEqual([
        [`+${A}`, `+${D}`],
        ['True Published', 'True AddressesReady', 'False AllHealthy'],
      ]);
    }
  });

  it('is found among a hundred with few requests, and none is singled out when all are refused', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `10.30.0.${i + 1}`);
    const world = new ReconcileWorld();
    const count = deny(world, (ips) => ips.includes('10.30.0.77'));
    await world.bringUp({ targets: hosts(...many) });
    expect(world.published()).toHaveLength(99);
    expect(count.asked).toBeLessThan(60);
    const other = new ReconcileWorld();
    const asked = deny(other, () => true, { text: 'exceeded quota' });
    await other.bringUp({ targets: hosts(...many) });
    expect(asked.asked).toBeLessThan(12);
    expect(other.cluster.service(namespace, 'orders-db')).toBeDefined();
    expect(conditionsOf(other).slice(0, 2)).toEqual(['False Forbidden', 'False NoReadyAddress']);
  });

  it('does not affect the others, and is published when the refusal ends, for any set of addresses', async () => {
    const ips = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(ips, ips, ips, async (before, after, bad) => {
        const ip = (n: number) => `10.30.0.${n}`;
        const world = new ReconcileWorld({ maxEndpointsPerSlice: 7 });
        await world.bringUp({ targets: hosts(...before.map(ip)) });
        deny(world, (all) => bad.some((n) => all.includes(ip(n))));
        world.store({ targets: hosts(...after.map(ip)) }, { generation: 2 });
        await world.run();
        world.say(up);
        for (let i = 0; i < 3; i++) await world.run();
        const good = after.filter((n) => !bad.includes(n)).map((n) => `+${ip(n)}`);
        expect(world.published()).toEqual(expect.arrayContaining(good));
        world.cluster.refuse = () => undefined;
        await world.clock.advance(60_000);
        world.say(up);
        await world.run();
        expect(world.published()).toEqual(after.map((n) => `+${ip(n)}`).toSorted());
        expect(conditionText(world, 'Ready')).toBe('True Published');
      }),
      { numRuns: 60 },
    );
  });
});
