import { beforeEach, describe, expect, it } from '@jest/globals';

import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { HealthTable } from '../../../src/engine/probing/health-table.ts';
import { down, timedOut, up } from '../../support/builders/verdicts.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';

const silent: Verdict = { ...timedOut, isUnreached: true };
const fault: Verdict = { kind: 'inconclusive', reason: 'ProberFault', message: '' };

describe('a verdict without an answer that would make an address unhealthy', () => {
  let clock: ManualClock;
  let held: string[];
  let settled: string[];
  let changes: string[];
  let table: HealthTable;
  const check = aCheck({ id: 'a', timing: { failureThreshold: 2 } });
  const state = () => table.get('one', 'a')?.state;
  const record = (...verdicts: readonly Verdict[]) => {
    for (const verdict of verdicts) {
      clock.jump(10_000);
      table.record('one', check, verdict);
    }
  };

  beforeEach(() => {
    clock = new ManualClock();
    held = [];
    settled = [];
    changes = [];
    table = new HealthTable({
      clock,
      onChanged: (_, { id }, before, after) => changes.push(`${id} ${before.state} to ${after.state}`),
      onHeld: (_, { id }) => held.push(id),
      onSettled: (_, { id }) => settled.push(id),
    });
    record(up);
    changes.length = 0;
  });

  it('waits once its threshold is reached, is reported once, and takes effect when it is released', () => {
    record(silent);
    expect(held).toEqual([]);
    record(silent, silent, silent);
    expect([held, state()]).toEqual([['a'], 'healthy']);
    table.release('one', 'a');
    expect([changes, state()]).toEqual([['a healthy to unhealthy'], 'unhealthy']);
  });

  it('is forgotten when the host answers', () => {
    record(silent, silent, up);
    table.release('one', 'a');
    expect([changes, state(), settled]).toEqual([[], 'healthy', ['a']]);
    record(silent, silent);
    expect(held).toEqual(['a', 'a']);
  });

  it('does not protect a host that then refuses, for the whole threshold', () => {
    record(silent, silent, down);
    table.release('one', 'a');
    expect([changes, settled, state()]).toEqual([[], ['a'], 'healthy']);
    record(down);
    expect(changes).toEqual(['a healthy to unhealthy']);
  });

  it('does not count with a connection that hangs because the network was repaired meanwhile', () => {
    const single = aCheck({ id: 'd', timing: { failureThreshold: 1 } });
    for (const verdict of [up, silent, timedOut]) table.record('one', single, verdict);
    record(silent, silent, timedOut);
    table.recount();
    expect([held, state(), table.get('one', 'd')?.state]).toEqual([['d', 'a'], 'healthy', 'healthy']);
    table.record('one', single, timedOut);
    table.record('one', single, timedOut);
    expect(table.get('one', 'd')?.state).toBe('unhealthy');
  });

  it('remains where this process fails', () => {
    record(silent, silent, fault);
    table.release('one', 'a');
    expect(state()).toBe('unhealthy');
  });

  it('counts no more after a recount: the whole threshold is needed again, of those that waited and of those that did not', () => {
    record(silent, silent);
    const other = aCheck({ id: 'b', timing: { failureThreshold: 2 } });
    table.record('one', other, up);
    table.record('one', other, silent);
    table.recount();
    expect(settled).toEqual(['a']);
    table.release('one', 'a');
    record(silent);
    table.record('one', other, silent);
    expect([held, state()]).toEqual([['a'], 'healthy']);
    record(silent);
    table.record('one', other, silent);
    expect(held).toEqual(['a', 'a', 'b']);
  });

  it('of a run that began before a recount does not count', () => {
    const single = aCheck({ id: 'c', timing: { failureThreshold: 1 } });
    table.record('one', single, up);
    const startedAt = clock.now();
    clock.jump(500);
    table.recount();
    clock.jump(500);
    table.record('one', single, silent, { startedAt });
    expect(held).toEqual([]);
    table.record('one', single, silent, { startedAt: clock.now() });
    expect(held).toEqual(['c']);
  });

  it('leaves the count of a host that refuses as it is in a recount', () => {
    record(down);
    table.recount();
    record(down);
    expect(state()).toBe('unhealthy');
  });

  it('of a connection that was accepted and then hung waits for one more verdict only', () => {
    record(timedOut, timedOut);
    expect([held, state()]).toEqual([['a'], 'healthy']);
    record(timedOut);
    expect(state()).toBe('unhealthy');
  });

  it('waits for nothing where the address was not healthy', () => {
    const fresh = aCheck({ id: 'new' });
    table.record('one', fresh, silent);
    expect([held, table.get('one', 'new')?.state]).toEqual([[], 'unhealthy']);
  });

  it('waits for nothing where no listener can release it', () => {
    const alone = new HealthTable({ clock, onChanged: () => undefined });
    alone.record('one', check, up);
    for (const _ of [1, 2]) alone.record('one', check, silent);
    expect(alone.get('one', 'a')?.state).toBe('unhealthy');
  });
});
