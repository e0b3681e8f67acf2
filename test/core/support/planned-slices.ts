import fc from 'fast-check';
import { planSlices } from '../../../src/core/publish/slices.ts';
import { namespace } from '../../support/builders/builders.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import type { SliceContext, SliceGroup } from '../../../src/core/publish/slices.ts';

export const ports: readonly EndpointPort[] = [{ name: '', port: 5432, protocol: 'TCP' }];
export const context: SliceContext = {
  backend: { namespace, name: 'orders-db', uid: 'u1' },
  service: 'orders-db',
  headless: false,
  maxEndpoints: 3,
};

export const endpoint = (n: number, ready = true): Endpoint => ({
  addresses: [`10.0.${n >> 8}.${n & 255}`],
  conditions: { ready, serving: ready, terminating: false },
});

export const group = (endpoints: readonly Endpoint[], over: Partial<SliceGroup> = {}): SliceGroup => ({
  family: 'IPv4',
  ports,
  endpoints,
  ...over,
});

export const range = (count: number) => Array.from({ length: count }, (_, i) => endpoint(i));

/** A cluster in which plans are applied. */
export class Slices {
  readonly cluster = new FakeCluster();

  get all(): readonly EndpointSlice[] {
    return this.cluster.slices(namespace, 'orders-db');
  }

  plan(groups: readonly SliceGroup[], over: Partial<SliceContext> = {}) {
    const { writes, leaving } = planSlices(groups, this.all, { ...context, ...over });
    return [...writes, ...leaving([])].map(({ action }) => action);
  }

  async apply(groups: readonly SliceGroup[], over: Partial<SliceContext> = {}): Promise<number> {
    const actions = this.plan(groups, over);
    for (const action of actions) await this.cluster.perform(action);
    return actions.length;
  }

  get addresses(): readonly string[] {
    return this.all.flatMap((slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses)).toSorted();
  }
}

/** Desired addresses at one moment: a set of numbers with their readiness. */
export const wanted = fc
  .uniqueArray(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 30, selector: ([n]) => n })
  .map((pairs) => pairs.map(([n, ready]) => endpoint(n, ready)));

export const texts = (endpoints: readonly Endpoint[]) => endpoints.flatMap((e) => e.addresses).toSorted();
