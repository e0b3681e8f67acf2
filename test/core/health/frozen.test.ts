import { describe, expect, it } from '@jest/globals';
import { frozenHealth } from '../../../src/core/health/frozen.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { ReplicationState } from '../../../src/core/health/replication.ts';

const of = (state: Health['state'], over: Partial<Health> = {}): Health => ({
  ...{ state, consecutive: 0, since: 0, reason: 'Connected', message: '' },
  ...over,
});

const primary: ReplicationState = {
  ...{ role: 'Primary', roleSince: 0, epoch: undefined, runsOverLimit: new Map() },
  ...{ exceededLimits: [], caughtUpAt: undefined },
};

describe('the health that counts while an address is frozen', () => {
  it.each([
    ['nothing', 'unhealthy', undefined, of('unhealthy')],
    ['nothing', 'unknown', undefined, of('unknown')],
    ['unknown', 'unhealthy', of('unknown'), of('unhealthy')],
    ['healthy', 'healthy with another role', of('healthy'), of('healthy', { replication: primary })],
    ['healthy', 'what a slice shows', of('healthy'), of('unhealthy', { restored: true })],
  ])('is that of the probes: %s, now %s', (_, __, counted, probed) => {
    expect(frozenHealth(counted, probed)).toBe(probed);
  });

  it.each(['unhealthy', 'unknown'] as const)('stays healthy when the probes report %s', (state) => {
    const counted = of('healthy');
    expect(frozenHealth(counted, of(state))).toBe(counted);
  });

  it('keeps a role that any other server takes over as soon as it reports the same', () => {
    const counted = of('healthy', { replication: primary });
    const kept = frozenHealth(counted, of('unhealthy'));
    expect(kept.replication).toMatchObject({ role: 'Primary', isDisputed: true });
    expect(frozenHealth(kept, of('unhealthy'))).toBe(kept);
  });

  it('stays unhealthy when the probes succeed, with the role that they report', () => {
    const probed = of('healthy', { replication: primary });
    expect(frozenHealth(of('unhealthy'), probed)).toEqual({ ...probed, state: 'unhealthy' });
  });
});
