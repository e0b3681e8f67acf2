import { describe, expect, it } from '@jest/globals';

import { ageOf } from '../../src/cli/age.ts';
import { renderDetail } from '../../src/cli/status-detail.ts';
import { renderList } from '../../src/cli/status-list.ts';
import type { Style } from '../../src/cli/terminal.ts';
import { plainStyle, reportWith, storedWith, wall } from './reports.ts';

const good = storedWith({ Ready: 'True', Available: 'True' }, { primary: '10.20.0.11' });
const down = storedWith({ Ready: 'True', Available: 'False' }, { summary: '0/2' }, 'users-db');

const list = (style: Style, wide = false) =>
  renderList(reportWith(good, down), { allNamespaces: false, wide, wall, style }).split('\n');

describe('the list of backends', () => {
  it('has one line for each, with the condition that decides', () => {
    expect(list(plainStyle)).toEqual([
      '    NAME        READY   STATE         SINCE   PRIMARY      MAINTENANCE   REASON',
      '✔   orders-db   1/2     Available     90s     10.20.0.11   -             AvailableReason',
      '✗   users-db    0/2     Unavailable   90s     -            -             AvailableReason',
      '',
      'as of 2026-12-01T03:00:00Z, leader operator-0',
      '',
    ]);
  });

  it('leaves columns out in a narrow terminal, and cuts the last one', () => {
    const lines = list({ ...plainStyle, width: 48 }, true);
    expect(lines[0]).toBe('    NAME        READY   STATE         REASON');
    expect(lines.slice(0, 3).every((line) => line.length <= 48)).toBe(true);
    expect(lines[1]).toContain('…');
  });

  it('is ASCII without UTF-8, and coloured if that is wanted', () => {
    expect(list({ ...plainStyle, unicode: false }).join('')).toMatch(/^[ -~]*$/);
    expect(list({ ...plainStyle, colour: true })[2]).toContain('\u001b[31mUnavailable\u001b[0m');
  });

  it('reports a status that is not of this generation', () => {
    const report = reportWith(storedWith({ Available: 'True' }, { observedGeneration: 1 }));
    const text = renderList(report, { allNamespaces: true, wide: false, wall, style: plainStyle });
    expect(text).toContain('the status is of generation 1, the spec of 2');
  });
});

describe('one backend', () => {
  const addresses = [
    {
      ip: '10.20.0.11',
      ready: true,
      health: 'healthy',
      reason: 'Connected',
      role: 'Primary',
      excluded: [{ service: 'db-ro', reason: 'NotReplica' }],
    },
    {
      ip: '10.20.0.12',
      ready: false,
      health: 'unhealthy',
      reason: 'Timeout',
      message: 'no answer\u001b[2J',
      since: '2026-12-01T02:00:00Z',
    },
  ] as const;
  const stored = storedWith(
    { Ready: 'True', Available: 'True', Degraded: 'True' },
    {
      services: [{ name: 'db', ready: 1, total: 2, tier: 10, fallback: 'KeepLast' }],
      targets: [
        {
          host: 'db.example.com',
          resolution: { state: 'Stale' },
          addresses: addresses.map((each) => ({
            ...each,
            excluded: 'excluded' in each ? [...each.excluded] : undefined,
          })),
        },
        { host: 'gone.example.com', message: 'no such name', addresses: [] },
      ],
      maintenance: {
        active: [
          { name: 'annotation', action: 'Drain', targets: ['10.20.0.12'], until: '2026-12-01T05:00:00Z' },
        ],
      },
    },
  );
  const report = reportWith(stored);
  const text = (style: Style) => {
    const [item] = report.items;
    return item === undefined ? '' : renderDetail(report, item, wall, style);
  };

  it.each([
    'shop/orders-db   ! Degraded',
    'Degraded    True     90s     DegradedReason: message of Degraded',
    'db     ✔ 1/2   10     KeepLast',
    '10.20.0.11   ✔ yes   healthy     -       Primary   Connected; not in db-ro: NotReplica; name Stale',
    '10.20.0.12   ✗ no    unhealthy   60m     -         Timeout: no answer [2J; name Stale',
    'gone.example.com   -            ✗ no    -           -       -         no such name',
    'Drain 10.20.0.12 until 2026-12-01T05:00:00Z (annotation)',
    'as of 2026-12-01T03:00:00Z, leader operator-0',
  ])('is shown with %s', (line) => {
    expect(text(plainStyle)).toContain(line);
  });

  it('fits a terminal of 80 columns, except for the head and the last line', () => {
    const tables = text({ ...plainStyle, width: 80 })
      .split('\n')
      .slice(2, -2);
    expect(tables.filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('an age', () => {
  it.each([
    ['2026-12-01T02:59:15Z', '45s'],
    ['2026-12-01T02:56:56Z', '3m4s'],
    ['2026-12-01T02:15:00Z', '45m'],
    ['2026-11-30T22:30:00Z', '4h30m'],
    ['2026-11-01T03:00:00Z', '30d'],
    ['2026-12-01T03:00:09Z', '0s'],
    ['1970-01-01T00:00:00Z', '-'],
    [undefined, '-'],
  ])('since %s is %s', (since, age) => {
    expect(ageOf(since, wall)).toBe(age);
  });
});
