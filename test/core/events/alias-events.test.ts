import { describe, expect, it } from '@jest/globals';
import { aliasSwitchEvent } from '../../../src/core/events/alias-events.ts';
import type { Candidate } from '../../../src/core/publish/external-name.ts';

const host: Candidate = {
  name: 'a',
  health: 'healthy',
  since: 0,
  drain: false,
  resolved: true,
  why: '',
};

describe('the Event of an alias that was switched', () => {
  const all: readonly Candidate[] = [
    host,
    { ...host, name: 'b', health: 'unhealthy', since: undefined, why: '10.0.0.1 Refused' },
    { ...host, name: 'c', drain: true },
  ];

  it.each([
    ['x', 'a', 'Normal', 'the alias now points to a, because x was removed from spec.targets'],
    ['c', 'a', 'Normal', 'the alias now points to a, because c is drained'],
    ['b', 'a', 'Warning', 'the alias now points to a, because b is unhealthy: 10.0.0.1 Refused'],
    ['a', 'b', 'Normal', 'the alias now points to b again, because it is healthy and comes before a'],
  ])('reports why it was switched from %s to %s', (from, to, type, note) => {
    const event = aliasSwitchEvent(all, from, to);
    expect(event).toMatchObject({ type, reason: 'AliasSwitched', action: 'Switch' });
    expect(event?.note).toContain(note);
  });

  it.each([
    ['had no host before', undefined],
    ['still has the same host', 'a'],
  ])('is absent if the Service %s', (_, before) =>
    expect(aliasSwitchEvent(all, before, 'a')).toBeUndefined(),
  );
});
