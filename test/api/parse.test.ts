import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultDns, specSchema, statusSchema, unseenStatus } from '../../src/api/external-backend.ts';
import { parseBackend } from '../../src/api/parse.ts';
import { sharedParts, specWith } from '../support/builders/parts.ts';

const metadata = {
  namespace: 'shop',
  name: 'orders-db',
  uid: '6f5b',
  generation: 3,
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const spec = { targets: [{ host: '10.20.0.11' }], ports: [{ port: 5432 }] };

const problemPaths = (object: unknown): readonly string[] => {
  const parsed = parseBackend(object);
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path);
};

describe('parseBackend', () => {
  it('reads the smallest resource and fills in the defaults', () => {
    expect(
      parseBackend({ apiVersion: 'externalbackend.io/v1alpha1', kind: 'ExternalBackend', metadata, spec }),
    ).toEqual({
      ok: true,
      backend: {
        ...metadata,
        status: undefined,
        spec: {
          mode: 'Endpoints',
          targets: [{ host: '10.20.0.11', port: 0, priority: 0, drain: false }],
          ports: [{ port: 5432, protocol: 'TCP' }],
          failbackSeconds: 30,
          suspend: false,
        },
      },
    });
  });

  it('fills in the kubelet’s defaults of a probe that is set', () => {
    const parsed = parseBackend({ metadata, spec: { ...spec, probe: {} } });
    expect(parsed.ok && parsed.backend.spec.probe).toEqual({
      initialDelaySeconds: 0,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });

  it('fills in the defaults of dns if it is set, and leaves it out otherwise', () => {
    const specOf = (fields: object) => {
      const parsed = parseBackend({ metadata, spec: { ...spec, ...fields } });
      return parsed.ok ? parsed.backend.spec : undefined;
    };
    expect(specOf({})?.dns).toBeUndefined();
    expect(specOf({ dns: {} })?.dns).toEqual(defaultDns);
    expect(specOf({ dns: { families: ['IPv6'] } })?.dns).toEqual({ ...defaultDns, families: ['IPv6'] });
    expect(defaultDns).toEqual({
      minRefreshSeconds: 5,
      maxRefreshSeconds: 300,
      families: ['IPv4', 'IPv6'],
      staleSeconds: 0,
      keepSeconds: 0,
    });
  });

  it.each([
    ['mode', { ...spec, mode: 'Mesh' }, 'spec.mode'],
    ['protocol', { ...spec, ports: [{ port: 1, protocol: 'QUIC' }] }, 'spec.ports[0].protocol'],
    ['probe handler', { ...spec, probe: { unknownKind: {} } }, 'spec.probe'],
    ['kind of host', { ...spec, targets: [{ host: 'unix:/run/db.sock' }] }, 'spec.targets[0].host'],
    ['type of Service', { ...spec, services: [{ name: 'a', type: 'Mesh' }] }, 'spec.services[0].type'],
    ['shape of targets', { ...spec, targets: { file: 'x' } }, 'spec.targets'],
  ])('reports an unknown %s of a newer version', (_, future, path) => {
    expect(problemPaths({ metadata, spec: future })).toEqual([path]);
  });

  it('ignores fields of a newer version outside probes', () => {
    const future = {
      ...spec,
      targets: [{ host: '10.20.0.11', weight: 1 }],
      services: [{ name: 'a', sessionTicket: 'Shared' }],
      weather: [{ name: 'sundays' }],
    };
    expect(problemPaths({ metadata, spec: future, extra: 1 })).toEqual([]);
  });

  it('reports every field that is wrong', () => {
    const wrong = {
      targets: [{ host: '127.0.0.1' }, { host: '10.0.0.256' }],
      ports: [{ port: 0 }],
      suspend: 'x',
    };
    expect(problemPaths({ metadata, spec: wrong })).toEqual([
      'spec.targets[0].host',
      'spec.targets[1].host',
      'spec.ports[0].port',
      'spec.suspend',
    ]);
  });

  it('fills in the defaults of database probes and of tls', () => {
    const specOf = (fields: object) => {
      const parsed = parseBackend({ metadata, spec: { ...spec, ...fields } });
      return parsed.ok ? parsed.backend.spec : undefined;
    };
    expect(specOf({ probe: { postgres: {} } })?.probe?.postgres).toEqual({
      sslMode: 'prefer',
      saturatedIs: 'inconclusive',
    });
    expect(specOf({ probe: { grpc: {} } })?.probe?.grpc).toEqual({ service: '' });
    expect(specOf({ tls: { caSecret: { name: 'ca' } } })?.tls).toEqual({
      caSecret: { name: 'ca', key: 'ca.crt' },
      insecureSkipVerify: false,
    });
    expect(specOf({ services: [{ name: 'a' }] })?.services?.[0]).toMatchObject({
      role: 'Any',
      fallbackToPrimary: false,
    });
  });

  it('returns a status that it can parse', () => {
    const status = { observedGeneration: 2, readyAddresses: 1, totalAddresses: 2, summary: '1/2' };
    const parsed = parseBackend({ metadata, spec, status });
    expect(parsed.ok && parsed.backend.status).toEqual(status);
  });

  it('returns no status for the one that the API server fills in', () => {
    const parsed = parseBackend({ metadata, spec, status: unseenStatus });
    expect(parsed.ok && parsed.backend.status === undefined).toBe(true);
    expect(statusSchema.safeParse(unseenStatus).success).toBe(true);
  });

  it('treats null as {} in a part with several owners, because server-side apply leaves null', () => {
    for (const path of sharedParts())
      expect(specSchema.parse(specWith(path, null))).toEqual(specSchema.parse(specWith(path, {})));
    expect(sharedParts()).toContain('probe');
  });

  it.each([
    [{ readyAddresses: 'many' }],
    [[]],
    ['x'],
    [null],
    [{ conditions: [{ type: 'Ready', status: 'Maybe' }] }],
  ])('returns the backend without a status if the status is %j', (status) => {
    const parsed = parseBackend({ metadata, spec, status });
    expect(parsed.ok && parsed.backend.status === undefined).toBe(true);
  });

  it('never throws, whatever is stored', () => {
    fc.assert(fc.property(fc.jsonValue(), (object) => void parseBackend(object)));
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.jsonValue(),
        (odd, status) => void parseBackend({ metadata, spec: odd, status }),
      ),
    );
  });

  it('never throws, whatever one field contains', () => {
    const fields = [
      'mode',
      'targets',
      'ports',
      'probe',
      'services',
      'dns',
      'failbackSeconds',
      'suspend',
    ] as const;
    const probe = fc.record({ port: fc.jsonValue(), httpGet: fc.jsonValue(), disabled: fc.jsonValue() });
    const service = fc.dictionary(
      fc.constantFrom('name', 'type', 'labels', 'clusterIP', 'ipFamilies', 'selector'),
      fc.jsonValue(),
    );
    const target = fc.record({ host: fc.oneof(fc.jsonValue(), fc.string()), port: fc.jsonValue() });
    const value = fc.oneof(fc.jsonValue(), probe, fc.array(fc.oneof(service, target)));
    fc.assert(
      fc.property(fc.constantFrom(...fields), value, (field, odd) => {
        const parsed = parseBackend({ metadata, spec: { ...spec, [field]: odd } });
        expect(parsed.ok || parsed.problems.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
