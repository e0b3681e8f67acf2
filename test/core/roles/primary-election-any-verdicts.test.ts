import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { unknownHealth } from '../../../src/core/health/state.ts';
import { applyVerdict } from '../../../src/core/health/thresholds.ts';
import { A, B, behind, names, scene } from '../support/role-scene.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { Roles } from '../../../src/core/roles/primary-election.ts';

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
