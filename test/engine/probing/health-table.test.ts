import { beforeEach, describe, expect, it } from '@jest/globals';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import { HealthTable } from '../../../src/engine/probing/health-table.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { cancelled, down, up } from '../../support/builders/verdicts.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';

const check = aCheck({ id: 'a' });
const healthy: Health = { state: 'healthy', consecutive: 0, since: 1, reason: '', message: '' };

describe('HealthTable', () => {
  let clock: ManualClock;
  let flips: string[];
  let table: HealthTable;

  beforeEach(() => {
    clock = new ManualClock(1_000);
    flips = [];
    table = new HealthTable({
      clock,
      onChanged: (owner, { id }, before, after) =>
        flips.push(`${owner}/${id} ${before.state}>${after.state}`),
    });
  });

  it('has no health of a check before its first verdict', () => {
    expect(table.get('one', 'a')).toBeUndefined();
  });

  it('reports only transitions: ten successes and ten failures are two', () => {
    for (let i = 0; i < 10; i++) table.record('one', check, up);
    for (let i = 0; i < 10; i++) table.record('one', check, down);
    expect(flips).toEqual(['one/a unknown>healthy', 'one/a healthy>unhealthy']);
    expect(table.get('one', 'a')).toMatchObject({ state: 'unhealthy', since: 1_000, reason: 'Refused' });
  });

  it('measures a lag by monotonic time, whatever happens to the wall clock', () => {
    const bounded = { ...check, lagLimits: [10] };
    const replica = (lagSeconds: number): Verdict => ({ ...up, role: 'Replica', lagSeconds });
    const lagging = () => table.get('one', 'a')?.replication?.exceededLimits;
    table.record('one', bounded, replica(0));
    clock.shiftWall(3_600_000);
    for (let i = 0; i < 4; i++) table.record('one', bounded, replica(3_600));
    expect(lagging()).toEqual([]);
    clock.shiftWall(-7_200_000);
    clock.jump(20_000);
    for (let i = 0; i < 4; i++) table.record('one', bounded, replica(3_600));
    expect(lagging()).toEqual([10]);
  });

  it('has the new health when it reports the transition', () => {
    const seen: unknown[] = [];
    const own = new HealthTable({
      clock,
      onChanged: (o, c, _, after) => seen.push(own.get(o, c.id) === after),
    });
    own.record('one', check, up);
    expect(seen).toEqual([true]);
  });

  it('is not changed by an inconclusive verdict', () => {
    expect(table.record('one', check, cancelled)).toBe('unchanged');
    expect(table.get('one', 'a')?.state).toBe('unknown');
    expect(flips).toEqual([]);
  });

  it('counts no failures from before a machine pause or a suspension', () => {
    table.record('one', check, up);
    for (const _ of [1, 2]) expect(table.record('one', check, down)).toBe('pending');
    clock.jump(24 * 3_600_000);
    for (const _ of [1, 2]) expect(table.record('one', check, down)).toBe('pending');
    expect(table.record('one', check, down)).toBe('changed');
  });

  it('counts no successes from before a machine pause or a suspension', () => {
    const slow = aCheck({ id: 'a', timing: { successThreshold: 2 } });
    table.record('one', slow, down);
    expect(table.record('one', slow, up)).toBe('pending');
    clock.jump(22_000);
    expect(table.record('one', slow, up)).toBe('pending');
    clock.jump(21_000);
    expect(table.record('one', slow, up)).toBe('changed');
  });

  it('counts consecutive failures of runs that were due in time, however long they waited for a slot', () => {
    table.record('one', check, up);
    for (const expected of ['pending', 'pending', 'changed']) {
      const dueAt = clock.now() + 10_000;
      clock.jump(300_000);
      expect(table.record('one', check, down, { dueAt })).toBe(expected);
    }
  });

  it('keeps a reported lag, and counts lags over a limit again after a machine pause', () => {
    const bounded = aCheck({ id: 'a', lagLimits: [5, 60] });
    const lag = (lagSeconds: number) => ({ ...up, role: 'Replica' as const, lagSeconds });
    for (const seconds of [30, 90, 90]) table.record('one', bounded, lag(seconds));
    expect(table.get('one', 'a')?.replication?.exceededLimits).toEqual([5]);
    clock.jump(24 * 3_600_000);
    for (const _ of [1, 2]) table.record('one', bounded, lag(90));
    expect(table.get('one', 'a')?.replication?.exceededLimits).toEqual([5]);
    table.record('one', bounded, lag(90));
    expect(table.get('one', 'a')?.replication?.exceededLimits).toEqual([5, 60]);
  });

  it('keeps a restored address healthy until the threshold of new verdicts', () => {
    table.restore('one', 'a', healthy);
    expect([down, down, down].map((verdict) => table.record('one', check, verdict))).toEqual([
      'pending',
      'pending',
      'changed',
    ]);
    expect(flips).toEqual(['one/a healthy>unhealthy']);
  });

  it('follows slices down while a restored address has only failed, because a former leader may write late', () => {
    table.restore('one', 'a', { ...healthy, restored: true });
    table.record('one', check, down);
    table.restore('one', 'a', { ...healthy, state: 'unhealthy', restored: true });
    expect(table.get('one', 'a')?.state).toBe('unhealthy');
    table.restore('two', 'a', { ...healthy, restored: true });
    table.record('two', check, up);
    table.restore('two', 'a', { ...healthy, state: 'unhealthy', restored: true });
    expect(table.get('two', 'a')?.state).toBe('healthy');
  });

  it('takes restored health only for a check without a conclusive verdict', () => {
    table.record('one', check, down);
    table.restore('one', 'a', healthy);
    expect(table.get('one', 'a')?.state).toBe('unhealthy');
    table.restore('two', 'a', unknownHealth(5));
    table.record('two', check, cancelled);
    table.restore('two', 'a', healthy);
    expect(table.get('two', 'a')?.state).toBe('healthy');
  });

  it('keeps separate health for two ports of one address', () => {
    table.record('one', aCheck({ port: 1 }), up);
    table.record('one', aCheck({ port: 2 }), down);
    expect([table.get('one', '10.0.0.1:1')?.state, table.get('one', '10.0.0.1:2')?.state]).toEqual([
      'healthy',
      'unhealthy',
    ]);
  });

  it('forgets only the checks that it is given', () => {
    for (const id of ['a', 'b', 'c']) table.record('one', aCheck({ id }), up);
    table.record('two', check, up);
    table.retain('one', ['b', 'unheard of']);
    expect([table.size, table.get('one', 'a'), table.get('one', 'b')?.state]).toEqual([
      2,
      undefined,
      'healthy',
    ]);
    table.retain('nobody', []);
    table.forget('one');
    table.forget('one');
    expect([table.size, table.get('one', 'b'), table.get('two', 'a')?.state]).toEqual([
      1,
      undefined,
      'healthy',
    ]);
  });
});
