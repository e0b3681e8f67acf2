import { describe, expect, it } from '@jest/globals';
import {
  aBackend,
  allBut,
  desiredOf,
  nothingKnown,
  theService,
  writtenOf,
} from '../../support/builders/builders.ts';

const endpointsOf = (spec: object, healthOf = allBut('10.20.0.11')) =>
  theService(aBackend(spec as Record<string, unknown>), healthOf).groups.flatMap(
    ({ endpoints }) => endpoints,
  );

describe('desiredServices', () => {
  it('makes one Service named after the resource when the spec lists none', () => {
    expect(desiredOf(aBackend()).map(({ name }) => name)).toEqual(['orders-db']);
  });

  it('publishes an address that is not ready, with all three conditions', () => {
    expect(endpointsOf({})).toEqual([
      { addresses: ['10.20.0.11'], conditions: { ready: false, serving: false, terminating: false } },
      { addresses: ['10.20.0.12'], conditions: { ready: true, serving: true, terminating: false } },
    ]);
  });

  it('publishes every address with publishNotReadyAddresses, and marks those that are not ready', () => {
    const services = [{ name: 'db', publishNotReadyAddresses: true }];
    const [group] = theService(aBackend({ services }), allBut('10.20.0.11')).groups;
    const published = { ready: true, serving: true, terminating: false };
    expect(group?.endpoints.map(({ conditions }) => conditions)).toEqual([published, published]);
    expect(group?.notReady).toEqual(new Set(['10.20.0.11']));
  });

  it('publishes a drained address as not ready', () => {
    const targets = [{ host: '10.20.0.12', drain: true }];
    expect(endpointsOf({ targets })[0]?.conditions?.ready).toBe(false);
  });

  it('gives names and zones to the endpoints', () => {
    const targets = [{ host: '10.20.0.12', name: 'db-0', zone: 'eu-1a' }];
    expect(endpointsOf({ targets })[0]).toMatchObject({ hostname: 'db-0', zone: 'eu-1a' });
  });

  it('makes one group of endpoints for each family, target port and port with its own probe', () => {
    const families = [{ host: '10.20.0.11' }, { host: 'fd00::1' }];
    const own = [
      { host: '10.20.0.11' },
      { host: '10.20.0.12', port: 5433 },
      { host: '10.20.0.13', port: 5432 },
    ];
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe: {} },
    ];
    const shape = (spec: object) =>
      theService(aBackend(spec as Record<string, unknown>)).groups.map((group) => [
        group.family,
        group.ports.map(({ port }) => port).join(),
        group.endpoints.length,
      ]);
    expect(shape({ targets: families })).toEqual([
      ['IPv4', '5432', 1],
      ['IPv6', '5432', 1],
    ]);
    expect(shape({ targets: own })).toEqual([
      ['IPv4', '5432', 2],
      ['IPv4', '5433', 1],
    ]);
    expect(shape({ ports })).toEqual([
      ['IPv4', '1', 2],
      ['IPv4', '2', 2],
    ]);
  });

  it.each([
    ['some are ready', {}, allBut('10.20.0.11'), 1, true],
    ['none is', {}, allBut('10.20.0.11', '10.20.0.12'), 0, false],
    ['nothing is known', {}, nothingKnown, 0, false],
    ['probing is off', { probe: { disabled: {} } }, nothingKnown, 2, true],
    [
      'one port has no ready address',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 2, probe: {} },
        ],
      },
      (id: string) => allBut('none')(id.endsWith('2/TCP') ? 'none|' : id),
      0,
      false,
    ],
  ] as const)(
    'counts the ready addresses and decides availability: %s',
    (_, spec, healthOf, ready, available) => {
      const desired = theService(aBackend(spec), healthOf);
      expect(desired).toMatchObject({ available });
      expect(writtenOf([desired])).toMatchObject([{ ready, available }]);
    },
  );

  it.each([
    ['an alias', { mode: 'ExternalName', targets: [{ host: 'db.example.com' }] }],
    ['a Service with a selector', { services: [{ name: 'db', selector: { app: 'db' } }] }],
  ])('wants no Endpoints for %s', (_, spec) => {
    expect(theService(aBackend(spec)).subsets).toBeUndefined();
  });

  it('wants no Endpoints when legacy Endpoints are disabled', () => {
    expect(desiredOf(aBackend(), allBut(), false)[0]?.subsets).toBeUndefined();
  });
});
