import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { wallTimeOf, type WallTime } from '../../../src/core/maintenance/wall-time.ts';

const zoneOf = (name: string): WallTime => {
  const zone = wallTimeOf(name);
  if (zone === undefined) throw new Error(`${name} is no zone`);
  return zone;
};

const minute = 60_000;

/** Zones that set their clocks forward and back, with a day around which they do so. */
export const changes = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['America/Santiago', '2026-04-05'],
  ['America/Santiago', '2026-09-06'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Asia/Kolkata', '2026-03-29'],
  ['Pacific/Apia', '2011-12-30'],
  ['UTC', '2026-03-29'],
] as const;

describe('the clock of a zone', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29T02:30:00Z', '2026-03-29T01:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29T03:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29T03:30:00Z', '2026-03-29T01:30:00.000Z'],
    ['Europe/Berlin', '2026-10-25T02:30:00Z', '2026-10-25T00:30:00.000Z'],
    ['Europe/Berlin', '2026-10-25T03:00:00Z', '2026-10-25T02:00:00.000Z'],
    ['America/New_York', '2026-11-01T01:30:00Z', '2026-11-01T05:30:00.000Z'],
    ['America/New_York', '2026-11-01T02:00:00Z', '2026-11-01T07:00:00.000Z'],
    ['America/Santiago', '2026-09-06T00:30:00Z', '2026-09-06T04:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-04T02:10:00Z', '2026-10-03T15:30:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:45:00Z', '2026-04-04T14:45:00.000Z'],
    ['Asia/Kolkata', '2026-06-01T00:00:00Z', '2026-05-31T18:30:00.000Z'],
    ['Pacific/Apia', '2011-12-30T12:00:00Z', '2011-12-30T10:00:00.000Z'],
    ['UTC', '2026-06-01T00:00:00Z', '2026-06-01T00:00:00.000Z'],
  ])('of %s shows %s first at %s', (name, wall, expected) => {
    expect(new Date(zoneOf(name).instantOf(Date.parse(wall))).toISOString()).toBe(expected);
  });

  it.each(['Mars/Olympus', 'Europe', 'GMT+99', ''])('of %j does not exist', (name) => {
    expect(wallTimeOf(name)).toBeUndefined();
  });

  it.each(changes)(
    'of %s around %s is inverted minute by minute as a walk through the hours shows',
    (name, day) => {
      const zone = zoneOf(name);
      const start = Date.parse(`${day}T00:00:00Z`) - 26 * 60 * minute;
      let latest = zone.wallAt(start);
      for (let instant = start; instant < start + 60 * 60 * minute; instant += minute) {
        const shown = zone.wallAt(instant);
        for (let wall = latest + minute; wall <= shown; wall += minute)
          expect([wall, zone.instantOf(wall)]).toEqual([wall, instant]);
        latest = Math.max(latest, shown);
      }
    },
  );

  it('shows a time no earlier than the one that was asked for, and never before that instant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...changes.map(([name]) => name)),
        fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2060, 0, 1) }),
        (name, wall) => {
          const zone = zoneOf(name);
          const instant = zone.instantOf(wall);
          expect(zone.wallAt(instant)).toBeGreaterThanOrEqual(wall);
          expect(zone.wallAt(instant - 1)).toBeLessThan(wall);
        },
      ),
    );
  });
});
