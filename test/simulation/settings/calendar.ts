import type { SpecInput } from '../../support/builders/builders.ts';
import { beginMs } from '../history.ts';
import type { Host } from '../network/targets.ts';
import type { Draw } from '../random.ts';
import { A, all, B, C, noneReadyOf, probeOf, targets, up, type Setting, type Timed } from './setting.ts';

/** Time in the text of a spec or an annotation, of milliseconds after the begin of the events. */
const instant = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + beginMs + ms).toISOString();

const actions = ['Freeze', 'Drain', 'Quiet', 'Freeze', 'Drain'] as const;

/** A window of the calendar, of seconds. Its schedule begins at an instant or before, and `until` ends it. */
function windowOf(draw: Draw, name: string, untilMs: number): SpecInput {
  const startMs = draw.of([draw.whole(-50, -5), draw.whole(0, 12)]) * 1_000;
  return {
    ...{ name, action: draw.of(actions), durationSeconds: 60, start: instant(startMs) },
    ...{ from: instant(Math.max(startMs, -5_000)), until: instant(Math.max(untilMs, startMs + 1_000)) },
    ...(draw.chance(0.5) && { targets: draw.some(all, draw.whole(1, 2)) }),
  };
}

/** Servers behind one Service, with maintenance windows of the calendar and by hand. */
export const calendar = (draw: Draw): Setting => {
  const probe = probeOf(draw);
  const hasTiers = draw.chance(0.2);
  const services = [{ name: 'db', ...noneReadyOf(draw) }];
  const windowsEndAt = draw.whole(8, 25) * 1_000;
  const windows = ['first', 'second']
    .slice(0, draw.whole(0, 2))
    .map((name) => windowOf(draw, name, windowsEndAt));
  const spec = (over: SpecInput = {}): SpecInput => ({
    targets: all.map((host, i) => ({ host, priority: hasTiers ? i : 0 })),
    ...{ ports: [{ port: 5432 }], probe, services, ...(windows.length > 0 && { maintenance: windows }) },
    ...over,
  });
  const byHand = (on: Draw, at: number): Timed => {
    const until = instant(Math.max(at + 2_000, windowsEndAt - on.whole(0, 6_000)));
    const targets = on.chance(0.5) ? [] : on.some(all, on.whole(1, 2));
    const text = [on.of(actions), ...targets, 'until', until].join(' ');
    return { op: 'annotate', backend: 'db', text, at };
  };
  return {
    ...{ backends: { db: spec() }, names: {}, services: ['db'], windowsEndAt: windowsEndAt + 3_000 },
    hosts: { [A]: up, [B]: up, [C]: up },
    edits: [
      ['db', spec({ maintenance: [windowOf(draw, 'third', windowsEndAt)] })],
      ['db', spec({ targets: targets([A, B]) })],
      ['db', spec({ services: [{ name: 'db' }, { name: 'more' }] })],
    ],
    special: (on, at) => {
      if (on.chance(0.4)) return [byHand(on, at)];
      if (on.chance(0.1)) return [{ op: 'annotate', backend: 'db', text: undefined, at }];
      const ips = on.some(all, on.whole(1, 3));
      const is: Host = { state: on.of<Host['state']>(['refuses', 'silent', 'hangs']) };
      const back: Timed = { op: 'hosts', ips: on.some(ips, 2), is: up, at: at + on.whole(1_000, 12_000) };
      return [{ op: 'hosts', ips, is, at }, back];
    },
  };
};
