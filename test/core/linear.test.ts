import { describe, expect, it } from '@jest/globals';
import { portGroups } from '../../src/core/probing/port-groups.ts';
import { publishedReadiness } from '../../src/core/restore/published-readiness.ts';
import type { HealthOf } from '../../src/core/health/readiness.ts';
import { aBackend, addressesIn, aSlice, desiredOf, healthy } from '../support/builders/builders.ts';

const named = (count: number, start: string) =>
  Array.from({ length: count }, (_, i) => ({ name: `${start}${i}` }));

describe('the work of a reconcile', () => {
  it('looks up the health of an address as often for 16 Services as for one', () => {
    const lookUps = [1, 16].map((count) => {
      let asked = 0;
      const healthOf: HealthOf = () => ((asked += 1), healthy);
      desiredOf(aBackend({ services: named(count, 's') }), healthOf);
      return asked;
    });
    expect(lookUps[1]).toBe(lookUps[0]);
  });

  it('reads the addresses of a slice once, however many ports it has', () => {
    const ports = named(32, 'p').map(({ name }, i) => ({ name, port: i + 1 }));
    const { spec } = aBackend({ ports });
    let read = 0;
    const slice = aSlice([]);
    const endpoints = addressesIn(spec).map(({ ip }) => ({
      conditions: { ready: true, serving: true, terminating: false },
      get addresses() {
        read += 1;
        return [ip];
      },
    }));
    const readyOf = publishedReadiness({
      slices: [{ ...slice, endpoints, ports: ports.map((port) => ({ ...port, protocol: 'TCP' as const })) }],
      endpoints: [],
    });
    const ready = addressesIn(spec).map((address) =>
      portGroups(spec).map((group) => readyOf(group, address)),
    );
    expect(ready.flat()).toEqual([true, true]);
    expect(read).toBe(2);
  });
});
