import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { parseBackend } from '../../src/api/parse.ts';
import { addressesOf } from '../../src/core/resolution/addresses.ts';
import { checksOf, portGroups } from '../../src/core/probing/port-groups.ts';
import { resolve } from '../../src/core/resolution/resolve-host.ts';
import { defaultDns } from '../../src/api/external-backend.ts';
import { emptyNameState } from '../../src/core/resolution/name-state.ts';
import { ProbeScheduler } from '../../src/engine/probing/scheduler.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';
import { up } from '../support/builders/verdicts.ts';
import type { Check } from '../../src/core/probing/check.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const targets = Array.from({ length: 512 }, (_, i) => ({ host: `10.51.${i >> 8}.${i & 255}` }));

/** Returns a function that makes the checks of a valid spec again at each call, as each reconcile does. */
function checksIn(spec: object, ca?: string): () => readonly Check[] {
  const metadata = {
    ...{ namespace: 'shop', name: 'db', uid: 'u', generation: 1 },
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return () => {
    const parsed = parseBackend({ metadata, spec: structuredClone(spec) });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const { spec: own } = parsed.backend;
    const lookup = (host: string) => resolve(host, defaultDns, () => emptyNameState, 0);
    const addresses = addressesOf(own.targets, lookup, () => undefined, own.ports).flatMap(
      (each) => each.addresses,
    );
    const materials = ca === undefined ? {} : { tls: { ca } };
    return checksOf(portGroups(own, { secrets: materials, choose: true }), addresses);
  };
}

/** Returns the megabytes that the scheduler keeps for these checks, after this number of reconciles. */
function megabytesOf(checks: () => readonly Check[], reconciles: number): { count: number; mb: number } {
  const scheduler = new ProbeScheduler({
    clock: new ManualClock(),
    random: () => 0,
    probe: () => Promise.resolve(up),
    limits: { maxConcurrent: 4_096, maxPerHost: 8, maxPerHostAndNamespace: 2 },
    onVerdict: () => undefined,
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < reconciles; i++) scheduler.set('u', checks(), { namespace: 'shop' });
  collect();
  return { count: scheduler.stats().checks, mb: (process.memoryUsage().heapUsed - before) / 1e6 };
}

describe('the checks of the largest resource', () => {
  const largeGet = (count: number, characters: number) => ({
    httpGet: {
      httpHeaders: Array.from({ length: count }, (_, i) => ({
        name: `x-${i}`,
        value: 'a'.repeat(characters),
      })),
    },
  });
  const ports = (probe: object) =>
    Array.from({ length: 15 }, (_, i) => ({ name: `p${i}`, port: 1000 + i, probe }));

  it.each([
    ['headers of 8 KiB, in each of 15 ports', { targets, ports: ports(largeGet(16, 500)) }, 7_680],
    [
      'headers of 128 KiB, stored before they were bounded',
      { targets, ports: ports(largeGet(32, 4_096)) },
      7_680,
    ],
  ])('take at most 2 KB each: %s', (_, spec, count) => {
    const held = megabytesOf(checksIn(spec), 3);
    expect(held.count).toBe(count);
    expect(held.mb).toBeLessThan((count * 2_000) / 1e6);
  });

  it('keep an authority of 64 KiB once, however many addresses there are', () => {
    const probe = { tls: {} };
    const spec = { targets, ports: [{ port: 443 }], probe, tls: { caSecret: { name: 'ca' } } };
    const held = megabytesOf(checksIn(spec, 'a\n'.repeat(32 * 1024)), 3);
    expect(held.count).toBe(512);
    expect(held.mb).toBeLessThan(3);
  });
});
