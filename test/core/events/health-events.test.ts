import { describe, expect, it } from '@jest/globals';
import { transitionEvent } from '../../../src/core/events/health-events.ts';
import { unknownHealth } from '../../../src/core/health/state.ts';
import { healthy, unhealthy } from '../../support/builders/builders.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';

describe('transitionEvent', () => {
  it.each([
    ['nothing known to healthy: nothing to tell', unknownHealth(0), healthy, undefined],
    ['nothing known to unhealthy', unknownHealth(0), unhealthy, 'Warning'],
    ['healthy to unhealthy', healthy, unhealthy, 'Warning'],
    ['unhealthy to healthy', unhealthy, healthy, 'Normal'],
  ])('%s', (_, before, after, type) => expect(transitionEvent(aCheck(), before, after)?.type).toBe(type));

  it('reports the address, the port, the reason and the message of the server', () => {
    const after = { ...unhealthy, message: 'nobody listens' };
    expect(transitionEvent(aCheck({ ip: 'fd00::1', family: 'IPv6' }), healthy, after)).toEqual({
      type: 'Warning',
      reason: 'Refused',
      action: 'Unpublish',
      about: '[fd00::1]:5432',
      note: '[fd00::1]:5432 is unhealthy: Refused: nobody listens',
    });
    expect(transitionEvent(aCheck({ port: 0 }), unhealthy, healthy)?.note).toBe(
      '10.0.0.1 is healthy again: Connected',
    );
  });

  it.each([
    [[['a', false]], '; Service a sends it no new connections'],
    [
      [
        ['a', false],
        ['b', false],
      ],
      '; Services a, b send it no new connections',
    ],
    [
      [['a', false, 'publishNotReadyAddresses']],
      '; Service a still sends it connections (publishNotReadyAddresses)',
    ],
    [
      [['a', true, 'publishNotReadyAddresses']],
      '; Service a still sends it connections (publishNotReadyAddresses)',
    ],
    [[['a', true, 'whenNoneReady']], '; Service a still sends it connections (whenNoneReady)'],
    [[['a', true]], '; Service a still lists it as ready, because the change could not be written'],
    [
      [
        ['a', false],
        ['b', true],
        ['c', false, 'publishNotReadyAddresses'],
      ],
      '; Service a sends it no new connections; Service c still sends it connections (publishNotReadyAddresses); Service b still lists it as ready, because the change could not be written',
    ],
    [[], ''],
  ] as const)('reports what the Services do with an unhealthy address: %j', (all, words) => {
    const treatments = all.map(([service, ready, regardless]) => ({ service, ready, regardless }));
    expect(transitionEvent(aCheck(), healthy, unhealthy, treatments)?.note).toBe(
      `10.0.0.1:5432 is unhealthy: Refused${words}`,
    );
  });

  it.each([
    ['a', true, undefined, '; Service a sends it connections'],
    ['a', false, undefined, ''],
    ['a', true, 'publishNotReadyAddresses', ''],
    ['a', true, 'whenNoneReady', ''],
  ] as const)(
    'reports a Service of an address that is healthy again only if it has it as ready: %s, ready %s, regardless %s',
    (service, ready, regardless, words) => {
      expect(transitionEvent(aCheck(), unhealthy, healthy, [{ service, ready, regardless }])?.note).toBe(
        `10.0.0.1:5432 is healthy again: Connected${words}`,
      );
    },
  );

  it('has room in its note for the longest names of sixteen Services', () => {
    const treatments = Array.from({ length: 16 }, (_, i) => ({
      ...{ service: `${'x'.repeat(61)}${i}`, ready: i % 3 === 1 },
      regardless: i % 3 === 2 ? ('publishNotReadyAddresses' as const) : undefined,
    }));
    const after = { ...unhealthy, message: 'm'.repeat(120) };
    expect(transitionEvent(aCheck(), healthy, after, treatments)?.note.length).toBeLessThan(1_200);
  });

  it('has a reason when the health was seeded without one', () => {
    expect(transitionEvent(aCheck(), healthy, { ...unhealthy, reason: '' })?.reason).toBe('HealthChanged');
  });
});
