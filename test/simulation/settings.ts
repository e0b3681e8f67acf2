import type { SpecInput } from '../support/builders/builders.ts';
import type { Host } from './network/targets.ts';
import type { NameAnswer } from './network/zones.ts';
import type { Draw } from './random.ts';
import { calendar } from './settings/calendar.ts';
import { fleet } from './settings/fleet.ts';
import {
  A,
  all,
  B,
  C,
  noneReadyOf,
  probeOf,
  targets,
  up,
  type Setting,
  type Timed,
} from './settings/setting.ts';
import { tiers } from './settings/tiers.ts';

/** Three servers behind one Service. */
const plain = (draw: Draw): Setting => {
  const probe = probeOf(draw);
  const services = [{ name: 'db', ...noneReadyOf(draw) }];
  const spec = (over: SpecInput = {}): SpecInput => ({
    ...{ targets: targets(all), ports: [{ port: 5432 }], probe, services },
    ...over,
  });
  return {
    ...{ backends: { db: spec() }, names: {}, services: ['db'] },
    hosts: { [A]: up, [B]: up, [C]: up },
    edits: [
      ['db', spec({ targets: [{ host: A, drain: true }, { host: B }, { host: C }] })],
      ['db', spec({ targets: targets([A, B]) })],
      ['db', spec({ targets: [...targets(all), { host: '10.0.0.4' }] })],
      ['db', spec({ ports: [{ port: 5432, name: 'sql' }] })],
      ['db', spec({ probe: { ...probe, failureThreshold: 2, tcpSocket: {}, port: 5433 } })],
      ['db', spec({ services: [{ name: 'db' }, { name: 'more', headless: true }] })],
      ['db', spec({ suspend: true })],
    ],
  };
};

/** One primary and two replicas. */
const roles = (draw: Draw): Setting => {
  const timing = probeOf(draw);
  const probe = { redis: {}, ...timing };
  const hasEpochs = draw.chance(0.5);
  const none = draw.chance(0.3) ? noneReadyOf(draw) : {};
  const more = draw.chance(0.5) ? [{ port: 9121, name: 'metrics', probe: { ...timing, tcpSocket: {} } }] : [];
  const of = (role: Host['role'], epoch: number): Host => ({
    ...{ state: 'up', role },
    ...(hasEpochs && role === 'Primary' && { epoch }),
  });
  const spec = (over: SpecInput = {}): SpecInput => ({
    ...{
      targets: targets(all),
      ports: [{ port: 6379, ...(more.length > 0 && { name: 'db' }) }, ...more],
      probe,
    },
    services: [
      { name: 'rw', role: 'Primary', ...none },
      { name: 'ro', role: 'Replica', ...none },
    ],
    ...over,
  });
  return {
    ...{ backends: { cache: spec() }, names: {}, services: ['rw', 'ro'] },
    hosts: { [A]: of('Primary', 1), [B]: of('Replica', 1), [C]: of('Replica', 1) },
    edits: [
      ['cache', spec({ targets: [{ host: A }, { host: B, drain: true }, { host: C }] })],
      ['cache', spec({ ports: [{ port: 6379, name: 'redis' }, ...more] })],
      [
        'cache',
        spec({
          services: [{ name: 'rw', role: 'Primary' }, { name: 'ro', role: 'Replica' }, { name: 'any' }],
        }),
      ],
    ],
    special: (on, at) => {
      const [from, to] = [A, on.of([B, C])];
      const gapMs = on.of([0, on.whole(0, 6_000)]);
      const demoted: Timed = { op: 'hosts', ips: [from], is: of('Replica', 2), at };
      const died: Timed = { op: 'hosts', ips: [from], is: { ...of('Primary', 1), state: 'silent' }, at };
      const promoted: Timed = { op: 'hosts', ips: [to], is: of('Primary', 2), at: at + gapMs };
      const back: Timed = { op: 'hosts', ips: [from], is: of('Replica', 2), at: at + gapMs + 5_000 };
      return on.chance(0.5) ? [demoted, promoted] : [died, promoted, back];
    },
  };
};

const [first, second] = ['a.example.com', 'b.example.com'] as const;

/** Two names and an address. */
const names = (draw: Draw): Setting => {
  const probe = probeOf(draw);
  const spec = (over: SpecInput = {}): SpecInput => ({
    ...{ targets: [{ host: first }, { host: second }], ports: [{ port: 5432 }], probe },
    ...over,
  });
  return {
    ...{ backends: { db: spec() }, services: ['db'] },
    names: { [first]: [A, B], [second]: [C] },
    hosts: { [A]: up, [B]: up, [C]: up },
    edits: [
      ['db', spec({ targets: [{ host: first }] })],
      ['db', spec({ targets: [{ host: first, drain: true }, { host: second }] })],
    ],
    special: (on, at) => {
      const name = on.of([first, second]);
      const forMs = on.whole(1_000, 15_000);
      const is = on.of<NameAnswer>([
        'Fails',
        'Lie',
        [A],
        [B, '169.254.169.254'],
        [A, '127.0.0.1'],
        'NoSuchName',
      ]);
      return [{ op: 'name', name, is, forMs, at }];
    },
  };
};

/** An alias of one of two names. */
const alias = (draw: Draw): Setting => {
  const probe = probeOf(draw);
  const failbackSeconds = draw.of([3, 0]);
  const spec = (over: SpecInput = {}): SpecInput => ({
    ...{ mode: 'ExternalName', targets: [{ host: first }, { host: second }], ports: [{ port: 5432 }], probe },
    ...{ failbackSeconds, ...over },
  });
  return {
    ...{ backends: { db: spec() }, services: ['db'], names: { [first]: [A], [second]: [B] } },
    hosts: { [A]: up, [B]: up },
    edits: [
      ['db', spec({ targets: [{ host: first, drain: true }, { host: second }] })],
      ['db', spec({ targets: [{ host: second }, { host: first }] })],
    ],
  };
};

/** Two backends that share a server, with two ports. */
const pair = (draw: Draw): Setting => {
  const spec = (ips: readonly string[], over: SpecInput = {}): SpecInput => ({
    ...{ targets: targets(ips), ports: [{ port: 5432 }], probe: probeOf(draw) },
    ...over,
  });
  const ports = [
    { port: 5432, name: 'sql' },
    { port: 6432, name: 'pool' },
  ];
  const both = { orders: spec([A, B], { ports }), users: spec([B, C]) };
  return {
    ...{ backends: both, names: {}, services: ['orders', 'users'] },
    hosts: { [A]: up, [B]: up, [C]: up },
    edits: [
      ['orders', { ...both.orders, targets: targets([A, B, C]) }],
      ['orders', { ...both.orders, ports: [{ port: 5432, name: 'sql' }] }],
      ['users', { ...both.users, targets: [{ host: B, drain: true }, { host: C }] }],
      ['users', { ...both.users, services: [{ name: 'orders' }, { name: 'users' }] }],
    ],
  };
};

export const settings: readonly [(draw: Draw) => Setting, ...((draw: Draw) => Setting)[]] = [
  plain,
  roles,
  names,
  pair,
  alias,
  fleet,
  tiers,
  calendar,
];
