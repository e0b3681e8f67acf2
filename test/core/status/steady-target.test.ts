import { describe, expect, it } from '@jest/globals';
import type { AddressStatus, TargetStatus } from '../../../src/core/status/status-parts.ts';
import { steadyTarget } from '../../../src/core/status/steady-target.ts';

const address = (ip: string, over: Partial<AddressStatus> = {}): AddressStatus => ({
  ...{ ip, ready: true, health: 'healthy', reason: 'Connected', ...over },
});
const kept = { kept: true };
const target = (
  addresses: readonly AddressStatus[],
  resolution: Partial<NonNullable<TargetStatus['resolution']>> = {},
  over: Partial<TargetStatus> = {},
): TargetStatus => ({
  host: 'db.example.com',
  resolution: { state: 'Answered', resolvedAt: '2026-01-01T00:00:00Z', ...resolution },
  addresses: [...addresses],
  ...over,
});
const later = { resolvedAt: '2026-01-01T00:01:00Z' };
const [a, b] = ['10.0.0.1', '10.0.0.2'] as const;
const stored = target([address(a), address(b, kept)]);

describe('the status of a target', () => {
  it.each([
    ['the answer is a new one of the same addresses', target([address(a), address(b, kept)], later)],
    ['the answer rotates within what is kept', target([address(b), address(a, kept)], later)],
    ['the addresses are in another order', target([address(b, kept), address(a)])],
  ])('stays as it is stored when %s', (_, computed) => {
    expect(steadyTarget(computed, stored)).toBe(stored);
  });

  it.each([
    ['an address is another', target([address(a), address('10.0.0.3', kept)], later)],
    ['an address is missing', target([address(a)])],
    ['an address is kept that was not', target([address(a, kept), address(b, kept)])],
    ['an address is kept no longer', target([address(a), address(b)])],
    ['an address is not ready any more', target([address(a, { ready: false }), address(b, kept)])],
    ['an address has a message', target([address(a, { message: 'x' }), address(b, kept)])],
    [
      'an address is excluded',
      target([address(a, { excluded: [{ service: 'x', reason: 'LagTooHigh' }] }), address(b, kept)]),
    ],
    ['the rule is another', target(stored.addresses, { state: 'Stale' })],
    ['there is an error', target(stored.addresses, { error: 'no answer' })],
    ['there is a message', target(stored.addresses, {}, { message: 'x' })],
    ['it is the current host', target(stored.addresses, {}, { current: true })],
    ['the host is another', target(stored.addresses, {}, { host: 'other.example.com' })],
  ])('is the computed one as a whole when %s', (_, computed) => {
    expect(steadyTarget(computed, stored)).toBe(computed);
  });

  it('is the computed one when nothing is stored', () => {
    expect(steadyTarget(stored, undefined)).toBe(stored);
  });

  it('stays when the API server returns its fields in another order', () => {
    const turned = { ...stored, addresses: stored.addresses.map((each) => turn(each) as AddressStatus) };
    expect(steadyTarget(stored, turned)).toBe(turned);
  });
});

const turn = (value: object): unknown => Object.fromEntries(Object.entries(value).toReversed());
