import { apiFaults } from './api/faults.ts';
import type { Act, History, Mishap, Tampering, Which } from './history.ts';
import type { Host, HostState } from './network/targets.ts';
import { Draw } from './random.ts';
import { settings } from './settings.ts';
import type { Setting } from './settings/setting.ts';

type Timed = Act & { readonly at: number };

/** Time in which events begin. */
const spanMs = 12_000;

/** Returns the history of a seed. */
export function historyOf(seed: number): History {
  const draw = new Draw(seed, 'history');
  const canaries = draw.chance(0.1) ? ['10.0.9.1'] : [];
  const drawn = draw.of(settings)(draw);
  const setting = { ...drawn, hosts: { ...drawn.hosts, ...hostsOf(canaries) } };
  const acts = Array.from({ length: draw.whole(1, 5) }, () => actsOf(draw, setting)).flat();
  return {
    seed,
    replicas: draw.chance(0.2) ? 3 : 2,
    maxEndpointsPerSlice: draw.of([100, 1, 2]),
    hasThreads: draw.chance(0.1),
    secondOpinion: draw.chance(0.8),
    hasOneWall: setting.windowsEndAt !== undefined,
    windowsEndAt: setting.windowsEndAt ?? 0,
    isolation: { sharePercent: draw.of([50, 50, 34]), minHosts: draw.of([3, 3, 2]), canaries },
    hosts: setting.hosts,
    names: setting.names,
    backends: setting.backends,
    acts: acts
      .filter(({ op }) => op !== 'wall' || setting.windowsEndAt === undefined)
      .toSorted((a, b) => a.at - b.at),
  };
}

const hostsOf = (ips: readonly string[]): Setting['hosts'] =>
  Object.fromEntries(ips.map((ip) => [ip, { state: 'up' }]));

/** Returns one event, or some that belong together. */
function actsOf(draw: Draw, setting: Setting): readonly Timed[] {
  const at = Math.floor(draw.between(0, spanMs));
  const kinds = [
    outside,
    outside,
    outside,
    network,
    network,
    apiServer,
    processes,
    processes,
    people,
  ] as const;
  return draw.of(kinds)(draw, setting, at);
}

type Kind = (draw: Draw, setting: Setting, at: number) => readonly Timed[];

const which = (draw: Draw): Which => (draw.chance(0.75) ? 'leader' : draw.whole(0, 1));
const lasting = (draw: Draw): number =>
  Math.floor(draw.of([draw.between(200, 3_000), draw.between(2_000, 9_000)]));

const outside: Kind = (draw, setting, at) => {
  const special = setting.special;
  if (special !== undefined && draw.chance(0.6)) return special(draw, at);
  const all = Object.keys(setting.hosts);
  const ips = draw.some(all, draw.whole(1, Math.max(1, all.length - 1)));
  const state = draw.of<HostState>(['refuses', 'silent', 'hangs', 'refuses']);
  const dies = ips.map((ip): Timed => ({
    op: 'hosts',
    ips: [ip],
    is: { ...hostIn(setting, ip), state },
    at,
  }));
  if (draw.chance(0.3)) return dies;
  const backAt = at + lasting(draw);
  const back = ips.map((ip): Timed => ({ op: 'hosts', ips: [ip], is: hostIn(setting, ip), at: backAt }));
  return [...dies, ...back];
};

const hostIn = ({ hosts }: Setting, ip: string): Host => hosts[ip] ?? { state: 'up' };

const network: Kind = (draw, { hosts }, at) => {
  const [replica, forMs] = [which(draw), lasting(draw)];
  const all = Object.keys(hosts);
  const longMs = draw.whole(8_000, 25_000);
  return draw.of<() => readonly Timed[]>([
    () => [{ op: 'cut', replica, ips: draw.some(all, draw.whole(1, all.length)), forMs, at }],
    () => [{ op: 'cut', replica, ips: draw.chance(0.7) ? all : draw.some(all, 1), forMs: longMs, at }],
    () => [0, 1].map((each) => ({ op: 'cut', replica: each, ips: all, forMs: longMs, at })),
    () => [{ op: 'link', replica, link: draw.of(['cut', 'answersHeld', 'refused']), forMs, at }],
    () => [
      { op: 'link', replica, link: 'cut', forMs, at },
      { op: 'cut', replica, ips: all, forMs, at },
    ],
    () => [{ op: 'lag', replica, lagMs: draw.whole(100, 8_000), forMs, at }],
    () => [{ op: 'prober', replica, forMs, at }],
  ])();
};

const apiServer: Kind = (draw, _, at) => [
  { op: 'api', fault: draw.of(apiFaults), share: draw.of([0.1, 0.5, 1]), forMs: lasting(draw), at },
];

const processes: Kind = (draw, setting, at) => {
  const [replica, forMs] = [which(draw), lasting(draw)];
  return draw.of<() => readonly Timed[]>([
    () => mishap(draw, setting, at),
    () => mishap(draw, setting, at),
    () => [{ op: 'kill', replica, forMs, at }],
    () => [{ op: 'stop', replica, forMs, at }],
    () => [{ op: 'pause', replica, forMs, at }],
    () => [{ op: 'wall', replica, ms: draw.whole(-7_200_000, 7_200_000), at }],
  ])();
};

/** Something happens to the leader at a write, for which an event outside gives a reason. */
const mishap: Kind = (draw, setting, at) => {
  const when = draw.of<'before' | 'after'>(['before', 'after']);
  const then = draw.of<Mishap>(['kill', 'pause', 'stall']);
  const forMs = draw.whole(500, 10_000);
  const write = draw.whole(1, 4);
  return [
    { op: 'atWrite', replica: 'leader', write, when, then, forMs, at },
    ...outside(draw, setting, at + 1),
  ];
};

const people: Kind = (draw, setting, at) => {
  const { backends, edits, services } = setting;
  const tampering = draw.of<Tampering>(['delete slices', 'empty slices', 'unlabel slices', 'delete Service']);
  if (draw.chance(0.2)) return [{ op: 'tamper', service: draw.of(services), how: tampering, at }];
  const [backend, spec] = draw.of(edits);
  if (draw.chance(0.1)) return [{ op: 'delete', backend, at }];
  const edit: Timed = { op: 'edit', backend, spec, at };
  const before = backends[backend] ?? spec;
  return draw.chance(0.5) ? [edit] : [edit, { ...edit, spec: before, at: at + lasting(draw) }];
};
