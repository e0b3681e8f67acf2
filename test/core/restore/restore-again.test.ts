import { describe, expect, it } from '@jest/globals';
import { restoredAgain } from '../../../src/core/restore/restore-again.ts';
import { now } from '../support/seeds.ts';
import type { Health } from '../../../src/core/health/state.ts';

describe('a health whose slices are read again', () => {
  const of = (state: Health['state'], role?: 'Primary' | 'Replica', more: Partial<Health> = {}): Health => ({
    ...{ state, consecutive: 0, since: now, reason: '', message: '' },
    ...(role && {
      replication: {
        role,
        roleSince: 0,
        epoch: undefined,
        runsOverLimit: new Map(),
        exceededLimits: [],
        caughtUpAt: undefined,
      },
    }),
    ...more,
  });
  const restored = (state: Health['state'], role?: 'Primary' | 'Replica') =>
    of(state, role, { restored: true });

  it.each([
    ['nothing known: the restored one', undefined, restored('healthy'), 'healthy restored'],
    ['confirmed: stays', of('healthy'), restored('unhealthy'), 'healthy'],
    ['unknown after a verdict: the restored one', of('unknown'), restored('healthy'), 'healthy restored'],
    ['restored healthy, not ready now', restored('healthy'), restored('unhealthy'), 'unhealthy restored'],
    ['restored healthy, drained now', restored('healthy'), restored('unknown'), 'unknown restored'],
    [
      'restored unhealthy, ready now: never up',
      restored('unhealthy'),
      restored('healthy'),
      'unhealthy restored',
    ],
    ['restored unknown, ready now: never up', restored('unknown'), restored('healthy'), 'unknown restored'],
    [
      'another role',
      restored('healthy', 'Primary'),
      restored('healthy', 'Replica'),
      'healthy restored Replica',
    ],
    ['no role any more', restored('healthy', 'Primary'), restored('healthy'), 'healthy restored'],
    [
      'a role that a verdict reported: stays',
      of('healthy', 'Primary'),
      restored('healthy', 'Replica'),
      'healthy Primary',
    ],
  ])('%s', (_, known, restored, expected) => {
    const { state, restored: is, replication } = restoredAgain(known, restored);
    expect([state, is && 'restored', replication?.role].filter((word) => word !== undefined).join(' ')).toBe(
      expected,
    );
  });
});
