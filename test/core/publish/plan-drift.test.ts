import { describe, expect, it } from '@jest/globals';
import { aBackend, namespace } from '../../support/builders/builders.ts';
import { Stage, name, specOf } from '../support/plan-stage.ts';
import type { EndpointSlice, KubeObject } from '../../../src/core/kubernetes/objects.ts';

describe('the drift that planService repairs', () => {
  const edits: readonly (readonly [string, (stage: Stage) => void])[] = [
    ['the Service deleted', ({ cluster }) => cluster.remove('Service', namespace, name)],
    ['the Endpoints deleted', ({ cluster }) => cluster.remove('Endpoints', namespace, name)],
    [
      'a slice deleted',
      (stage) => stage.cluster.remove('EndpointSlice', namespace, slice(stage).metadata.name),
    ],
    [
      'a port added',
      (stage) =>
        edit(stage, 'service', {
          spec: {
            ports: [
              { port: 5432, targetPort: 5432 },
              { name: 'x', port: 9 },
            ],
          },
        }),
    ],
    [
      'a port renamed',
      (stage) =>
        edit(stage, 'service', {
          spec: { ports: [{ name: 'x', port: 5432, targetPort: 5432, protocol: 'TCP' }] },
        }),
    ],
    [
      'an appProtocol added',
      (stage) =>
        edit(stage, 'service', {
          spec: { ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP', appProtocol: 'x' }] },
        }),
    ],
    ['a selector put on', (stage) => edit(stage, 'service', { spec: { selector: { app: 'db' } } })],
    [
      'the owner taken off the Service',
      (stage) => edit(stage, 'service', { metadata: { ownerReferences: [] } }),
    ],
    [
      'the owner taken off the Endpoints',
      (stage) => edit(stage, 'endpoints', { metadata: { ownerReferences: [] } }),
    ],
    ['the owner taken off a slice', (stage) => edit(stage, 'slice', { metadata: { ownerReferences: [] } })],
    ['the labels taken off the Endpoints', (stage) => edit(stage, 'endpoints', { metadata: { labels: {} } })],
    [
      'the managed-by label taken off a slice',
      (stage) => edit(stage, 'slice', { metadata: { labels: { 'kubernetes.io/service-name': name } } }),
    ],
    ['all labels taken off a slice', (stage) => edit(stage, 'slice', { metadata: { labels: {} } })],
    ['the Endpoints emptied', (stage) => edit(stage, 'endpoints', { subsets: [] })],
    [
      'the ports of a slice changed',
      (stage) => edit(stage, 'slice', { ports: [{ name: '', port: 9, protocol: 'TCP' }] }),
    ],
  ];

  const slice = (stage: Stage): EndpointSlice => stage.observed().slices[0] as EndpointSlice;

  function edit(stage: Stage, what: 'service' | 'slice' | 'endpoints', change: object): void {
    const object = what === 'slice' ? slice(stage) : (stage.observed()[what] as KubeObject);
    const { metadata, spec, ...others } = change as Record<string, object>;
    const now = object as KubeObject & { spec?: object };
    stage.cluster.put({
      ...now,
      ...others,
      metadata: { ...now.metadata, ...metadata },
      ...(now.spec && { spec: { ...now.spec, ...spec } }),
    });
  }

  it.each(edits)('%s', async (_, damage) => {
    const stage = new Stage();
    await stage.apply({});
    damage(stage);
    expect(stage.plan(aBackend()).problem).toBeUndefined();
    await stage.apply({});
    expect(stage.plan(aBackend()).actions).toEqual([]);
    expect(stage.observed().service?.spec).toMatchObject({
      ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP' }],
    });
    expect(stage.observed().service?.spec.ports?.[0]).not.toHaveProperty('appProtocol');
    expect(stage.observed().service?.spec.ports?.[0]).not.toHaveProperty('name');
    expect(stage.observed().service?.spec.selector).toBeUndefined();
    expect(stage.addresses.toSorted()).toEqual(['10.20.0.11', '10.20.0.12']);
  });

  it('keeps labels and annotations of other clients on the Service', async () => {
    const stage = new Stage();
    await stage.apply({});
    edit(stage, 'service', {
      metadata: { labels: { ...stage.observed().service?.metadata.labels, theirs: 'x' } },
    });
    expect(stage.plan(aBackend()).actions).toEqual([]);
    await stage.apply(specOf('labels and annotations'));
    await stage.apply({});
    expect(stage.observed().service?.metadata.labels).toEqual({
      'app.kubernetes.io/managed-by': 'external-backend-operator',
      theirs: 'x',
    });
  });

  it('removes a foreign key from a selector without removing ours for a moment', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a longer selector'));
    stage.cluster.onWrite = () => expect(stage.observed().service?.spec.selector).toHaveProperty('app', 'db');
    await stage.apply(specOf('a selector'));
    expect(stage.observed().service?.spec.selector).toEqual({ app: 'db' });
  });

  it('keeps the allocated node port when it removes a foreign port', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a node port'));
    const [port] = stage.observed().service?.spec.ports ?? [];
    edit(stage, 'service', { spec: { ports: [port, { name: 'x', port: 9 }] } });
    await stage.apply(specOf('a node port'));
    expect(stage.observed().service?.spec.ports).toEqual([port]);
  });

  it('sets no node port on a Service that no longer has one', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a node port'));
    edit(stage, 'service', {
      spec: { ports: [...(stage.observed().service?.spec.ports ?? []), { name: 'x', port: 9 }] },
    });
    const plan = stage.plan(aBackend());
    expect(plan.actions).toContainEqual(
      expect.objectContaining({
        op: 'setService',
        spec: expect.objectContaining({
          ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP' }],
        }) as object,
      }),
    );
  });
});
