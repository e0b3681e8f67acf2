import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ProbeScheduler } from '../../../src/engine/probing/scheduler.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { ScriptedProbe, aCheck, type ProbeBehaviour } from '../../support/fakes/scripted-probe.ts';
import { down, up } from '../../support/builders/verdicts.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import type { ProbeLimits } from '../../../src/engine/probing/concurrency.ts';

const SECOND = 1_000;
const defaults: ProbeLimits = { maxConcurrent: 4_096, maxPerHost: 8, maxPerHostAndNamespace: 2 };

/** The modest namespace has three checks: one that answers, one that begins to fail, and one that is added. */
const modest = {
  good: aCheck({ id: 'good', ip: '10.0.0.1' }),
  failing: aCheck({ id: 'failing', ip: '10.0.0.2' }),
  added: aCheck({ id: 'added', ip: '10.0.0.3' }),
};

/** A scheduler with a script, on a clock of its own. */
function aWorld(limits: ProbeLimits = defaults) {
  const clock = new ManualClock();
  const script = new ScriptedProbe(clock);
  const { probe } = script;
  const scheduler = new ProbeScheduler({
    clock,
    random: () => 0,
    probe,
    limits,
    onVerdict: () => undefined,
  });
  scheduler.start();
  const set = (namespace: string, backend: string, checks: readonly Check[]): void =>
    scheduler.set(`${namespace}/${backend}`, checks, { namespace });
  return { clock, script, scheduler, set };
}

/** Checks of so many addresses that nobody has. */
const blackHoles = (count: number, net: string, timing: Partial<Check['timing']>): Check[] =>
  Array.from({ length: count }, (_, i) => aCheck({ ip: `198.${net}.${i >> 8}.${i & 255}`, timing }));

describe('a namespace that uses all the slots it can', () => {
  const minutes = 10;

  /** Runs of each check of the modest namespace in ten minutes that begin when its failing check fails. */
  async function runsBeside(backends: number, first: ProbeBehaviour[]): Promise<Record<string, number>> {
    const { clock, script, set } = aWorld();
    set('modest', 'one', [modest.good, modest.failing]);
    await clock.advance(30 * SECOND);
    for (let b = 0; b < backends; b++) {
      const checks = blackHoles(512, `${b}`, { periodMs: SECOND, timeoutMs: 60 * SECOND });
      for (const { id } of checks) script.play(id, ...first, 'hangs');
      set('greedy', `${b}`, checks);
    }
    await clock.advance(20 * SECOND);
    script.play('failing', down);
    set('modest', 'two', [modest.added]);
    const from = clock.now();
    await clock.advance(minutes * 60 * SECOND);
    const counted = Object.keys(modest).map((id) => [
      id,
      script.startsOf(id).filter((at) => at >= from).length,
    ]);
    return Object.fromEntries(counted) as Record<string, number>;
  }

  it.each([
    ['20 backends with 512 addresses that nobody has', 20, []],
    ['12 backends with 512 addresses that answer once and then are silent', 12, [up]],
  ])('does not reduce the runs of another namespace: %s', async (_, backends, first) => {
    const alone = await runsBeside(0, []);
    expect(alone).toEqual({ good: 61, failing: 61, added: 61 });
    expect(await runsBeside(backends, first)).toEqual(alone);
  });
});

describe('a namespace that names the address of another one', () => {
  /** Runs of the check in the ten minutes after its server died, and seconds until the third one. */
  async function runsBeside(namespaces: number, targets: number, timing: Partial<Check['timing']>) {
    const { clock, script, set } = aWorld();
    const { failing } = modest;
    set('modest', 'one', [failing]);
    await clock.advance(60 * SECOND);
    for (let n = 0; n < namespaces; n++) {
      const ports = Array.from({ length: targets }, (_, i) =>
        aCheck({ ip: failing.ip, port: 10_000 + 600 * n + i, timing }),
      );
      for (const { id } of ports) script.play(id, 'hangs');
      set(`greedy ${n}`, 'one', ports);
    }
    await clock.advance(60 * SECOND);
    script.play(failing.id, down);
    const from = clock.now();
    await clock.advance(600 * SECOND);
    const runs = script.startsOf(failing.id).filter((at) => at >= from);
    return { runs: runs.length, thirdAfterS: ((runs[2] ?? Infinity) - from) / SECOND };
  }

  it.each([
    [1, 2, 60],
    [1, 16, 60],
    [1, 512, 60],
    [1, 512, 1],
    [3, 512, 60],
  ])(
    'does not reduce its runs: %i namespaces with %i silent ports and a timeout of %i s',
    async (namespaces, targets, timeoutS) => {
      const timing = { periodMs: SECOND, timeoutMs: timeoutS * SECOND };
      const alone = await runsBeside(0, 0, timing);
      expect(alone).toEqual({ runs: 61, thirdAfterS: 20 });
      expect(await runsBeside(namespaces, targets, timing)).toEqual(alone);
    },
  );

  it('takes turns with others that do, when together they use all places of the address', async () => {
    const timing = { periodMs: SECOND, timeoutMs: 10 * SECOND };
    const { runs, thirdAfterS } = await runsBeside(20, 100, timing);
    expect(runs).toBeGreaterThanOrEqual(20);
    expect(thirdAfterS).toBeLessThanOrEqual(80);
  });
});

