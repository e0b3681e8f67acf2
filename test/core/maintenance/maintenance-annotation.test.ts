import { describe, expect, it } from '@jest/globals';
import { calendarOfAnnotation as parse } from '../../../src/core/maintenance/maintenance-annotation.ts';
import { actionFor, maintenanceAt } from '../../../src/core/maintenance/maintenance-state.ts';

const hosts = ['10.20.0.11', '10.20.0.12', 'a.example.com', 'b.example.com'];

const calendarByHand = (text: string | undefined) => parse(text, hosts);

const before = Date.parse('2026-12-01T02:59:59.999Z');
const end = Date.parse('2026-12-01T03:00:00Z');

describe('the annotation', () => {
  it('drains one target until its end', () => {
    const calendar = calendarByHand('Drain 10.20.0.11 until 2026-12-01T03:00:00Z');
    expect(actionFor(maintenanceAt(calendar, before), '10.20.0.11')).toBe('Drain');
    expect(actionFor(maintenanceAt(calendar, before), '10.20.0.12')).toBeUndefined();
    expect(maintenanceAt(calendar, before)).toMatchObject({
      active: [{ name: 'annotation', since: undefined, until: end }],
      edgeAt: end,
    });
    expect(maintenanceAt(calendar, end)).toMatchObject({ active: [], edgeAt: undefined });
  });

  it('has several entries, each with its own hosts and end', () => {
    const calendar = calendarByHand(
      'Drain a.example.com, b.example.com until 2026-12-01T03:00:00Z;\n Freeze until 2026-12-01T04:00:00+00:00; ',
    );
    expect(calendar.problems).toEqual([]);
    const at = (instant: number) =>
      ['a.example.com', 'b.example.com', 'c.example.com'].map((host) =>
        actionFor(maintenanceAt(calendar, instant), host),
      );
    expect(at(before)).toEqual(['Drain', 'Drain', 'Freeze']);
    expect(at(end)).toEqual(['Freeze', 'Freeze', 'Freeze']);
    expect(at(end + 3_600_000)).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['', 'it is empty'],
    ['   ;', 'it is empty'],
    ['Drain 10.20.0.11', 'has no end'],
    ['Drain until', 'has no end'],
    ['Drain until tomorrow', 'has no end'],
    ['Drain until 2026-12-01', 'has no end'],
    ['Drain until 2026-13-01T00:00:00Z', 'has no end'],
    ['Drain until 2026-02-30T00:00:00Z', 'has no end'],
    ['Drain until 2026-12-01T03:00:00', 'has no end'],
    ['drain until 2026-12-01T03:00:00Z', 'does not begin with Drain, Freeze or Quiet'],
    ['Stop until 2026-12-01T03:00:00Z', 'does not begin with Drain, Freeze or Quiet'],
    ['x'.repeat(5000), 'longer than 4096 characters'],
    [Array(17).fill('Quiet until 2026-12-01T03:00:00Z').join(';'), 'more than 16 entries'],
  ])('%j is ignored, because %s', (text, why) => {
    const { windows, problems } = calendarByHand(text);
    expect(windows).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(why)]);
    expect(problems.join()).toMatch(/^annotation externalbackend\.io\/maintenance is ignored: /);
  });

  it('loses a wrong entry alone', () => {
    const { windows, problems } = calendarByHand('Drain; Freeze until 2026-12-01T03:00:00Z');
    expect(windows).toMatchObject([{ name: 'annotation-2', action: 'Freeze' }]);
    expect(problems).toHaveLength(1);
  });

  it('names hosts that no target has, and applies to the others', () => {
    const { windows, problems } = calendarByHand('Drain 10.20.0.11 10.20.0.99 until 2026-12-01T03:00:00Z');
    expect(windows).toHaveLength(1);
    expect(problems).toEqual([
      'annotation externalbackend.io/maintenance: no target of the spec has the host 10.20.0.99',
    ]);
  });

  it('is not needed', () => {
    expect(calendarByHand(undefined)).toEqual({ windows: [], problems: [] });
  });
});
