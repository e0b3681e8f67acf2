import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ServiceSpec } from '../../../src/api/external-backend.ts';
import { addressesOf, type BackendAddress } from '../../../src/core/resolution/addresses.ts';
import { checkId, portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices, type DesiredService } from '../../../src/core/publish/desired.ts';
import { applyVerdict } from '../../../src/core/health/thresholds.ts';
import { unknownHealth, type Health } from '../../../src/core/health/state.ts';
import { exclusionOf, electPrimary, type Roles } from '../../../src/core/roles/primary-election.ts';
import type { ReplicationState } from '../../../src/core/health/replication.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { aBackend, literal, resolved, type SpecInput } from '../../support/builders/builders.ts';

const names: Readonly<Record<string, readonly string[]>> = {
  'one.example': ['10.0.1.1', 'fd00::1'],
  'two.example': ['10.0.2.1', '10.0.2.2', 'fd00::2'],
};
const resolve = (host: string) => {
  const ips = names[host];
  if (ips === undefined) return literal(host);
  const { addresses, ...rest } = resolved({ addresses: ips });
  return { ...rest, addresses: addresses.map((each) => ({ ...each, host })) };
};

const redis = { probe: { redis: {} } };
const services = [
  { name: 'rw', role: 'Primary' },
  { name: 'ro', role: 'Replica', maxLagSeconds: 10 },
  { name: 'back', role: 'Replica', fallbackToPrimary: true },
  { name: 'any' },
];

const known = (
  telling: Partial<ReplicationState> | undefined,
  state: Health['state'] = 'healthy',
): Health => ({
  ...{ state, consecutive: 0, since: 0, reason: 'Responded', message: '' },
  ...(telling && {
    replication: {
      role: undefined,
      roleSince: 0,
      epoch: undefined,
      runsOverLimit: new Map(),
      exceededLimits: [],
      caughtUpAt: undefined,
      ...telling,
    },
  }),
});

/** Builds a backend from healths: IP -> health, of every port or of the ports named by `IP group`. */
function scene(
  spec: SpecInput,
  healths: Readonly<Record<string, Health>>,
  published: readonly string[] = [],
) {
  const backend = aBackend({ ...redis, services, ...spec });
  const groups = portGroups(backend.spec);
  const addresses = addressesOf(backend.spec.targets, resolve, forbiddenRule, backend.spec.ports).flatMap(
    (t) => t.addresses,
  );
  const byId = new Map(
    groups.flatMap((group) =>
      addresses.map(
        (address) =>
          [checkId(group, address), healths[`${address.ip} ${group.id}`] ?? healths[address.ip]] as const,
      ),
    ),
  );
  const healthOf = (id: string) => byId.get(id);
  const roles = electPrimary({
    groups,
    addresses,
    healthOf,
    isPublishedPrimary: ({ ip }) => published.includes(ip),
  });
  const desired = desiredServices({
    ...{ backend, groups, addresses, healthOf, roles },
    legacyEndpoints: true,
    alias: undefined,
    observedService: () => undefined,
  });
  return { roles, addresses, desired };
}

const targets = (...hosts: readonly string[]) => ({ targets: hosts.map((host) => ({ host })) });
const ips = (addresses: readonly BackendAddress[]) => addresses.map(({ ip }) => ip);

/** Returns the addresses of a Service, with a `+` if ready. */
function behind(desired: readonly DesiredService[], service: string): readonly string[] {
  const { groups = [] } = desired.find(({ name }) => name === service) ?? {};
  return groups
    .flatMap(({ endpoints }) => endpoints)
    .map(({ addresses, conditions }) => `${conditions?.ready === true ? '+' : '-'}${addresses.join()}`);
}

const P = (epoch?: number, roleSince = 0) => known({ role: 'Primary', epoch, roleSince });
const readOnly = (epoch?: number) => known({ role: 'Primary', epoch, refusesWrites: true });
const R = (...exceededLimits: readonly number[]) => known({ role: 'Replica', exceededLimits });
const A = '10.0.0.1';
const B = '10.0.0.2';
const C = '10.0.0.3';

