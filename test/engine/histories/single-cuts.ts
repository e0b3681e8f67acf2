import type { Cut, Scenario } from './history.ts';
import type { Server } from './outside.ts';

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;
const probe = { periodSeconds: 5, failureThreshold: 2, successThreshold: 1 };
const targets = [{ host: A }, { host: B }];
const plain = { targets, ports: [{ port: 5432 }], probe };
const base = { names: {}, refuses: true, servers: { [A]: { alive: true }, [B]: { alive: true } } };
const server = (role: Server['role']): Server => ({ alive: true, role });
const byRole = {
  ...base,
  servers: { [A]: server('Primary'), [B]: server('Replica'), [C]: server('Replica') },
  spec: {
    targets: [A, B, C].map((host) => ({ host })),
    ports: [{ port: 6379 }],
    probe: { redis: {}, ...probe },
    services: [
      { name: 'rw', role: 'Primary' },
      { name: 'ro', role: 'Replica' },
    ],
  },
};
const [first, second] = ['a.example.com', 'b.example.com'] as const;
const alias = {
  ...base,
  names: { [first]: [A], [second]: [B] },
  spec: {
    ...{ mode: 'ExternalName', ports: [{ port: 5432 }], probe, failbackSeconds: 10 },
    targets: [{ host: first }, { host: second }],
  },
};
const drained = { ...plain, targets: [{ host: A, drain: true }, { host: B }] };
const adopting = { ...plain, services: [{ name: 'db', adopt: true }] };

/** The shortest scenario of each kind. The first ones are part of every run. */
export const shortest: readonly Scenario[] = [
  { title: 'an address dies', ...base, spec: plain, acts: [{ op: 'die', ip: A, at: 0 }] },
  {
    ...{ title: 'primary and replica swap', ...byRole },
    acts: [
      { op: 'demote', ip: A, at: 0 },
      { op: 'promote', ip: B, at: 0 },
    ],
  },
  { title: 'the host of an alias dies', ...alias, acts: [{ op: 'die', ip: A, at: 0 }] },
  {
    ...{ title: 'a Service is adopted', ...base, spec: undefined, handmade: [A, B] },
    acts: [{ op: 'edit', spec: adopting, at: 0 }],
  },
  {
    ...{ title: 'an address dies and lives again', ...base, spec: plain },
    acts: [
      { op: 'die', ip: A, at: 0 },
      { op: 'live', ip: A, at: 21_000 },
    ],
  },
  {
    ...{ title: 'a primary dies', ...byRole },
    acts: [
      { op: 'die', ip: A, at: 0 },
      { op: 'promote', ip: B, at: 4_000 },
    ],
  },
  {
    ...{ title: 'a primary dies and returns as a replica', ...byRole },
    acts: [
      { op: 'die', ip: A, at: 0 },
      { op: 'promote', ip: B, at: 4_000 },
      { op: 'live', ip: A, role: 'Replica', at: 20_000 },
    ],
  },
  {
    ...{ title: 'an alias goes back', ...alias },
    acts: [
      { op: 'die', ip: A, at: 0 },
      { op: 'live', ip: A, at: 21_000 },
    ],
  },
  {
    ...{ title: 'a Service with a dead address is adopted', ...base, spec: undefined, handmade: [A, B] },
    servers: { [A]: { alive: true }, [B]: { alive: false } },
    acts: [{ op: 'edit', spec: adopting, at: 0 }],
  },
  {
    ...{ title: 'a target is drained, dies and is drained no more', ...base, spec: plain },
    acts: [
      { op: 'edit', spec: drained, at: 0 },
      { op: 'die', ip: A, at: 2_000 },
      { op: 'edit', spec: plain, at: 9_000 },
    ],
  },
  {
    ...{ title: 'an address dies while a backend is suspended', ...base, spec: plain },
    acts: [
      { op: 'edit', spec: { ...plain, suspend: true }, at: 0 },
      { op: 'die', ip: A, at: 100 },
      { op: 'edit', spec: plain, at: 9_000 },
    ],
  },
];

/** Number of scenarios in every run. */
export const always = 4;

const cutsAt = (write: number, when: Cut['when']): readonly Cut[] => {
  const at = { write, when, lateMs: 0 };
  const end = { ...at, successor: 'standby', takeoverMs: 2_000 } as const;
  const lapses = [5, 20, 60].flatMap((seconds) =>
    (['none', 'stays', 'ends'] as const).map((other): Cut => ({
      ...{ ...at, by: 'lapse', seconds, other },
      ...{ trustMs: 10_000, lost: { api: true, targets: true } },
    })),
  );
  return [
    { ...end, by: 'SIGKILL' },
    { ...end, by: 'SIGKILL', successor: 'fresh', takeoverMs: 15_000 },
    { ...end, by: 'SIGKILL', lateMs: 7_000 },
    { ...end, by: 'SIGTERM' },
    ...[3, 5, 9].map((seconds): Cut => ({ ...at, by: 'silence', seconds })),
    ...lapses,
  ];
};

/** Returns one cut of each kind before and after each of this number of writes. */
export const cutsOf = (writes: number): readonly Cut[] =>
  Array.from({ length: writes }, (_, write) =>
    (['before', 'after'] as const).flatMap((when) => cutsAt(write, when)),
  ).flat();
