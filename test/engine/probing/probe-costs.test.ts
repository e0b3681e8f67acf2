import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { RunCosts } from '../../../src/engine/probing/run-costs.ts';
import { EngineWorld } from '../../support/fakes/engine-world.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, up } from '../../support/builders/verdicts.ts';

const costing = (cpuMs: number, verdict: Verdict = up): Verdict => ({ ...verdict, cpuMs });

describe('RunCosts', () => {
  const check = aCheck();
  const reports = (costs: RunCosts, runs: readonly number[]) =>
    runs.map((cpuMs) => costs.take('db', check, cpuMs));

  it('reports a cost after three costly runs, not after two', () => {
    expect(reports(new RunCosts(), [60, 60, 60])).toEqual([undefined, undefined, 60]);
  });

  it('ignores a pause of this thread, which makes one run of a check long', () => {
    expect(reports(new RunCosts(), [0, 0, 400, 0, 0, 0, 0, 400, 0, 0])).toEqual(Array(10).fill(undefined));
  });

  it('reports no cost any more after cheap runs, also in a new thread that has not seen the costly ones', () => {
    const costs = new RunCosts();
    const runs = [0, 0, 0].map((cpuMs) => costs.take('db', { ...check, cpuMs: 80 }, cpuMs));
    expect(runs).toEqual([undefined, undefined, 0]);
  });

  it('forgets the runs of checks that are not set any more', () => {
    const costs = new RunCosts();
    reports(costs, [60, 60]);
    costs.retain('db', new Set());
    expect(reports(costs, [60, 60, 60])).toEqual([undefined, undefined, 60]);
  });
});

describe('A backend of which one address costs 63 ms of CPU for each probe', () => {
  const [costly, cheap] = ['10.20.0.1', '10.20.0.2'];
  let world: EngineWorld;

  beforeEach(async () => {
    world = new EngineWorld();
    world.verdicts.set(costly, costing(63));
    world.store({ targets: [{ host: costly }, { host: cheap }], probe: { periodSeconds: 10 } });
    world.engine.onStartedLeading();
    await world.clock.advance(60_000);
  });

  async function runsIn(ms: number): Promise<readonly number[]> {
    world.probed.length = 0;
    await world.clock.advance(ms);
    return [costly, cheap].map((ip) => world.probed.filter((each) => each === ip).length);
  }
  const degraded = () => world.status().conditions?.find(({ type }) => type === 'Degraded');

  it('is probed less often there, and as before elsewhere', async () => {
    const [ofCostly = 0, ofCheap = 0] = await runsIn(400_000);
    expect(ofCostly).toBeGreaterThanOrEqual(9);
    expect(ofCostly).toBeLessThanOrEqual(10);
    expect(ofCheap).toBeGreaterThanOrEqual(38);
    expect(world.engine.stats().costly).toBe(1);
  });

  it('reports it with the address, the cost and both periods, and remains published', () => {
    expect(degraded()).toMatchObject({ status: 'True', reason: 'ProbesCostly' });
    expect(degraded()?.message).toContain(
      `a probe of ${costly}:5432 takes up to 80 ms of CPU, more than 20 ms: the address is probed every 40 s instead of every 10 s`,
    );
    expect(world.published()).toBe(`+${costly} +${cheap}`);
  });

  it('still removes the address after as many failures as the spec has', async () => {
    world.verdicts.set(costly, costing(63, down));
    await world.clock.advance(3 * 42_000 + 1_000);
    expect(world.published()).toBe(`+${cheap} -${costly}`);
  });

  it('is probed as before once its probes are cheap', async () => {
    world.verdicts.set(costly, up);
    await world.clock.advance(200_000);
    expect(degraded()).toMatchObject({ status: 'False', reason: 'AllHealthy' });
    expect((await runsIn(100_000))[0]).toBeGreaterThanOrEqual(9);
    expect(world.engine.stats().costly).toBe(0);
  });

  it('forgets the cost with the backend', async () => {
    world.cluster.remove('ExternalBackend', 'shop', 'orders-db');
    world.hear();
    await world.clock.advance(1_000);
    expect(world.engine.stats().costly).toBe(0);
  });
});

describe('A namespace whose probes take 15 ms of CPU each', () => {
  it('is probed less often, so that they take no more CPU time than the rate of a namespace allows', async () => {
    const world = new EngineWorld({ maxProbeRatePerNamespace: 50 });
    const hosts = Array.from({ length: 20 }, (_, n) => `10.20.1.${n + 1}`);
    for (const host of hosts) world.verdicts.set(host, costing(15));
    world.store({ targets: hosts.map((host) => ({ host })), probe: { periodSeconds: 1 } });
    world.engine.onStartedLeading();
    await world.clock.advance(30_000);
    world.probed.length = 0;
    await world.clock.advance(60_000);
    expect((world.probed.length * 15) / 60).toBeLessThanOrEqual(55);
    expect((world.probed.length * 15) / 60).toBeGreaterThanOrEqual(30);
    const degraded = world.status().conditions?.find(({ type }) => type === 'Degraded');
    expect(degraded).toMatchObject({ status: 'True', reason: 'ProbesSlowed' });
    expect(world.engine.stats().costly).toBe(0);
  });
});