describe('the elected primary', () => {
  it.each([
    ['no server reports role Primary: none', { [A]: R(), [B]: R() }, [], [], []],
    ['one claims it: that', { [A]: P(), [B]: R() }, [], [A], []],
    [
      'two, the second with the higher epoch: it, though the first is published',
      { [A]: P(1), [B]: P(2) },
      [A],
      [B],
      [A],
    ],
    ['two of one epoch: the published one', { [A]: P(2), [B]: P(2) }, [B], [B], [A]],
    ['two without epochs: the published one', { [A]: P(), [B]: P() }, [B], [B], [A]],
    ['two, one epoch not known: the published one', { [A]: P(), [B]: P(7) }, [A], [A], [B]],
    [
      'two, the published one refuses writes: the other one',
      { [A]: readOnly(), [B]: P(undefined, 9) },
      [A],
      [B],
      [A],
    ],
    [
      'two of one epoch, the published one refuses writes: the other one',
      { [A]: readOnly(2), [B]: P(2) },
      [A],
      [B],
      [A],
    ],
    [
      'two, the one that refuses writes has the higher epoch: it, because the other one is superseded',
      { [A]: P(1), [B]: readOnly(2) },
      [A],
      [B],
      [A],
    ],
    ['two that refuse writes: the published one', { [A]: readOnly(), [B]: readOnly() }, [B], [B], [A]],
    ['one that refuses writes, alone: it', { [A]: readOnly(), [B]: R() }, [], [A], []],
    [
      'two, none published: the one that has been primary for the longest time',
      { [A]: P(undefined, 9), [B]: P(undefined, 5) },
      [],
      [B],
      [A],
    ],
    [
      'two, both published: the one that has been primary for the longest time',
      { [A]: P(undefined, 9), [B]: P(undefined, 5) },
      [A, B],
      [B],
      [A],
    ],
    [
      'three, two share the highest epoch: of those the published',
      { [A]: P(1), [B]: P(2), [C]: P(2) },
      [A, C],
      [C],
      [A, B],
    ],
    [
      'it is unhealthy and has reported no other role: none',
      { [A]: known({ role: 'Primary' }, 'unhealthy'), [B]: R() },
      [A],
      [],
      [],
    ],
    [
      'it is unhealthy, another claims it: the other',
      { [A]: known({ role: 'Primary' }, 'unhealthy'), [B]: P() },
      [A],
      [B],
      [],
    ],
    ['nothing is known: nobody', {}, [], [], []],
  ] as const)('%s', (_, healths, published, primary, pretenders) => {
    const { roles } = scene(targets(A, B, C), healths, published);
    expect(ips(roles.primary)).toEqual(primary);
    expect(ips(roles.conflictingPrimaries)).toEqual(pretenders);
  });

  it.each([
    [
      'a name with one address of each family is one server',
      'one.example',
      ['10.0.1.1', 'fd00::1'],
      ['10.0.1.1', 'fd00::1'],
      [],
    ],
    [
      'a name with two of one family is two',
      'two.example',
      ['10.0.2.1', '10.0.2.2'],
      ['10.0.2.1'],
      ['10.0.2.2'],
    ],
    [
      'and it is not known to which of them the third belongs',
      'two.example',
      ['10.0.2.1', '10.0.2.2', 'fd00::2'],
      ['10.0.2.1'],
      ['10.0.2.2', 'fd00::2'],
    ],
    [
      'where one of the two follows, it is the other',
      'two.example',
      ['10.0.2.2', 'fd00::2'],
      ['10.0.2.2', 'fd00::2'],
      [],
    ],
  ])('%s', (_, host, claiming, primary, pretenders) => {
    const { roles } = scene(targets(host), Object.fromEntries(claiming.map((ip) => [ip, P()])));
    expect(ips(roles.primary)).toEqual(primary);
    expect(ips(roles.conflictingPrimaries)).toEqual(pretenders);
  });

  it('is never two servers when an address of the other family is published', () => {
    const claiming = { '10.0.2.1': P(), '10.0.2.2': P(), 'fd00::2': P() };
    expect(ips(scene(targets('two.example'), claiming, ['fd00::2']).roles.primary)).toEqual(['fd00::2']);
  });

  it('follows the role of the probe, and the role of the spec if no probe reports one', () => {
    const spec = {
      targets: [
        { host: A, role: 'Primary' },
        { host: B, role: 'Replica' },
      ],
    };
    expect(ips(scene(spec, { [A]: known(undefined), [B]: known(undefined) }).roles.primary)).toEqual([A]);
    expect(ips(scene(spec, { [A]: R(), [B]: P() }).roles.primary)).toEqual([B]);
  });

  it('is never a drained address', () => {
    const spec = { targets: [{ host: A, drain: true }, { host: B }] };
    const waiting = scene(spec, { [A]: P(), [B]: R() }, [A]);
    expect(ips(waiting.roles.primary)).toEqual([]);
    expect(behind(waiting.desired, 'rw')).toEqual([`-${A}`]);
    const switched = scene(spec, { [A]: P(), [B]: P() }, [A]);
    expect(ips(switched.roles.primary)).toEqual([B]);
    expect(ips(switched.roles.conflictingPrimaries)).toEqual([]);
    expect(behind(switched.desired, 'rw')).toEqual([`+${B}`]);
  });

  describe('with a second port that has a probe of its own', () => {
    const spec = {
      ...targets(A, B),
      probe: undefined,
      ports: [
        { name: 'db', port: 6379, probe: { redis: {} } },
        { name: 'metrics', port: 9121, probe: {} },
      ],
    };
    const sick = known(undefined, 'unhealthy');
    it('stays the server whose database port is healthy, whatever the other port does', () => {
      const healths = {
        [`${A} 6379/TCP`]: P(),
        [`${A} 9121/TCP`]: sick,
        [`${B} 6379/TCP`]: P(),
        [`${B} 9121/TCP`]: known(undefined),
      };
      const { roles, desired } = scene(spec, healths, [A]);
      expect(ips(roles.primary)).toEqual([A]);
      expect(ips(roles.conflictingPrimaries)).toEqual([B]);
      expect(behind(desired, 'rw')).toEqual([`+${A}`, `-${A}`]);
    });
  });
});

