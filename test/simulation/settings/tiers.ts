import type { SpecInput } from '../../support/builders/builders.ts';
import type { Host } from '../network/targets.ts';
import type { Draw } from '../random.ts';
import { A, all, B, C, noneReadyOf, probeOf, up, type Setting, type Timed } from './setting.ts';

/** Servers of two or three tiers. */
export const tiers = (draw: Draw): Setting => {
  const probe = probeOf(draw);
  const failbackSeconds = draw.of([4, 0, 8]);
  const ranked = (...priorities: readonly number[]) =>
    all.map((host, i) => ({ host, priority: priorities[i] ?? 0 }));
  const priorities = draw.of<readonly number[]>([
    [0, 1, 2],
    [0, 0, 1],
    [0, 1, 1],
  ]);
  const spec = (over: SpecInput = {}): SpecInput => ({
    ...{ targets: ranked(...priorities), ports: [{ port: 5432 }], probe, failbackSeconds },
    ...{ services: [{ name: 'db', ...none }], ...over },
  });
  const none = noneReadyOf(draw);
  return {
    ...{ backends: { db: spec() }, names: {}, services: ['db'] },
    hosts: { [A]: up, [B]: up, [C]: up },
    edits: [
      ['db', spec({ targets: ranked(1, 0, 2) })],
      ['db', spec({ targets: ranked(2, 1, 0) })],
      ['db', spec({ targets: ranked(...priorities).map((one, i) => ({ ...one, drain: i === 0 })) })],
      ['db', spec({ services: [{ name: 'db', ...none }, { name: 'all' }] })],
    ],
    special: (on, at) => {
      const state = on.of<Host['state']>(['refuses', 'silent', 'hangs']);
      const gapMs = on.whole(0, 4_000);
      const order = on.chance(0.5) ? all : [A];
      const dies = order.map((ip, i): Timed => ({
        op: 'hosts',
        ips: [ip],
        is: { state },
        at: at + i * gapMs,
      }));
      const backAt = at + order.length * gapMs + on.whole(500, 6_000);
      const back = on
        .some(order, on.whole(1, order.length))
        .map((ip, i): Timed => ({ op: 'hosts', ips: [ip], is: up, at: backAt + i * on.whole(0, 4_000) }));
      return [...dies, ...back];
    },
  };
};
