import fc from 'fast-check';
import type { SpecInput } from '../../support/builders/builders.ts';
import type { Cut, History, Scenario } from './history.ts';
import type { Server } from './outside.ts';

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;
const all = [A, B, C] as const;
const up: Server = { alive: true };
const ms = (max: number) => fc.integer({ min: 0, max });

const timing = fc.record({
  periodSeconds: fc.constantFrom(5, 1, 2, 10),
  failureThreshold: fc.constantFrom(3, 1, 2),
  successThreshold: fc.constantFrom(1, 2),
});
const refuses = fc.boolean();
const targets = (ips: readonly string[]) => ips.map((host) => ({ host }));
const ports = [{ port: 5432 }];
const servers = (ips: readonly string[]) => Object.fromEntries(ips.map((ip) => [ip, up]));

/** Some servers fail, and some of them recover. */
const flip: fc.Arbitrary<Scenario> = fc
  .record({
    timing,
    refuses,
    dead: fc.uniqueArray(fc.constantFrom(...all), { minLength: 1, maxLength: 2 }),
    apart: ms(12_000),
    back: fc.option(fc.integer({ min: 1_000, max: 60_000 })),
  })
  .map(({ timing: probe, dead, apart, back, ...rest }) => ({
    ...{ title: 'flip', spec: { targets: targets(all), ports, probe }, servers: servers(all), names: {} },
    ...rest,
    acts: dead.flatMap((ip, i) => [
      { op: 'die', ip, at: i * apart } as const,
      ...(back === null ? [] : [{ op: 'live', ip, at: i * apart + back } as const]),
    ]),
  }));

const primaryOf = (ip: string): Record<string, Server> =>
  Object.fromEntries(
    all.map((each) => [each, { alive: true, role: each === ip ? 'Primary' : 'Replica' }] as const),
  );

/** A primary is demoted, fails or both, and another one is promoted. */
const roles: fc.Arbitrary<Scenario> = fc
  .record({
    timing,
    refuses,
    how: fc.constantFrom('dies', 'demoted', 'swapped', 'dies for good'),
    gap: ms(20_000),
    fallback: fc.boolean(),
    any: fc.boolean(),
  })
  .map(({ timing: probe, how, gap, fallback, any, ...rest }) => ({
    title: `role change: ${how}`,
    spec: {
      targets: targets(all),
      ports: [{ port: 6379 }],
      probe: { redis: {}, ...probe },
      services: [
        { name: 'rw', role: 'Primary' },
        { name: 'ro', role: 'Replica', ...(fallback && { fallbackToPrimary: true }) },
        ...(any ? [{ name: 'any' }] : []),
      ],
    },
    servers: primaryOf(A),
    names: {},
    ...rest,
    acts: [
      how.startsWith('dies')
        ? ({ op: 'die', ip: A, at: 0 } as const)
        : ({ op: 'demote', ip: A, at: 0 } as const),
      { op: 'promote', ip: B, at: how === 'swapped' ? 0 : gap },
      ...(how === 'dies' ? [{ op: 'live', ip: A, role: 'Replica', at: gap + 9_000 } as const] : []),
    ],
  }));

/** The port gets a name while the primary changes: the existing slices cannot have both. */
const portNamed: fc.Arbitrary<Scenario> = fc
  .record({ timing, refuses, demoted: ms(8_000), promoted: ms(8_000), back: ms(60_000) })
  .map(({ timing: probe, demoted, promoted, back, ...rest }) => {
    const spec = (port: object): SpecInput => ({
      ...{ targets: targets(all), ports: [{ port: 6379, ...port }], probe: { redis: {}, ...probe } },
      services: [
        { name: 'rw', role: 'Primary' },
        { name: 'ro', role: 'Replica' },
      ],
    });
    return {
      ...{ title: 'role change: port named', spec: spec({}), servers: primaryOf(A), names: {} },
      ...rest,
      acts: [
        { op: 'edit', spec: spec({ name: 'redis', appProtocol: 'redis' }), at: 3_000 },
        { op: 'demote', ip: A, at: demoted },
        { op: 'promote', ip: B, at: Math.max(demoted, promoted) },
        { op: 'edit', spec: spec({}), at: 3_001 + back },
      ],
    };
  });

const hosts = ['a.example.com', 'b.example.com'] as const;
const zone = { [hosts[0]]: [A], [hosts[1]]: [B] };

const alias: fc.Arbitrary<Scenario> = fc
  .record({
    timing,
    refuses,
    failbackSeconds: fc.constantFrom(10, 0, 30),
    back: fc.option(fc.integer({ min: 1_000, max: 60_000 })),
    drains: fc.boolean(),
  })
  .map(({ timing: probe, failbackSeconds, back, drains, ...rest }) => {
    const spec = (drain: boolean): SpecInput => ({
      ...{ mode: 'ExternalName', ports, probe, failbackSeconds },
      targets: [{ host: hosts[0], ...(drain && { drain }) }, { host: hosts[1] }],
    });
    const [gone, here] = drains
      ? ([
          { op: 'edit', spec: spec(true) },
          { op: 'edit', spec: spec(false) },
        ] as const)
      : ([
          { op: 'die', ip: A },
          { op: 'live', ip: A },
        ] as const);
    return {
      ...{
        title: `alias ${drains ? 'drain' : 'switch'}`,
        spec: spec(false),
        servers: servers([A, B]),
        names: zone,
      },
      ...rest,
      acts: [{ ...gone, at: 0 }, ...(back === null ? [] : [{ ...here, at: back }])],
    };
  });