describe('the exclusion of an address from a Service', () => {
  const roles = (role: 'Primary' | 'Replica' | undefined, over: Partial<Roles> = {}): Roles => ({
    roleOf: () => role,
    exceededLagLimits: () => [],
    isGiven: () => false,
    isBoth: () => false,
    keptBy: () => undefined,
    primary: [],
    conflictingPrimaries: [],
    electedPrimary: [],
    ...over,
  });
  const address = { ip: A } as BackendAddress;
  const of = (role: ServiceSpec['role'], maxLagSeconds?: number) => ({ name: 'any', role, maxLagSeconds });
  const late = { exceededLagLimits: () => [5, 10] };

  it.each([
    [
      'one that is published as both is behind Replica too',
      of('Replica'),
      roles('Primary', { isBoth: () => true }),
      undefined,
    ],
    ['any role is behind Any', of('Any'), roles('Primary'), undefined],
    ['also one that is not known', of('Any'), roles(undefined), undefined],
    ['also a second primary', of('Any'), roles('Primary', { conflictingPrimaries: [address] }), undefined],
    [
      'the primary is behind Primary',
      of('Primary'),
      roles('Primary', { electedPrimary: [address] }),
      undefined,
    ],
    [
      'another server that reports role Primary is excluded',
      of('Primary'),
      roles('Primary', { conflictingPrimaries: [address] }),
      'SecondPrimary',
    ],
    ['a replica is not', of('Primary'), roles('Replica'), 'NotPrimary'],
    ['nor one of which nothing is known', of('Primary'), roles(undefined), 'RoleUnknown'],
    ['a replica is behind Replica', of('Replica'), roles('Replica'), undefined],
    ['the primary is not', of('Replica'), roles('Primary', { electedPrimary: [address] }), 'NotReplica'],
    ['nor one of which nothing is known', of('Replica'), roles(undefined), 'RoleUnknown'],
    ['nor a replica too far behind', of('Replica', 10), roles('Replica', late), 'LagTooHigh'],
    ['nor is that behind Any', of('Any', 10), roles(undefined, late), 'LagTooHigh'],
    ['a greater bound keeps it', of('Replica', 11), roles('Replica', late), undefined],
    ['a lesser bound that is new does not', of('Replica', 1), roles('Replica', late), 'LagTooHigh'],
    ['no bound keeps it', of('Replica'), roles('Replica', late), undefined],
  ] as const)('%s', (_, service, known_, why) => expect(exclusionOf(address, service, known_)).toBe(why));
});

describe('a Service of replicas with a fallback', () => {
  const spec = {
    ...targets(A, B),
    services: [{ name: 'back', role: 'Replica', fallbackToPrimary: true, maxLagSeconds: 10 }],
  };
  it.each([
    ['leads to the replica while that is ready', R(), [`+${B}`]],
    [
      'leads to the primary while the replica is unhealthy',
      known({ role: 'Replica' }, 'unhealthy'),
      [`-${B}`, `+${A}`],
    ],
    ['leads to the primary while the replica is too far behind', R(10), [`+${A}`]],
    ['leads to the primary while nothing is known of the replica', undefined, [`+${A}`]],
  ] as const)('%s', (_, replica, wanted) => {
    const { desired } = scene(spec, { [A]: P(), ...(replica && { [B]: replica }) });
    expect(behind(desired, 'back').toSorted()).toEqual([...wanted].toSorted());
  });

  it('does not report the primary as excluded while it serves', () => {
    const { desired, addresses } = scene(spec, { [A]: P(), [B]: R(10) });
    const [primary, replica] = addresses;
    const excluded = desired[0]?.excluded ?? new Map<BackendAddress, string>();
    expect([primary, replica].map((each) => each && excluded.get(each))).toEqual([undefined, 'LagTooHigh']);
  });

  it('does not lead to a second primary', () => {
    const { desired } = scene(spec, { [A]: P(1), [B]: P(2) });
    expect(behind(desired, 'back')).toEqual([`+${B}`]);
  });
});

