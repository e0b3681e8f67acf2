import { describe, expect, it } from '@jest/globals';

import { leaderOf } from '../../src/cli/leader.ts';
import { wall } from './reports.ts';

const ago = (seconds: number) => ({
  spec: {
    holderIdentity: 'operator-0_1234',
    leaseDurationSeconds: 15,
    renewTime: new Date(wall - seconds * 1000).toISOString(),
  },
});

describe('the leader', () => {
  it.each([
    ['a Lease that was just renewed', ago(1), 'Leading', 'leader operator-0'],
    ['a clock that is 3 s late', ago(-3), 'Leading', 'leader operator-0'],
    ['a clock that is 4 s early', ago(19), 'Leading', 'leader operator-0'],
    [
      'a Lease that was not renewed',
      ago(90),
      'Expired',
      'no operator leads: operator-0 last renewed the Lease ns/lease 90 s ago',
    ],
    [
      'a Lease that was released',
      { spec: { holderIdentity: '' } },
      'Expired',
      'nothing holds the Lease ns/lease: no operator leads',
    ],
    ['a Lease without a time', { spec: { holderIdentity: 'a' } }, 'Expired', 'no operator leads'],
    ['no Lease', undefined, 'Absent', 'there is no Lease ns/lease'],
  ])('of %s is reported', (_, lease, state, message) => {
    expect(leaderOf(lease, 'ns/lease', wall)).toMatchObject({
      state,
      message: expect.stringContaining(message),
    });
  });
});
