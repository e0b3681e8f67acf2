import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planEndpoints, subsetsOf } from '../../../src/core/publish/endpoints.ts';
import type { Endpoint, Endpoints, KubeObject } from '../../../src/core/kubernetes/objects.ts';
import type { SliceGroup } from '../../../src/core/publish/slices.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import { aBackend, namespace, theService } from '../../support/builders/builders.ts';

const backend = { namespace, name: 'orders-db', uid: 'u1' };
const service = { name: 'orders-db', headless: false };

const group = (port: number, ready: readonly boolean[], hostname?: string): SliceGroup => ({
  family: 'IPv4',
  ports: [{ name: `p${port}`, port, protocol: 'TCP' }],
  endpoints: ready.map((is, n): Endpoint => ({
    addresses: [`10.0.${n >> 8}.${n & 255}`],
    conditions: { ready: is, serving: is, terminating: false },
    ...(hostname !== undefined && { hostname }),
  })),
});

async function applied(groups: readonly SliceGroup[], cluster = new FakeCluster()) {
  const action = planEndpoints(
    backend,
    service,
    subsetsOf(groups),
    cluster.endpoints(namespace, 'orders-db'),
  );
  if (action !== undefined) await cluster.perform(action);
  return cluster;
}

const standing = (cluster: FakeCluster) => cluster.endpoints(namespace, 'orders-db') as Endpoints;
const again = (groups: readonly SliceGroup[], cluster: FakeCluster) =>
  planEndpoints(backend, service, subsetsOf(groups), standing(cluster));

describe('planEndpoints', () => {
  it('plans nothing after its plan was written, however the server repacks the subsets', async () => {
    const readiness = fc.array(fc.boolean(), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(readiness, { maxLength: 3 }),
        fc.option(fc.constant('db-0')),
        async (all, hostname) => {
          const groups = all.flatMap((ready, i) =>
            ready.length === 0 ? [] : [group(5432 + i, ready, i === 0 ? (hostname ?? undefined) : undefined)],
          );
          expect(again(groups, await applied(groups))).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('removes the labels that the endpoints controller copied from the Service, and keeps those of other clients', async () => {
    const groups = [group(5432, [true])];
    const labelsAfter = async (before: Readonly<Record<string, string>>) => {
      const cluster = await applied(groups);
      const { metadata, ...rest } = standing(cluster);
      cluster.put({ ...rest, metadata: { ...metadata, labels: before } });
      return standing(await applied(groups, cluster)).metadata.labels;
    };
    const managedBy = 'endpoints.kubernetes.io/managed-by';
    expect(await labelsAfter({ [managedBy]: 'endpoint-controller', team: 'orders' })).not.toHaveProperty(
      'team',
    );
    expect(await labelsAfter({ team: 'orders' })).toHaveProperty('team', 'orders');
  });

  it('keeps not-ready addresses as not ready', async () => {
    const { subsets } = standing(await applied([group(5432, [true, false])]));
    expect(subsets).toEqual([
      {
        addresses: [{ ip: '10.0.0.0' }],
        notReadyAddresses: [{ ip: '10.0.0.1' }],
        ports: [{ name: 'p5432', port: 5432, protocol: 'TCP' }],
      },
    ]);
  });

  it('contains at most 1,000 addresses, ready ones first, and marks the object as truncated', async () => {
    const ready = Array.from({ length: 1200 }, (_, n) => n >= 600);
    const cluster = await applied([group(5432, ready)]);
    const [subset] = standing(cluster).subsets ?? [];
    expect([subset?.addresses?.length, subset?.notReadyAddresses?.length]).toEqual([600, 400]);
    expect(standing(cluster).metadata.annotations).toEqual({
      'endpoints.kubernetes.io/over-capacity': 'truncated',
    });
    expect(again([group(5432, ready)], cluster)).toBeUndefined();
    await applied([group(5432, [true])], cluster);
    expect(standing(cluster).metadata.annotations).toEqual({});
  });

  it('sets skip-mirror, and keeps labels of other clients', async () => {
    const cluster = await applied([group(5432, [true])]);
    const object = standing(cluster);
    cluster.put({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, team: 'shop' } },
    });
    expect(again([group(5432, [true])], cluster)).toBeUndefined();
    await applied([group(5432, [false])], cluster);
    expect(standing(cluster).metadata.labels).toMatchObject({
      team: 'shop',
      'endpointslice.kubernetes.io/skip-mirror': 'true',
    });
  });

  it('keeps the fields of an address that other clients write', async () => {
    const cluster = await applied([group(5432, [true, true])]);
    const object = standing(cluster);
    const subsets = (object.subsets ?? []).map(({ addresses = [], ...others }) => ({
      addresses: addresses.map((address, i) => (i === 0 ? { ...address, nodeName: 'n1' } : address)),
      ...others,
    }));
    cluster.put({ ...object, subsets } as KubeObject);
    expect(again([group(5432, [true, true])], cluster)).toBeUndefined();
    await applied([group(5432, [true, false])], cluster);
    expect(standing(cluster).subsets?.[0]?.addresses).toEqual([expect.objectContaining({ nodeName: 'n1' })]);
  });

  it('keeps in the slices all addresses that the Endpoints cannot contain', () => {
    const targets = Array.from({ length: 512 }, (_, n) => ({ host: `10.1.${n >> 8}.${n & 255}` }));
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe: {} },
      { name: 'c', port: 3, probe: {} },
    ];
    const { groups, subsets } = theService(aBackend({ targets, ports }));
    expect(groups.map(({ endpoints }) => endpoints.length)).toEqual([512, 512, 512]);
    expect(subsets?.reduce((sum, { addresses = [] }) => sum + addresses.length, 0)).toBe(1536);
  });
});
