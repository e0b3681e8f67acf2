import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { desiredServices } from '../../../src/core/publish/desired.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import { electPrimary } from '../../../src/core/roles/primary-election.ts';
import {
  aBackend,
  addressesIn,
  allBut,
  desiredOf,
  healthy,
  theService,
} from '../../support/builders/builders.ts';

const zones = ['eu-1a', 'eu-1b', undefined] as const;
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode', undefined] as const;
const annotations = [
  undefined,
  { 'service.kubernetes.io/topology-mode': 'Disabled' },
  { 'service.kubernetes.io/topology-mode': 'Auto' },
  { 'service.kubernetes.io/topology-aware-hints': 'auto' },
  { 'service.kubernetes.io/topology-aware-hints': 'disabled', 'service.kubernetes.io/topology-mode': 'Auto' },
] as const;
const isAuto = [false, false, true, true, false];

const target = fc.record({
  zone: fc.constantFrom(...zones),
  drain: fc.boolean(),
  port: fc.constantFrom(0, 5433),
  healthy: fc.boolean(),
  isSix: fc.boolean(),
});

const service = fc.record({
  distribution: fc.constantFrom(...distributions),
  annotation: fc.nat(annotations.length - 1),
  publishNotReadyAddresses: fc.boolean(),
  headless: fc.boolean(),
});

describe('zone hints', () => {
  it('are set exactly on ready endpoints with a zone of a Service with a distribution', () => {
    fc.assert(
      fc.property(
        fc.array(target, { minLength: 1, maxLength: 6 }),
        fc.array(service, { minLength: 1, maxLength: 3 }),
        (targets, services) => {
          const ip = (i: number): string =>
            targets[i]?.isSix === true ? `fd00::${i + 1}` : `10.20.0.${i + 1}`;
          const backend = aBackend({
            targets: targets.map(({ zone, drain, port }, i) => ({
              host: ip(i),
              drain,
              port,
              ...(zone && { zone }),
            })),
            services: services.map(({ distribution, annotation, headless, publishNotReadyAddresses }, i) => ({
              name: `db-${i}`,
              headless,
              publishNotReadyAddresses,
              ...(distribution && { trafficDistribution: distribution }),
              ...(annotations[annotation] && { annotations: annotations[annotation] }),
            })),
          });
          const sick = targets.flatMap(({ healthy }, i) => (healthy ? [] : ip(i)));
          desiredOf(backend, allBut(...sick)).forEach(({ groups }, i) => {
            const { distribution, annotation = 0 } = services[i] ?? {};
            const isOn = distribution !== undefined && isAuto[annotation] !== true;
            for (const { zone, hints, conditions } of groups.flatMap(({ endpoints }) => endpoints))
              expect(hints).toEqual(
                isOn && conditions?.ready === true && zone !== undefined
                  ? { forZones: [{ name: zone }] }
                  : undefined,
              );
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('follow the distribution of each Service of a role', () => {
    const backend = aBackend({
      probe: { redis: {} },
      targets: [
        { host: '10.20.0.11', zone: 'a' },
        { host: '10.20.0.12', zone: 'b' },
      ],
      services: [
        { name: 'rw', role: 'Primary' },
        { name: 'ro', role: 'Replica', trafficDistribution: 'PreferSameZone' },
      ],
    });
    const roleOf = (id: string) => (id.startsWith('10.20.0.11|') ? 'Primary' : 'Replica');
    const nothing = {
      roleSince: 0,
      epoch: undefined,
      runsOverLimit: new Map(),
      exceededLimits: [],
      caughtUpAt: undefined,
    };
    const withRoles: HealthOf = (id) => ({ ...healthy, replication: { ...nothing, role: roleOf(id) } });
    const [groups, addresses] = [portGroups(backend.spec), addressesIn(backend.spec)];
    const scene = { groups, addresses, healthOf: withRoles };
    const roles = electPrimary({ ...scene, isPublishedPrimary: () => false });
    const rest = { legacyEndpoints: false, alias: undefined, observedService: () => undefined };
    const hints = desiredServices({ backend, ...scene, roles, ...rest }).map((desired) =>
      desired.groups.flatMap(({ endpoints }) => endpoints.map((each) => each.hints)),
    );
    expect(hints).toEqual([[undefined], [{ forZones: [{ name: 'b' }] }]]);
  });

  it("leave the annotation that requests Kubernetes' own hints on the Service", () => {
    const mode = { 'service.kubernetes.io/topology-mode': 'Auto' };
    const services = [{ name: 'db', trafficDistribution: 'PreferClose', annotations: mode }];
    const { body } = theService(aBackend({ services }));
    expect(body.metadata['annotations']).toMatchObject(mode);
  });
});
