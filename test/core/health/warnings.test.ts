import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyVerdict } from '../../../src/core/health/thresholds.ts';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import { warningFor } from '../../../src/core/health/warnings.ts';
import { reasons } from '../../../src/core/probing/reasons.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { healthy, unhealthy } from '../../support/builders/builders.ts';
import { responded, down } from '../../support/builders/verdicts.ts';

const refused: Verdict = { kind: 'up', reason: 'AuthFailed', message: '28P01 no' };
const readOnly: Verdict = { kind: 'up', reason: 'ReadOnly', message: '' };
const wantsLogin: Verdict = { kind: 'up', reason: 'AuthRequired', message: '' };
const full: Verdict = { kind: 'inconclusive', reason: 'Saturated', message: 'full' };
const fault: Verdict = { kind: 'inconclusive', reason: 'ProberFault', message: 'no descriptors' };
const cancelled: Verdict = { kind: 'inconclusive', reason: 'Cancelled', message: '' };

const thresholds = { successThreshold: 1, failureThreshold: 3 };

/** Returns the health after these verdicts, and the verdicts after which something changed. */
function heard(from: Health, ...verdicts: readonly Verdict[]) {
  let health = from;
  const changes = verdicts.map((verdict) => {
    const { health: next, transition } = applyVerdict(health, verdict, thresholds, { now: 7, wall: 7 });
    health = next;
    return transition === 'changed';
  });
  return { health, said: `${health.state} ${health.reason}`, changes };
}

describe('the reason of a health that stays the same', () => {
  it.each([
    ['a login that is refused once: not told', healthy, [refused], 'healthy Connected'],
    ['twice: not yet', healthy, [refused, refused], 'healthy Connected'],
    ['three times in a row', healthy, [refused, refused, refused], 'healthy AuthFailed'],
    ['never in a row', healthy, [refused, responded, refused, refused, responded], 'healthy Connected'],
    ['with a failure in between', healthy, [refused, refused, down, refused], 'healthy Connected'],
    [
      'with a probe that was called off in between',
      healthy,
      [refused, cancelled, refused, refused],
      'healthy AuthFailed',
    ],
    ['two things in turn: neither is told', healthy, [refused, full, refused, full], 'healthy Connected'],
    ['at the first verdict of all, at once', unknownHealth(1), [refused], 'healthy AuthFailed'],
    ['when it works again, at once', healthy, [refused, refused, refused, responded], 'healthy Responded'],
    ['from one to another', healthy, [refused, refused, refused, full, full, full], 'healthy Saturated'],
    ['a server that is full', healthy, [full, full, full], 'healthy Saturated'],
    [
      'a server that is full, and of which nothing is known',
      unknownHealth(1),
      [full, full, full],
      'unknown Saturated',
    ],
    ['a prober that cannot ask', unknownHealth(1), [fault, fault, fault], 'unknown ProberFault'],
    [
      'a probe that is called off is nothing',
      unknownHealth(1),
      [cancelled, cancelled, cancelled],
      'unknown ',
    ],
    ['a primary that refuses writes', healthy, [readOnly, readOnly, readOnly], 'healthy ReadOnly'],
    [
      'a server that wants a login now',
      healthy,
      [wantsLogin, wantsLogin, wantsLogin],
      'healthy AuthRequired',
    ],
    ['an unhealthy one keeps what made it so', unhealthy, [full, full, full], 'unhealthy Refused'],
    [
      'good words are as good as others',
      healthy,
      [responded, responded, responded, responded],
      'healthy Connected',
    ],
  ] as const)('%s', (_, from, verdicts, said) => expect(heard(from, ...verdicts).said).toBe(said));

  it('changes when a warning begins, ends or is replaced, and by no verdict in between', () => {
    const run = heard(healthy, refused, refused, refused, refused, refused, responded, responded);
    expect(run.changes).toEqual([false, false, true, false, false, true, false]);
    expect(run.health.since).toBe(healthy.since);
  });

  it('has the message of the first verdict with that reason, and not of each one', () => {
    const other = { ...refused, message: '28P01 no, at 12:01' };
    expect(heard(healthy, refused, refused, refused, other, other, other).health.message).toBe('28P01 no');
  });

  it('is the same object while nothing changes, because there are thousands of verdicts a second', () => {
    for (const [from, verdict] of [
      [healthy, responded],
      [heard(healthy, refused, refused, refused).health, refused],
      [heard(unknownHealth(1), full, full, full).health, full],
    ] as const)
      expect(applyVerdict(from, verdict, thresholds, { now: 9, wall: 9 }).health).toBe(from);
  });

  it('never changes the state by a warning', () => {
    const any = fc.constantFrom(responded, refused, readOnly, wantsLogin, full, fault, cancelled);
    fc.assert(
      fc.property(fc.constantFrom(healthy, unhealthy, unknownHealth(1)), fc.array(any), (from, verdicts) => {
        const plain = verdicts.map((v) => (v.kind === 'up' ? responded : cancelled));
        expect(heard(from, ...verdicts).health.state).toBe(heard(from, ...plain).health.state);
      }),
    );
  });
});

describe('warningFor', () => {
  it.each([
    ['AuthFailed', undefined, 'LoginsRefused'],
    ['AuthFailed', 'Primary', 'LoginsRefused'],
    ['CredentialsWithheld', undefined, 'LoginsRefused'],
    ['CredentialsWithheld', 'Primary', 'LoginsRefused'],
    ['AuthRequired', undefined, undefined],
    ['AuthRequired', 'Primary', 'LoginsRefused'],
    ['Saturated', undefined, 'AddressesSaturated'],
    ['ReadOnly', 'Primary', 'PrimaryReadOnly'],
    ['ProberFault', undefined, 'ProbesFailing'],
  ] as const)(
    'returns the Degraded reason of %s for an address with last role %s',
    (reason, role, degraded) => expect(warningFor(reason, role)?.degraded).toBe(degraded),
  );

  it('returns nothing for any other reason', () => {
    const told = [
      'AuthFailed',
      'AuthRequired',
      'CredentialsWithheld',
      'Saturated',
      'ReadOnly',
      'ProberFault',
    ];
    for (const reason of reasons.filter((each) => !told.includes(each)))
      expect(warningFor(reason, 'Primary')).toBeUndefined();
  });
});
