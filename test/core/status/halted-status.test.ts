import { describe, expect, it } from '@jest/globals';
import { invalidHalt, sameStatus, statusOfHalt, suspendedHalt } from '../../../src/core/status/status.ts';
import { aBackend } from '../../support/builders/builders.ts';
import { condition, now, status } from '../support/statuses.ts';

describe('statusOfHalt', () => {
  it('keeps the rest of the stored status', () => {
    const before = status(aBackend());
    const after = statusOfHalt(before, 2, suspendedHalt, now + 60_000);
    expect(after).toMatchObject({ observedGeneration: 2, summary: '2/2', targets: before.targets });
    expect(after.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'Ready Suspended',
      'Available AddressesReady',
      'Degraded AllHealthy',
    ]);
  });

  it('names the invalid fields', () => {
    const problems = [
      { path: 'spec.mode', message: 'unknown' },
      { path: '', message: 'odd' },
    ];
    const after = statusOfHalt(undefined, 1, invalidHalt(problems), now);
    expect(condition(after, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'Invalid',
      message: 'spec.mode: unknown; odd',
    });
  });

  it('has Stalled for an invalid spec, until it is valid', () => {
    const before = statusOfHalt(undefined, 1, invalidHalt([{ path: 'spec.mode', message: 'unknown' }]), now);
    expect(condition(before, 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'Invalid',
      message: 'spec.mode: unknown',
    });
    expect(condition(statusOfHalt(before, 2, suspendedHalt, now), 'Stalled')).toBeUndefined();
    expect(condition(status(aBackend({}, { status: before })), 'Stalled')).toBeUndefined();
  });
});

describe('sameStatus', () => {
  it.each([
    [
      'the order of fields does not matter',
      { summary: '1/1', readyAddresses: 1 },
      { readyAddresses: 1, summary: '1/1' },
      true,
    ],
    ['another value', { summary: '1/1' }, { summary: '0/1' }, false],
    ['nothing stored', undefined, {}, false],
  ])('%s', (_, a, b, same) => expect(sameStatus(a, b)).toBe(same));
});
