import { describe, expect, it } from '@jest/globals';
import type { Service } from '../../../src/core/kubernetes/objects.ts';
import { serviceBody } from '../../../src/core/publish/service-body.ts';
import { isApplied, needsRecreation } from '../../../src/core/publish/service-diff.ts';
import { aBackend, firstAlias, aService, type SpecInput } from '../../support/builders/builders.ts';

/** Returns the body that is applied for a backend with one Service of these fields. */
function bodyOf(service: Readonly<Record<string, unknown>>, spec: SpecInput = {}) {
  const backend = aBackend({ services: [{ name: 'orders-db', ...service }], ...spec });
  const [first] = backend.spec.services ?? [];
  if (first === undefined) throw new Error('one Service');
  return serviceBody(backend, first, ['IPv4'], undefined, firstAlias(backend));
}

/** Returns the body as the server stores it, with more fields. */
const held = (service: Readonly<Record<string, unknown>>, spec: Service['spec'] = {}): Service => {
  const body = bodyOf(service);
  return { ...body, spec: { ...body.spec, ...spec } };
};

describe('serviceBody', () => {
  it('contains the fields of the spec, and none that it leaves out', () => {
    expect(bodyOf({})).toMatchObject({ metadata: { name: 'orders-db', namespace: 'shop' } });
    expect(bodyOf({}).spec).toEqual({
      type: 'ClusterIP',
      publishNotReadyAddresses: false,
      ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP' }],
    });
  });

  it('contains the alias host in lower case without the dot, and no port unless the spec has one', () => {
    const targets = [{ host: 'DB.Example.com.' }];
    expect(bodyOf({}, { mode: 'ExternalName', targets, ports: undefined }).spec).toEqual({
      type: 'ExternalName',
      externalName: 'db.example.com',
    });
  });

  it.each([
    ['NodePort', { type: 'NodePort' }, 30_001],
    ['LoadBalancer', { type: 'LoadBalancer' }, 30_001],
    ['ClusterIP', {}, undefined],
    ['headless', { headless: true }, undefined],
  ])('contains the fixed node port only for the Service that opens it: %s', (_, fields, nodePort) => {
    const outside = { name: 'outside', type: 'NodePort' };
    const services = [
      { name: 'orders-db', ...fields },
      ...(nodePort === undefined ? [outside] : [{ name: 'inside' }]),
    ];
    const ports = [{ port: 5432, nodePort: 30_001 }];
    expect(bodyOf(fields, { services, ports }).spec['ports']).toEqual([
      { port: 5432, targetPort: 5432, protocol: 'TCP', ...(nodePort !== undefined && { nodePort }) },
    ]);
  });

  it("sets the families of a headless Service, because the server's default is wrong", () => {
    expect(bodyOf({ headless: true }).spec).toMatchObject({
      clusterIP: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
  });

  it.each([
    ['a label', { labels: { team: 'shop' } }],
    ['an annotation', { annotations: { note: 'x' } }],
    ['a field', { sessionAffinity: 'None' }],
  ])(
    'changes the hash when %s is removed from the spec, so that it is removed from the Service',
    (_, service) => {
      expect(isApplied(held(service), bodyOf({}))).toBe(false);
    },
  );
});

describe('isApplied', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, Service['spec']]>([
    ['defaults', {}, { sessionAffinity: 'None', internalTrafficPolicy: 'Cluster', clusterIP: '10.96.0.7' }],
    [
      'a second family',
      { ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' },
      { ipFamilies: ['IPv4', 'IPv6'] },
    ],
    ['another spelling of the cluster IP', { clusterIP: 'FD00:0::7' }, { clusterIP: 'fd00::7' }],
    [
      'a timeout',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: {} } },
      { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } },
    ],
    [
      'a node port',
      { type: 'NodePort' },
      { ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP', nodePort: 31_000 }] },
    ],
  ])('ignores fields that the server filled in: %s', (_, service, spec) => {
    expect(isApplied(held(service, spec), bodyOf(service))).toBe(true);
    expect(needsRecreation(held(service, spec), bodyOf(service))).toBe(false);
  });

  it.each<readonly [string, Service['spec']]>([
    ['type', { type: 'NodePort' }],
    ['targetPort', { ports: [{ port: 5432, targetPort: 1, protocol: 'TCP' }] }],
    ['ports', { ports: [] }],
  ])('detects a change by another client: %s', (_, spec) => {
    expect(isApplied(held({}, spec), bodyOf({}))).toBe(false);
  });
});

describe('needsRecreation', () => {
  it.each<readonly [string, Service['spec'], Readonly<Record<string, unknown>>, boolean]>([
    ['the first family changes', { ipFamilies: ['IPv4'] }, { ipFamilies: ['IPv6'] }, true],
    [
      'a second family comes',
      { ipFamilies: ['IPv4'] },
      { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' },
      false,
    ],
    ['the cluster IP changes', {}, { clusterIP: '10.96.0.8' }, true],
    ['the cluster IP is the one it has', {}, { clusterIP: '10.96.0.7' }, false],
    ['it becomes headless', {}, { headless: true }, true],
    ['it was an alias', { type: 'ExternalName' }, { headless: true }, false],
  ])('%s', (_, is, service, recreates) => {
    expect(needsRecreation(aService(is), bodyOf(service))).toBe(recreates);
  });
});