const adoption: fc.Arbitrary<Scenario> = fc
  .record({ timing, refuses, dead: fc.boolean(), dies: fc.option(ms(10_000)) })
  .map(({ timing: probe, dead, dies, ...rest }) => {
    const spec = { targets: targets([A, B]), ports, probe, services: [{ name: 'db', adopt: true }] };
    return {
      ...{ title: 'adoption', spec: undefined, handmade: [A, B], names: {} },
      servers: { [A]: up, [B]: { alive: !dead } },
      ...rest,
      acts: [
        { op: 'edit', spec, at: 0 } as const,
        ...(dies === null ? [] : [{ op: 'die', ip: B, at: dies } as const]),
      ],
    };
  });

const diesAgain = (dies: number, after: number) =>
  [
    { op: 'live', ip: A, at: dies + after },
    { op: 'die', ip: A, at: dies + 2 * after + 1 },
  ] as const;

type Edits = readonly [SpecInput, SpecInput];

/** An edit, another one, and one or two failures at any time around them. */
const edits = (title: string, of: (probe: object) => Edits): fc.Arbitrary<Scenario> =>
  fc
    .record({ timing, refuses, back: ms(60_000), dies: fc.option(ms(60_000)), again: fc.option(ms(20_000)) })
    .map(({ timing: probe, back, dies, again, ...rest }) => {
      const [one, two] = of(probe);
      return {
        ...{ title, spec: one, servers: servers(all), names: {} },
        ...rest,
        acts: [
          { op: 'edit', spec: two, at: 0 } as const,
          { op: 'edit', spec: one, at: back + 1 } as const,
          ...(dies === null ? [] : [{ op: 'die', ip: A, at: dies } as const]),
          ...(dies === null || again === null ? [] : diesAgain(dies, again)),
        ],
      };
    });

const plain = (probe: object): SpecInput => ({ targets: targets(all), ports, probe });
const drain = edits('drain', (probe) => [
  plain(probe),
  { ...plain(probe), targets: [{ host: A, drain: true }, { host: B }, { host: C }] },
]);
const suspend = edits('suspend', (probe) => [plain(probe), { ...plain(probe), suspend: true }]);
const probeEdit = edits('probe edit', (probe) => [
  plain(probe),
  plain({ periodSeconds: 3, failureThreshold: 2, tcpSocket: {}, port: 5433 }),
]);
const serviceAdded = edits('service added', (probe) => [
  plain(probe),
  { ...plain(probe), services: [{ name: 'db' }, { name: 'more', headless: true }] },
]);
const targetAdded = edits('target added', (probe) => [
  { ...plain(probe), targets: targets([A, B]) },
  plain(probe),
]);

const nameMoves: fc.Arbitrary<Scenario> = fc
  .record({ timing, refuses, dies: fc.boolean(), at: ms(20_000) })
  .map(({ timing: probe, dies, at, ...rest }) => ({
    title: 'name moves',
    spec: { targets: [{ host: hosts[0] }, { host: C }], ports, probe },
    ...{ servers: servers(all), names: zone },
    ...rest,
    acts: [
      ...(dies ? [{ op: 'die', ip: A, at: 0 } as const] : []),
      { op: 'move', name: hosts[0], ips: [B], at } as const,
    ],
  }));

export const scenario: fc.Arbitrary<Scenario> = fc.oneof(
  ...[
    flip,
    roles,
    portNamed,
    alias,
    adoption,
    drain,
    suspend,
    probeEdit,
    serviceAdded,
    targetAdded,
    nameMoves,
  ],
);

const late = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: ms(20_000) });
const when = fc.constantFrom('before' as const, 'after' as const);

export const cut: fc.Arbitrary<Cut> = fc.oneof(
  fc.record({
    ...{ write: fc.nat(8), when, lateMs: fc.constant(0), by: fc.constant('silence' as const) },
    seconds: fc.constantFrom(5, 3, 9),
  }),
  fc.record({
    ...{ write: fc.nat(8), when, lateMs: late },
    by: fc.constantFrom('SIGKILL' as const, 'SIGTERM' as const),
    successor: fc.constantFrom('standby' as const, 'fresh' as const),
    takeoverMs: ms(25_000),
  }),
  fc.record({
    ...{ write: fc.nat(8), when, lateMs: late, by: fc.constant('lapse' as const) },
    seconds: fc.constantFrom(5, 20, 60),
    trustMs: fc.constantFrom(0, 2_000, 10_000),
    lost: fc.record({ api: fc.boolean(), targets: fc.boolean() }).map(({ api, targets: out }) => ({
      api,
      // If only the targets cannot be reached, the operator removes them, as it should.
      targets: api && out,
    })),
    other: fc.constantFrom('none' as const, 'stays' as const, 'ends' as const),
  }),
);

export const history: fc.Arbitrary<History> = fc.record({
  scenario,
  cuts: fc.array(cut, { minLength: 1, maxLength: 2 }),
  seed: fc.nat(1_000_000),
  writeMs: fc.constantFrom(5, 1, 50),
  maxEndpointsPerSlice: fc.constantFrom(100, 1, 2),
  arrives: fc.boolean(),
});
