import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Health } from '../../../src/core/health/state.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { WorkerPool } from '../../../src/engine/workers/worker-pool.ts';
import { FakeThreads } from '../../support/fakes/fake-threads.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, timedOut, up } from '../../support/builders/verdicts.ts';

const ids = ['a', 'b', 'c'] as const;
const owners = ['one', 'two'] as const;
const seedOf = (state: Health['state'], since: number): Health => ({
  ...{ state, since, consecutive: 0, reason: '', message: '' },
  restored: true,
});

const verdicts: readonly Verdict[] = [
  up,
  down,
  timedOut,
  { kind: 'up', reason: 'AuthFailed', message: '' },
  { ...up, role: 'Primary', epoch: 1 },
  { ...up, role: 'Replica', lagSeconds: 3 },
  { kind: 'inconclusive', reason: 'ProberFault', message: '' },
];

const owner = fc.constantFrom(...owners);
const step = fc.oneof(
  fc.record({ op: fc.constant('set' as const), owner, ids: fc.subarray([...ids]) }),
  fc.record({ op: fc.constant('forget' as const), owner }),
  fc.record({
    op: fc.constant('restore' as const),
    owner,
    id: fc.constantFrom(...ids),
    state: fc.constantFrom('healthy' as const, 'unhealthy' as const, 'unknown' as const),
  }),
  fc.record({ op: fc.constant('probe' as const), verdict: fc.constantFrom(...verdicts) }),
  fc.record({ op: fc.constant('deliver' as const), commands: fc.nat(3), reports: fc.nat(3) }),
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What others go by. A check that is unknown for no reason is the same as one of which nothing is known. */
function visible(health: Health | undefined): object | undefined {
  if (health === undefined) return undefined;
  const { state, since, reason, message, restored = false, replication } = health;
  if (state === 'unknown' && reason === '' && !restored) return undefined;
  return {
    state,
    since,
    reason,
    message,
    restored,
    role: replication?.role,
    lagging: replication?.exceededLimits ?? [],
  };
}

function createWorld(workers: number) {
  const clock = new ManualClock();
  let verdict: Verdict = up;
  let serial = 0;
  const threads = new FakeThreads({ clock, probe: () => Promise.resolve(verdict), isManual: true });
  /** Number of the incarnation of each check that is set or restored, and where its reports must come from. */
  const births = new Map<string, number>();
  const stale: string[] = [];
  const pool = new WorkerPool({
    ...{ clock, spawn: threads.spawn, workers, stallMs: Infinity },
    limits: { maxConcurrent: 16, maxPerHost: 8, maxPerHostAndNamespace: 8 },
    foreign: () => Promise.reject(new Error('no foreign runs')),
    onChanged: (of, { id, host }) => {
      if (host !== `born-${births.get(`${of}/${id}`)}`) stale.push(`${of}/${id} ${host}`);
    },
    onNotable: () => undefined,
    onQuarantined: () => undefined,
    onCost: () => undefined,
    onFault: (error) => stale.push(String(error)),
    onRestart: (cause) => stale.push(cause),
  });
  const keep = (of: string, kept: readonly string[]): void => {
    for (const id of ids) {
      const key = `${of}/${id}`;
      if (!kept.includes(id)) births.delete(key);
      else births.set(key, births.get(key) ?? ++serial);
    }
  };
  const checkOf = (of: string, id: string) =>
    aCheck({ id, ip: `10.0.0.${ids.indexOf(id as 'a') + 1}`, host: `born-${births.get(`${of}/${id}`)}` });
  const judge = (next: Verdict): void => void (verdict = next);
  const born = (of: string, id: string) => births.get(`${of}/${id}`) ?? births.set(`${of}/${id}`, ++serial);
  const perform = async (each: Step): Promise<void> => {
    switch (each.op) {
      case 'set': {
        keep(each.owner, each.ids);
        const checks = each.ids.map((id) => checkOf(each.owner, id));
        pool.set(each.owner, checks, { namespace: 'shop', fresh: () => true });
        break;
      }
      case 'forget':
        keep(each.owner, []);
        pool.forget(each.owner);
        break;
      case 'restore':
        born(each.owner, each.id);
        pool.restore(each.owner, each.id, seedOf(each.state, clock.wall()));
        break;
      case 'probe':
        judge(each.verdict);
        await clock.advance(10_500);
        break;
      case 'deliver':
        for (let n = 0; n < each.commands; n++) threads.deliverCommand();
        for (let n = 0; n < each.reports; n++) threads.deliverReport();
    }
  };
  return { clock, threads, pool, stale, births, checkOf, judge, born, perform };
}

it.each([1, 2])(
  'The replica ends with the health of the threads, and never has that of a previous check (%i threads)',
  async (workers) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, threads, pool, stale, births, perform } = createWorld(workers);
        pool.start();
        for (const each of steps) {
          await perform(each);
          for (const of of owners)
            for (const id of ids)
              if (!births.has(`${of}/${id}`)) expect(pool.healthOf(of)(id)).toBeUndefined();
        }
        while (threads.deliverCommand());
        while (threads.deliverReport());
        expect(stale).toEqual([]);
        let set = 0;
        for (const of of owners)
          for (const { id, health } of threads.threads.flatMap(({ host }) => host.all(of))) {
            expect(visible(pool.healthOf(of)(id))).toEqual(visible(health));
            set += 1;
          }
        expect(set).toBe(pool.stats().checks);
        await Promise.all([pool.stop(), clock.advance(5_000)]);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 150) },
    );
  },
);

it('The replica drops a report that was sent before the last seed of the check arrived', async () => {
  const { clock, threads, pool, checkOf, born, judge } = createWorld(1);
  const deliver = (): void => {
    while (threads.deliverCommand());
    while (threads.deliverReport());
  };
  pool.start();
  born('one', 'a');
  pool.restore('one', 'a', seedOf('healthy', 1));
  pool.set('one', [checkOf('one', 'a')], { namespace: 'shop', fresh: () => false });
  deliver();
  judge({ kind: 'inconclusive', reason: 'ProberFault', message: '' });
  await clock.advance(60_000);
  expect(threads.reports.map(([, { op }]) => op)).toEqual(['health']);
  pool.restore('one', 'a', seedOf('unhealthy', 2));
  threads.deliverReport();
  expect(pool.healthOf('one')('a')).toMatchObject({ state: 'unhealthy' });
  deliver();
  expect(pool.healthOf('one')('a')).toMatchObject({ state: 'unhealthy', restored: true });
  await Promise.all([pool.stop(), clock.advance(5_000)]);
});