describe('any load of one namespace', () => {
  const behaviour = fc.constantFrom<ProbeBehaviour[][]>(
    ['hangs'],
    [up],
    [up, 'hangs'],
    [up, up, 'hangs', up],
    [down],
    [{ afterMs: 3_000, verdict: up }],
    [{ afterMs: 900, verdict: down }],
  );
  const backend = fc.record({
    checks: fc.integer({ min: 1, max: 200 }),
    isOnTheirAddresses: fc.boolean(),
    sharesTheirs: fc.boolean(),
    timeoutS: fc.constantFrom(1, 5, 20),
    periodS: fc.constantFrom(1, 7, 20),
    behaviour,
    startS: fc.nat({ max: 40 }),
  });

  /** Instants at which the checks of the modest namespace ran in two minutes. */
  async function startsBeside(
    load: readonly (typeof backend extends fc.Arbitrary<infer B> ? B : never)[],
    limits: ProbeLimits,
    own: readonly ProbeBehaviour[][],
  ): Promise<readonly (readonly number[])[]> {
    const { clock, script, set } = aWorld(limits);
    const mine = own.map((script_, i) => {
      const check = aCheck({ id: `own ${i}`, ip: `10.0.0.${i}` });
      script.play(check.id, ...script_);
      return check;
    });
    set('modest', 'one', mine);
    for (let s = 0; s <= 120; s++) {
      for (const [b, each] of load.entries()) {
        if (each.startS !== s) continue;
        const timing = { periodMs: each.periodS * SECOND, timeoutMs: each.timeoutS * SECOND };
        const checks = Array.from({ length: each.checks }, (_, i) => {
          const ip = each.isOnTheirAddresses ? `10.0.0.${i % own.length}` : `198.${b}.${i >> 8}.${i & 255}`;
          const check = aCheck({ id: `${b} ${i}`, ip, port: 1_000 + i, timing });
          script.play(check.id, ...each.behaviour);
          return check;
        });
        set('greedy', `${b}`, [...checks, ...(each.sharesTheirs ? mine : [])]);
      }
      await clock.advance(SECOND);
    }
    return mine.map(({ id }) => script.startsOf(id));
  }

  const gapsOf = (starts: readonly number[]): number[] =>
    starts.slice(1).map((at, i) => at - (starts[i] ?? 0));

  it('delays no run of a check of another namespace that answers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(backend, { maxLength: 6 }),
        fc.integer({ min: 160, max: 400 }),
        async (load, maxConcurrent) => {
          const limits = { ...defaults, maxConcurrent };
          const own: ProbeBehaviour[][] = [[up], [{ afterMs: 900, verdict: up }], [up, down, up]];
          expect(await startsBeside(load, limits, own)).toEqual(await startsBeside([], limits, own));
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  it('delays a run of another namespace by one timeout at most, whatever its checks answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(backend, { maxLength: 6 }),
        behaviour,
        fc.integer({ min: 64, max: 400 }),
        async (load, own, maxConcurrent) => {
          const limits = { ...defaults, maxConcurrent };
          const [alone = []] = await startsBeside([], limits, [own]);
          const [beside = []] = await startsBeside(load, limits, [own]);
          const longest = Math.max(0, ...load.map(({ timeoutS }) => timeoutS * SECOND));
          expect(Math.max(...gapsOf(beside))).toBeLessThanOrEqual(Math.max(...gapsOf(alone)) + longest);
          expect(beside.length).toBeGreaterThan(1);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});
