import { describe, expect, it } from '@jest/globals';

import { createReport, hasFindings } from '../../src/cli/report.ts';
import { leading, reportWith, storedWith, wall, type Conditions } from './reports.ts';

describe('the verdict about a backend', () => {
  it.each<[Conditions, string, boolean]>([
    [{ Ready: 'True', Available: 'True', Degraded: 'False' }, 'Available', false],
    [{ Ready: 'True', Available: 'True', Degraded: 'True' }, 'Degraded', false],
    [{ Ready: 'False', Available: 'True' }, 'Degraded', false],
    [{ Ready: 'True', Available: 'False' }, 'Unavailable', true],
    [{ Ready: 'True', Available: 'Unknown' }, 'Unknown', true],
    [{ Ready: 'Unknown' }, 'Unknown', true],
  ])('with %j is %s, and a finding: %s', (conditions, verdict, found) => {
    const report = reportWith(storedWith(conditions));
    expect([report.items[0]?.verdict, hasFindings(report)]).toEqual([verdict, found]);
  });

  it('is Unknown while the status is that of an earlier generation, or there is none', () => {
    const good = { Ready: 'True', Available: 'True' } as const;
    const { items } = reportWith(storedWith(good, { observedGeneration: 1 }), {
      ...{ metadata: { name: 'new', namespace: 'shop', generation: 1 }, spec: {} },
    });
    expect(items.map(({ verdict, current }) => [verdict, current])).toEqual([
      ['Unknown', false],
      ['Unknown', false],
    ]);
  });

  it('is a finding for all backends if no operator leads', () => {
    const backends = [storedWith({ Ready: 'True', Available: 'True' })];
    const found = (state: 'Leading' | 'Expired' | 'Absent' | 'Unreadable') =>
      hasFindings(createReport(backends, { state, message: '' }, wall));
    expect([found('Leading'), found('Expired'), found('Absent'), found('Unreadable')]).toEqual([
      ...[false, true, true, false],
    ]);
  });
});

describe('a report', () => {
  it('has the stored status with fields that it does not know', () => {
    const stored = storedWith({ Available: 'True' });
    const newer = { ...stored, status: { ...stored.status, ofTheFuture: 1 } };
    expect(reportWith(newer).items[0]?.status).toMatchObject({ ofTheFuture: 1 });
  });

  it('has the Events in the order of their last occurrence', () => {
    const metadata = { creationTimestamp: '2026-12-01T01:00:00Z' };
    const events = [
      {
        metadata,
        reason: 'B',
        eventTime: '2026-12-01T01:30:00Z',
        series: { count: 3, lastObservedTime: '2026-12-01T02:00:00Z' },
      },
      { metadata, reason: 'A', eventTime: null },
    ];
    const [item] = createReport([storedWith({})], leading, wall, events).items;
    expect(item?.events?.map(({ reason, count }) => [reason, count])).toEqual([
      ['A', 1],
      ['B', 3],
    ]);
  });
});
