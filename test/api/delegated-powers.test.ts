import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  featuresOf,
  portPowers,
  secretPowers,
  serviceFeatures,
  serviceFieldPowers,
  servicePowers,
} from '../../src/api/delegated-powers.ts';
import { serviceSchema, specSchema } from '../../src/api/external-backend.ts';
import { documentedNodes } from '../support/builders/parts.ts';

/** The fields of the spec that name a Secret: by the message of their rule, or by their name. */
const secretFields = [...documentedNodes()]
  .filter(([, { type }]) => type === 'string')
  .filter(([path, node]) => {
    const isNamed = JSON.stringify(node['x-kubernetes-validations'] ?? '').includes('name of a Secret');
    return isNamed || /secret(name)?$/i.test(path);
  })
  .map(([path]) => path);

const fieldsBelow = (path: string): readonly string[] =>
  [...documentedNodes().keys()]
    .filter((each) => each.startsWith(path) && !each.slice(path.length).includes('.'))
    .filter((each) => !each.endsWith('[]'))
    .map((each) => each.slice(path.length));

const serviceOf = (fields: object) => serviceSchema.parse({ name: 'db', ...fields });

describe('the tables of lent powers', () => {
  it('have a row for each field of the schema that names a Secret', () => {
    expect(secretPowers.map(({ path }) => path).toSorted()).toEqual(secretFields.toSorted());
  });

  it('have a row for each field of a Service and of a port', () => {
    expect(Object.keys(servicePowers).toSorted()).toEqual(fieldsBelow('services[].').toSorted());
    expect(Object.keys(portPowers).toSorted()).toEqual(fieldsBelow('ports[].').toSorted());
  });

  it('contain every feature that can be disabled', () => {
    const used = new Set(
      serviceFieldPowers()
        .map(([, { feature }]) => feature)
        .concat('ExternalName'),
    );
    expect([...used].toSorted()).toEqual([...serviceFeatures].toSorted());
  });
});

describe('featuresOf', () => {
  const endpoints = { mode: 'Endpoints' } as const;

  it.each([
    [{}, []],
    [{ headless: true }, []],
    [{ clusterIP: '10.96.7.7', sessionAffinity: 'ClientIP' }, []],
    [{ type: 'NodePort' }, ['type NodePort']],
    [{ type: 'LoadBalancer' }, ['type LoadBalancer']],
    [{ externalIPs: ['198.51.100.7'] }, ['externalIPs ExternalIPs']],
    [{ selector: { app: 'db' } }, ['selector Selector']],
    [{ adopt: true }, ['adopt Adopt']],
    [{ labels: { team: 'a', 'app.kubernetes.io/part-of': 'b' } }, []],
    [{ labels: { 'example.com/team': 'a' } }, ['labels ForeignMetadata']],
    [{ annotations: { 'example.com/team': 'a' } }, ['annotations ForeignMetadata']],
  ])('returns for a Service with %j the features %j', (fields, expected) => {
    const uses = featuresOf(endpoints, serviceOf(fields), 2);
    expect(uses.map(({ path, feature }) => `${path} ${feature}`)).toEqual(
      expected.map((each) => `spec.services[2].${each}`),
    );
  });

  it('returns the feature ExternalName in mode ExternalName', () => {
    expect(featuresOf({ mode: 'ExternalName' }, serviceOf({}), 0)).toEqual([
      { path: 'spec.mode', feature: 'ExternalName' },
    ]);
  });

  it('returns nothing for labels and annotations without a domain', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.constant('a'), { maxKeys: 9 }),
        (labels) => {
          expect(featuresOf(endpoints, serviceOf({ labels, annotations: labels }), 0)).toEqual([]);
        },
      ),
    );
  });

  it('accepts a parsed spec, in which null labels are an empty map', () => {
    const spec = specSchema.parse({
      targets: [{ host: '10.0.0.1' }],
      ports: [{ port: 5432 }],
      services: [{ name: 'db', labels: null, type: 'LoadBalancer' }],
    });
    const [service] = spec.services ?? [];
    expect(service && featuresOf(spec, service, 0).map(({ path }) => path)).toEqual([
      'spec.services[0].type',
    ]);
  });
});
