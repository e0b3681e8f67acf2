import { describe, expect, it } from '@jest/globals';
import { flipOf } from '../../src/core/flip.ts';
import { initial } from '../../src/core/health.ts';
import { healthy, unhealthy } from '../support/builders.ts';
import { aCheck } from '../support/scripted-probe.ts';

describe('flipOf', () => {
  it.each([
    ['nothing known to healthy: nothing to tell', initial(0), healthy, undefined],
    ['nothing known to unhealthy', initial(0), unhealthy, 'Warning'],
    ['healthy to unhealthy', healthy, unhealthy, 'Warning'],
    ['unhealthy to healthy', unhealthy, healthy, 'Normal'],
  ])('%s', (_, before, after, type) => expect(flipOf(aCheck(), before, after)?.type).toBe(type));

  it('tells the address, the port, the reason and what the server said', () => {
    const after = { ...unhealthy, message: 'nobody listens' };
    expect(flipOf(aCheck({ ip: 'fd00::1', family: 'IPv6' }), healthy, after)).toEqual({
      type: 'Warning',
      reason: 'Refused',
      action: 'Unpublish',
      note: '[fd00::1]:5432 is unhealthy and receives no new connections: Refused: nobody listens',
    });
    expect(flipOf(aCheck({ port: 0 }), unhealthy, healthy)?.note).toBe(
      '10.0.0.1 is healthy again: Connected',
    );
  });

  it('has a reason also where the health was seeded without one', () => {
    expect(flipOf(aCheck(), healthy, { ...unhealthy, reason: '' })?.reason).toBe('HealthChanged');
  });
});
