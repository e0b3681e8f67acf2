import { describe, expect, it } from '@jest/globals';
import { unknownHealth } from '../../../src/core/health/state.ts';
import { aBackend, aSlice, healthy, someEndpoints, unhealthy } from '../../support/builders/builders.ts';
import { now, seedsOf, statusAt } from '../support/seeds.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { Published } from '../../../src/core/restore/published-readiness.ts';

const none: Published = { slices: [], endpoints: [] };

const stateOf = (backend: Backend, published: Published, status?: Backend['status']) =>
  [...seedsOf(backend, published, status).values()].map(({ state }) => state);

describe('seeds', () => {
  const one = aBackend({ targets: [{ host: '10.20.0.11' }] });
  const drained = aBackend({ targets: [{ host: '10.20.0.11', drain: true }] });
  const slice = (ready: boolean, more: object = {}) => {
    const found = aSlice(['10.20.0.11'], 'external-backend-operator', more);
    return { ...found, endpoints: [{ addresses: ['10.20.0.11'], conditions: { ready, serving: ready } }] };
  };
  const said = (health: Health) => statusAt(one, () => health);

  it.each([
    ['published ready', { ...none, slices: [slice(true)] }, undefined, ['healthy']],
    [
      'published ready, unhealthy in the status',
      { ...none, slices: [slice(true)] },
      said(unhealthy),
      ['healthy'],
    ],
    [
      'published not ready, healthy in the status: the slice is newer',
      { ...none, slices: [slice(false)] },
      said(healthy),
      ['unhealthy'],
    ],
    [
      'published not ready, drained in the status: it may have failed since',
      { ...none, slices: [slice(false)] },
      statusAt(drained, () => healthy),
      ['unknown'],
    ],
    [
      'ready behind one Service, not ready behind another: a write was cut, or is refused',
      { ...none, slices: [slice(true), slice(false, { name: 'other' })] },
      said(healthy),
      ['healthy'],
    ],
    [
      'published not ready, unhealthy in the status',
      { ...none, slices: [slice(false)] },
      said(unhealthy),
      ['unhealthy'],
    ],
    [
      'published not ready, unknown in the status',
      { ...none, slices: [slice(false)] },
      said(unknownHealth(0)),
      ['unknown'],
    ],
    ['published not ready, nothing said', { ...none, slices: [slice(false)] }, undefined, ['unknown']],
    ['not published, healthy in the status', none, said(healthy), ['unknown']],
    ['not published, unhealthy in the status', none, said(unhealthy), ['unknown']],
    ['not published, nothing said', none, undefined, []],
    [
      'in hand-written Endpoints',
      { ...none, endpoints: [someEndpoints(['10.20.0.11'])] },
      undefined,
      ['healthy'],
    ],
    [
      'in a hand-written slice without conditions',
      { ...none, slices: [{ ...slice(true), endpoints: [{ addresses: ['10.20.0.11'] }] }] },
      undefined,
      ['healthy'],
    ],
    [
      'ready on another port',
      { ...none, slices: [{ ...slice(true), ports: [{ name: '', port: 1, protocol: 'TCP' as const }] }] },
      undefined,
      [],
    ],
  ])('%s', (_, published, status, states) => expect(stateOf(one, published, status)).toEqual(states));

  it('uses our slices before the Endpoints, which show not-ready published addresses as ready', () => {
    const published = { slices: [slice(false)], endpoints: [someEndpoints(['10.20.0.11'])] };
    expect(stateOf(one, published, said(unhealthy))).toEqual(['unhealthy']);
  });

  it('uses our slices before those of other clients', () => {
    const published = { ...none, slices: [slice(false), aSlice(['10.20.0.11'])] };
    expect(stateOf(one, published, said(unhealthy))).toEqual(['unhealthy']);
  });

  it('begins a drained address as unknown, whatever was written before', () => {
    expect(stateOf(drained, { ...none, slices: [slice(false)] }, said(healthy))).toEqual(['unknown']);
  });

  it('keeps the time, the reason and the message of the status', () => {
    const health: Health = {
      state: 'unhealthy',
      consecutive: 0,
      since: now - 5_000,
      reason: 'Refused',
      message: 'nobody listens',
    };
    const found = seedsOf(one, { ...none, slices: [slice(false)] }, said(health));
    expect([...found.values()]).toEqual([{ ...health, restored: true }]);
  });

  it('treats a time in the future as now, because the clock of the former leader may be ahead', () => {
    const stored = said({ ...unhealthy, since: now + 3_600_000 });
    const found = seedsOf(one, { ...none, slices: [slice(false)] }, stored);
    expect([...found.values()].map(({ since }) => since)).toEqual([now]);
  });
});
