import { describe, expect, it } from '@jest/globals';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import { annotations } from '../../../src/core/kubernetes/ownership.ts';
import { subscribeNames } from '../../../src/engine/reconcile/name-subscriptions.ts';
import { aBackend, aSlice, namespace } from '../../support/builders/builders.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import { FakeResolver } from '../../support/fakes/fake-resolver.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';

const host = (i: number): string => `orders-${i}.example.com`;
const ip = (i: number): string => `10.0.${i >> 8}.${i & 255}`;

/** Returns slices of 25 names each, and the number of times that their annotations were read. */
function slicesOf(count: number): {
  readonly slices: readonly EndpointSlice[];
  readonly reads: () => number;
} {
  let reads = 0;
  const all = Array.from({ length: count }, (_, i) => i);
  const chunks = [...Map.groupBy(all, (i) => Math.floor(i / 25)).values()];
  const slices = chunks.map((chunk) => {
    const slice = aSlice(chunk.map(ip), 'external-backend-operator');
    const text = JSON.stringify(Object.fromEntries(chunk.map((i) => [host(i), [ip(i)]])));
    const metadata = Object.defineProperty({ ...slice.metadata }, 'annotations', {
      get: () => {
        reads += 1;
        return { [annotations.names]: text };
      },
    });
    return { ...slice, metadata };
  });
  return { slices, reads: () => reads };
}

describe('names without an answer', () => {
  const targets = Array.from({ length: 500 }, (_, i) => ({ host: host(i) }));
  const backend = aBackend({ targets, dns: { families: ['IPv4'] } });

  it('begin with the content of the slices, each read once however many names there are', () => {
    const clock = new ManualClock();
    const resolver = new FakeResolver(clock);
    const { slices, reads } = slicesOf(500);
    const view = Object.assign(new FakeCluster(), {
      ownedNames: () => new Set([backend.name]),
      slices: (at: string) => (at === namespace ? slices : []),
    });
    subscribeNames(backend, { resolver, cache: view, clock });
    const seeded = targets.map((target) => resolver.state({ name: target.host, type: 'A' }).addresses);
    expect(seeded).toEqual(targets.map((_, i) => [ip(i)]));
    expect(reads()).toBe(slices.length);
  });
});

describe('the shortest time between two queries', () => {
  it.each([
    [{}, 5_000, [5_000, 300_000]],
    [{ minRefreshSeconds: 1, maxRefreshSeconds: 1 }, 5_000, [5_000, 5_000]],
    [{ minRefreshSeconds: 30 }, 5_000, [30_000, 300_000]],
    [{ minRefreshSeconds: 1, maxRefreshSeconds: 1 }, 1_000, [1_000, 1_000]],
  ])('of %j is at least that of the operator, %i ms', (dns, minRefreshMs, expected) => {
    const clock = new ManualClock();
    const resolver = new FakeResolver(clock);
    const backend = aBackend({ targets: [{ host: 'db.example.com' }], dns });
    subscribeNames(backend, { resolver, cache: new FakeCluster(), clock, minRefreshMs });
    const { minMs, maxMs } = resolver.bounds.get(backend.uid) ?? {};
    expect([minMs, maxMs]).toEqual(expected);
  });
});
