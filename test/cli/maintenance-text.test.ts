import { describe, expect, it } from '@jest/globals';

import { withEntry, withoutDrain } from '../../src/cli/maintenance-text.ts';
import { wall } from './reports.ts';

const hosts = ['10.20.0.11', 'db.example.com'];
const until = wall + 7_200_000;
const drain = (host?: string) => ({ action: 'Drain' as const, host, until });
const end = '2026-12-01T05:00:00Z';

describe('an entry of maintenance', () => {
  it.each([
    [undefined, '10.20.0.11', `Drain 10.20.0.11 until ${end}`],
    ['', undefined, `Drain until ${end}`],
    ['Drain 10.20.0.11 until 2026-12-01T04:00:00Z', '10.20.0.11', `Drain 10.20.0.11 until ${end}`],
    [
      'Drain DB.example.com. until 2026-12-01T04:00:00Z',
      'db.example.com',
      `Drain db.example.com until ${end}`,
    ],
    ['Freeze until 2026-12-01T02:00:00Z', undefined, `Drain until ${end}`],
    [
      'Freeze until 2026-12-01T04:00:00Z; nonsense',
      '10.20.0.11',
      `Freeze until 2026-12-01T04:00:00Z; nonsense; Drain 10.20.0.11 until ${end}`,
    ],
  ])('is added to %j for %s', (text, host, expected) => {
    expect(withEntry(text, drain(host), hosts, wall)).toBe(expected);
  });

  it('is refused for a host that is no target, and beyond the limits of the annotation', () => {
    expect(() => withEntry(undefined, drain('10.20.0.99'), hosts, wall)).toThrow('no target of the spec');
    const many = Array.from({ length: 16 }, (_, i) => `Quiet 10.0.0.${i} until ${end}`).join(';');
    expect(() => withEntry(many, drain(), hosts, wall)).toThrow('more than 16 entries');
  });
});

describe('a drain', () => {
  const both = `Drain 10.20.0.11 until ${end}; Freeze until ${end}`;

  it.each([
    [both, '10.20.0.11', `Freeze until ${end}`],
    [both, undefined, `Freeze until ${end}`],
    [`Drain until ${end}`, undefined, undefined],
  ])('of %j ends for %s', (text, host, expected) => {
    expect(withoutDrain(text, host, wall)).toBe(expected);
  });

  it('that is not there, or names other hosts too, is reported', () => {
    expect(() => withoutDrain(`Freeze until ${end}`, undefined, wall)).toThrow('has no drain');
    expect(() => withoutDrain(`Drain a, b until ${end}`, 'a', wall)).toThrow('has no drain of a alone');
  });
});
