import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Backend, MaintenanceAction } from '../../../src/api/external-backend.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices, type DesiredService } from '../../../src/core/publish/desired.ts';
import { isReadyEndpoint } from '../../../src/core/kubernetes/objects.ts';
import { aBackend, addressesIn, allBut, aSlice, rolesOf } from '../../support/builders/builders.ts';

const [A, B, C] = ['10.20.0.11', '10.20.0.12', '10.20.0.13'] as const;

interface Server {
  readonly priority?: number;
  /** A maintenance window drains it. */
  readonly drained?: boolean;
  readonly healthy?: boolean;
  /** The Service publishes it now. */
  readonly published?: boolean;
}

/** Returns a backend of these servers, as a run sees it while a window is active. */
function backendOf(servers: ReadonlyMap<string, Server>, whenNoneReady: string): Backend {
  const backend = aBackend({
    targets: [...servers].map(([host, { priority = 0 }]) => ({ host, priority })),
    services: [{ name: 'db', whenNoneReady }],
  });
  const targets = backend.spec.targets.map((target) => {
    const drain: MaintenanceAction = 'Drain';
    return servers.get(target.host)?.drained === true ? { ...target, maintenance: drain } : target;
  });
  return { ...backend, spec: { ...backend.spec, targets } };
}

function desired(given: Readonly<Record<string, Server>>, whenNoneReady = 'Empty'): DesiredService {
  const servers = new Map(Object.entries(given));
  const backend = backendOf(servers, whenNoneReady);
  const having = (wanted: (server: Server) => boolean) =>
    [...servers].flatMap(([ip, server]) => (wanted(server) ? [ip] : []));
  const healthOf = allBut(...having(({ healthy = true }) => !healthy));
  const slices = [aSlice(having(({ published = true }) => published))];
  const [service] = desiredServices({
    ...{ backend, healthOf, groups: portGroups(backend.spec), addresses: addressesIn(backend.spec) },
    ...{ legacyEndpoints: false, roles: rolesOf(backend, healthOf), alias: undefined },
    observedService: () => undefined,
    observedSlices: () => slices,
  });
  if (service === undefined) throw new Error('one Service is desired');
  return service;
}

const publishedIn = ({ groups }: DesiredService): readonly string[] =>
  groups.flatMap(({ endpoints }) => endpoints.filter(isReadyEndpoint).flatMap(({ addresses }) => addresses));

const heldIn = ({ yielding }: DesiredService): readonly string[] =>
  [...yielding].flatMap(([{ ip }, fate]) => (fate === 'stays' ? [ip] : []));

const publishes = (service: DesiredService) => ({ published: publishedIn(service), held: heldIn(service) });

describe('a Drain of a Service with tiers', () => {
  it('of all ready addresses of a tier goes over to the next tier, and holds nothing', () => {
    const service = desired({ [A]: { drained: true }, [B]: { priority: 1, published: false } });
    expect(publishes(service)).toEqual({ published: [B], held: [] });
    expect(service.tier).toMatchObject({ priority: 1 });
    expect(service.standby.size).toBe(0);
  });

  it('of one address of a tier leaves the others of the tier', () => {
    const service = desired({
      ...{ [A]: { drained: true }, [B]: {} },
      [C]: { priority: 1, published: false },
    });
    expect(publishes(service)).toEqual({ published: [B], held: [] });
  });

  it('of all tiers holds the addresses of the tier in use alone', () => {
    const service = desired({
      [A]: { drained: true },
      [B]: { priority: 1, drained: true, published: false },
    });
    expect(publishes(service)).toEqual({ published: [A], held: [A] });
    expect([...service.standby].map(({ ip }) => ip)).toEqual([B]);
  });

  const server = fc.record({
    ...{ priority: fc.nat(2), drained: fc.boolean(), healthy: fc.boolean(), published: fc.boolean() },
  });

  it('publishes a drained address only if no other one of any tier is ready, and reports exactly these', () => {
    fc.assert(
      fc.property(server, server, server, (a, b, c) => {
        const servers: Readonly<Record<string, Server>> = { [A]: a, [B]: b, [C]: c };
        const { published, held } = publishes(desired(servers));
        const ready = Object.keys(servers).filter((ip) => servers[ip]?.healthy === true);
        const open = ready.filter((ip) => servers[ip]?.drained !== true);
        expect(published.length > 0).toBe(ready.length > 0);
        expect(published.filter((ip) => !(open.length > 0 ? open : ready).includes(ip))).toEqual([]);
        expect(held).toEqual(open.length > 0 ? [] : published);
      }),
    );
  });
});

describe.each(['KeepLast', 'All'])('a Drain of a Service with whenNoneReady: %s', (policy) => {
  it('takes an address out that is published although it is not ready, if another one remains', () => {
    const service = desired({ [A]: { healthy: false, drained: true }, [B]: { healthy: false } }, policy);
    expect(publishes(service)).toEqual({ published: [B], held: [] });
  });

  it('keeps all of them, and reports them, if nothing else would remain', () => {
    const dead = { healthy: false, drained: true };
    expect(publishes(desired({ [A]: dead, [B]: dead }, policy))).toEqual({
      ...{ published: [A, B], held: [A, B] },
    });
  });

  it('prefers a ready address that is drained to addresses that are not ready', () => {
    const service = desired({ [A]: { drained: true, published: false }, [B]: { healthy: false } }, policy);
    expect(publishes(service)).toEqual({ published: [A], held: [A] });
    expect(service.fallback).toBeUndefined();
  });
});
