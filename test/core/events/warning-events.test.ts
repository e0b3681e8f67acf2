import { describe, expect, it } from '@jest/globals';
import { warningEvent } from '../../../src/core/events/warning-events.ts';
import type { ReplicationState } from '../../../src/core/health/replication.ts';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import { healthy, unhealthy } from '../../support/builders/builders.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';

describe('warningEvent', () => {
  const replication: ReplicationState = {
    role: 'Primary',
    roleSince: 0,
    epoch: undefined,
    runsOverLimit: new Map(),
    exceededLimits: [],
    caughtUpAt: undefined,
  };
  const login: Health = { ...healthy, reason: 'AuthFailed', message: '28P01 no' };

  it('reports a refused login, and that the health and the last role remain', () => {
    expect(warningEvent(aCheck(), { ...healthy, replication }, { ...login, replication })).toEqual({
      type: 'Warning',
      reason: 'AuthFailed',
      action: 'Probe',
      about: '10.0.0.1:5432',
      note: 'login to 10.0.0.1:5432 refused: 28P01 no; the address stays healthy and keeps its last known role Primary',
    });
    expect(warningEvent(aCheck(), unknownHealth(0), login)?.note).toBe(
      'login to 10.0.0.1:5432 refused: 28P01 no; the address stays healthy and its role is not known',
    );
  });

  it.each([
    ['it began before', login, { ...login, replication }, false],
    ['it begins', healthy, login, true],
    ['it ends', login, healthy, false],
    ['the address comes back with it', { ...unhealthy, reason: 'AuthFailed' }, login, true],
    ['a failure is reported by the transition', healthy, { ...unhealthy, reason: 'Saturated' }, false],
    ['it is full', healthy, { ...healthy, reason: 'Saturated' }, true],
    [
      'the fault is ours, and of all addresses at once',
      healthy,
      { ...healthy, reason: 'ProberFault' },
      false,
    ],
  ] as const)('is recorded when a warning begins: %s', (_, before, after, isReported) =>
    expect(warningEvent(aCheck(), before, after) !== undefined).toBe(isReported),
  );
});