describe('whatever the verdicts', () => {
  const hosts = [A, B, 'one.example', 'two.example'];
  const all = [A, B, '10.0.1.1', 'fd00::1', '10.0.2.1', '10.0.2.2', 'fd00::2'];
  const verdict = fc.record({
    ip: fc.constantFrom(...all),
    kind: fc.constantFrom('up' as const, 'up' as const, 'down' as const, 'inconclusive' as const),
    role: fc.option(fc.constantFrom('Primary' as const, 'Replica' as const), { nil: undefined, freq: 4 }),
    epoch: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    lagSeconds: fc.option(fc.constantFrom(0, 5, 50), { nil: undefined }),
  });
  const options = fc.record({
    publishNotReadyAddresses: fc.boolean(),
    drained: fc.constantFrom(...hosts, ''),
  });
  const hostOf = (ip: string) => hosts.find((host) => names[host]?.includes(ip)) ?? ip;
  /** Two addresses of one host, of different families, are one server. */
  const servers = (rw: readonly string[]) => {
    const families = new Set(rw.map((ip) => ip.includes(':')));
    return new Set(rw.map(hostOf)).size === 1 && families.size === rw.length ? 1 : rw.length;
  };

  type Said = { readonly ip: string } & Pick<Verdict, 'kind' | 'role' | 'epoch' | 'lagSeconds'>;
  interface Options {
    readonly publishNotReadyAddresses: boolean;
    readonly drained: string;
  }

  /** Applies verdicts, writes after each, and returns each state. */
  function play(
    verdicts: readonly Said[],
    { publishNotReadyAddresses, drained }: Options,
    see: (moment: {
      rw: readonly string[];
      before: readonly string[];
      last: ReadonlyMap<string, Said>;
      said: Said;
      healths: Readonly<Record<string, Health>>;
      roles: Roles;
    }) => void,
  ): void {
    const spec = {
      targets: hosts.map((host) => ({ host, drain: host === drained })),
      services: [{ name: 'rw', role: 'Primary', publishNotReadyAddresses }],
    };
    const healths: Record<string, Health> = {};
    const last = new Map<string, Said>();
    let before: readonly string[] = [];
    for (const [i, said] of verdicts.entries()) {
      const { ip, ...rest } = said;
      const told = { ...rest, reason: 'Responded', message: '' } as Verdict;
      healths[ip] = applyVerdict(
        healths[ip] ?? unknownHealth(0),
        told,
        { successThreshold: 1, failureThreshold: 3 },
        { now: i, wall: i },
        [10],
      ).health;
      if (said.kind !== 'inconclusive' && said.role !== undefined) last.set(ip, said);
      const { desired, roles } = scene(spec, healths, before);
      const rw = behind(desired, 'rw')
        .filter((each) => each.startsWith('+'))
        .map((each) => each.slice(1));
      see({ rw, before, last, said, healths, roles });
      before = rw;
    }
  }

  const forAll = (see: Parameters<typeof play>[2]) =>
    fc.assert(
      fc.property(fc.array(verdict, { maxLength: 30 }), options, (verdicts, how) =>
        play(verdicts as readonly Said[], how, see),
      ),
      { numRuns: 200 },
    );

  it('At most one server is published as the primary', () =>
    forAll(({ rw }) => expect(servers(rw)).toBeLessThanOrEqual(1)));

  it('A server whose last report is Replica is never published as the primary', () =>
    forAll(({ rw, last }) => {
      for (const ip of rw) expect(last.get(ip)?.role).toBe('Primary');
    }));

  it('A server that reports that it is not the primary is removed at once', () =>
    forAll(({ rw, said }) => {
      if (said.kind !== 'inconclusive' && said.role === 'Replica') expect(rw).not.toContain(said.ip);
    }));

  it('The first server that reports role Primary is added at once', () =>
    forAll(({ rw, said, before, healths, roles }) => {
      const drained = rw.length === 0 && roles.primary.length === 0;
      if (
        said.kind === 'up' &&
        said.role === 'Primary' &&
        before.length === 0 &&
        healths[said.ip]?.state === 'healthy' &&
        !drained
      )
        expect(rw.length).toBeGreaterThan(0);
    }));

  it('A Service without maxLagSeconds removes no address because of a lag', () =>
    forAll(({ rw, roles }) => {
      for (const { ip } of roles.primary) expect(rw).toContain(ip);
    }));
});
