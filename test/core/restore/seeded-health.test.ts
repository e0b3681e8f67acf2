import { describe, expect, it } from '@jest/globals';
import { reseeded } from '../../../src/core/restore/reseed.ts';
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
  const seeded = (state: Health['state'], role?: 'Primary' | 'Replica') => of(state, role, { seeded: true });

  it.each([
    ['nothing known: the seed', undefined, seeded('healthy'), 'healthy seeded'],
    ['confirmed: stays', of('healthy'), seeded('unhealthy'), 'healthy'],
    ['unknown after a verdict: the seed', of('unknown'), seeded('healthy'), 'healthy seeded'],
    ['seeded healthy, not ready now', seeded('healthy'), seeded('unhealthy'), 'unhealthy seeded'],
    ['seeded healthy, drained now', seeded('healthy'), seeded('unknown'), 'unknown seeded'],
    ['seeded unhealthy, ready now: never up', seeded('unhealthy'), seeded('healthy'), 'unhealthy seeded'],
    ['seeded unknown, ready now: never up', seeded('unknown'), seeded('healthy'), 'unknown seeded'],
    ['another role', seeded('healthy', 'Primary'), seeded('healthy', 'Replica'), 'healthy seeded Replica'],
    ['no role any more', seeded('healthy', 'Primary'), seeded('healthy'), 'healthy seeded'],
    [
      'a role that a verdict reported: stays',
      of('healthy', 'Primary'),
      seeded('healthy', 'Replica'),
      'healthy Primary',
    ],
  ])('%s', (_, known, seed, expected) => {
    const { state, seeded: is, replication } = reseeded(known, seed);
    expect([state, is && 'seeded', replication?.role].filter((word) => word !== undefined).join(' ')).toBe(
      expected,
    );
  });
});
