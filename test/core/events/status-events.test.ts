import { describe, expect, it } from '@jest/globals';
import type { Condition, Status } from '../../../src/api/external-backend.ts';
import { statusEvents, statusTooLargeEvent } from '../../../src/core/events/status-events.ts';

const condition = (
  type: string,
  status: Condition['status'],
  reason: string,
  message = 'text',
): Condition => ({
  ...{ type, status, reason, message },
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

const published = condition('Ready', 'True', 'Published');
const conflict = condition('Ready', 'False', 'Conflict');
const statusWith = (...conditions: Condition[]): Status => ({ conditions });
const brief = (before: Status | undefined, after: Status) =>
  statusEvents(before, after).map(({ type, reason }) => `${type} ${reason}`);

describe('the Events of a status', () => {
  it.each<[string, Status | undefined, Status, readonly string[]]>([
    ['is ready from the start', undefined, statusWith(published), []],
    ['stays ready', statusWith(published), statusWith({ ...published, message: 'other' }), []],
    ['has a first conflict', undefined, statusWith(conflict), ['Warning Conflict']],
    ['is no longer ready', statusWith(published), statusWith(conflict), ['Warning Conflict']],
    ['has the same conflict', statusWith(conflict), statusWith(conflict), []],
    [
      'has another conflict',
      statusWith(conflict),
      statusWith({ ...conflict, message: 'b' }),
      ['Warning Conflict'],
    ],
    ['is ready again', statusWith(conflict), statusWith(published), ['Normal Published']],
    ['has no condition', statusWith(conflict), {}, []],
  ])('of a backend that %s', (_, before, after, events) => expect(brief(before, after)).toEqual(events));

  it.each<[string, string | undefined, string | undefined, readonly string[]]>([
    ['appears', undefined, '10.0.0.1', ['Normal PrimaryChanged']],
    ['is another server', '10.0.0.1', '10.0.0.2', ['Normal PrimaryChanged']],
    ['is lost', '10.0.0.1', undefined, ['Warning PrimaryLost']],
    ['gets an address of another family', '10.0.0.1', '10.0.0.1, fd00::1', []],
    ['loses one of its addresses', '10.0.0.1, fd00::1', 'fd00::1', []],
    ['remains', '10.0.0.1', '10.0.0.1', []],
  ])('of a primary that %s', (_, before, after, events) =>
    expect(brief({ ...(before && { primary: before }) }, { ...(after && { primary: after }) })).toEqual(
      events,
    ),
  );

  it('report a second primary once', () => {
    const two = statusWith(condition('Degraded', 'True', 'TwoPrimaries'));
    expect(brief(statusWith(condition('Degraded', 'False', 'AllHealthy')), two)).toEqual([
      'Warning TwoPrimaries',
    ]);
    expect(brief(two, two)).toEqual([]);
  });

  it('contain the previous primary', () => {
    const note = (primary?: string) =>
      statusEvents({ primary: '10.0.0.1' }, { ...(primary && { primary }) })[0]?.note;
    expect(note('10.0.0.2')).toBe('10.0.0.2 is the primary now (previous primary: 10.0.0.1)');
    expect(note()).toBe('no ready address reports role Primary (previous primary: 10.0.0.1)');
  });
});

it('The Event of a status that is too large mentions that targets are left out only if they are', () => {
  expect(statusTooLargeEvent(true).note).toContain('status.targets is left out');
  expect(statusTooLargeEvent(false).note).not.toContain('left out');
});
