import type { SpecInput } from '../../support/builders/builders.ts';
import type { Host } from '../network/targets.ts';
import type { Draw } from '../random.ts';
import { probeOf, targets, up, type Setting, type Timed } from './setting.ts';

/** Three backends with hosts in two zones. They share one host. */
export const fleet = (draw: Draw): Setting => {
  const near = ['10.0.1.1', '10.0.1.2', '10.0.1.3'] as const;
  const far = ['10.0.2.1', '10.0.2.2', '10.0.2.3'] as const;
  const spec = (ips: readonly string[], over: SpecInput = {}): SpecInput => ({
    ...{ targets: targets(ips), ports: [{ port: 5432 }], probe: probeOf(draw) },
    ...over,
  });
  const backends = {
    orders: spec([near[0], far[0]]),
    users: spec([near[1], far[1]]),
    stock: spec([near[2], far[2], near[0]]),
  };
  const hosts = Object.fromEntries([...near, ...far].map((ip) => [ip, up]));
  return {
    ...{ backends, names: {}, hosts, services: ['orders', 'users', 'stock'] },
    edits: [
      ['orders', { ...backends.orders, targets: targets([near[0], far[0], far[1]]) }],
      ['stock', { ...backends.stock, targets: [{ host: near[2], drain: true }, { host: far[2] }] }],
    ],
    special: (on, at) => {
      const ips = on.of<readonly [string, ...string[]]>([near, far, [...near, ...far]]);
      const state = on.of<Host['state']>(['silent', 'silent', 'refuses', 'hangs']);
      const dies: Timed = { op: 'hosts', ips, is: { state }, at };
      const alone: Timed = { op: 'hosts', ips: [on.of(ips)], is: { state: 'refuses' }, at: at + 1_500 };
      const back: Timed = { op: 'hosts', ips, is: up, at: at + on.whole(3_000, 15_000) };
      return [dies, ...(on.chance(0.5) ? [alone] : []), ...(on.chance(0.7) ? [back] : [])];
    },
  };
};
