import { describe, expect, it } from '@jest/globals';
import type { RedisHandler } from '../../../src/core/probing/check.ts';
import { createFallbacks } from '../../../src/probe/connection/fallbacks.ts';
import { tcpCheck } from '../support/checks.ts';

const handler = (password = 'one'): RedisHandler => ({
  kind: 'redis',
  credentials: { username: '', password },
});
const check = (port = 1, password = 'one') => tcpCheck(port, { handler: handler(password) });

describe('fallbacks', () => {
  it('are known by what the check asks, not by the object that it is', () => {
    const fallbacks = createFallbacks();
    fallbacks.remember(check(), 'no INFO', 'its words');
    expect(fallbacks.get(check(), 'no INFO')).toBe('its words');
    expect(fallbacks.get(check(), 'no TLS')).toBeUndefined();
    expect(fallbacks.get(check(2), 'no INFO')).toBeUndefined();
    expect(fallbacks.get({ ...check(), ip: '127.0.0.2' }, 'no INFO')).toBeUndefined();
    expect(fallbacks.get(check(1, 'two'), 'no INFO')).toBeUndefined();
  });

  it('end after ten minutes, at times that differ', () => {
    const minutes = (random: number) => {
      let now = 0;
      const fallbacks = createFallbacks({ now: () => now, random: () => random });
      fallbacks.remember(check(), 'no TLS');
      for (; fallbacks.get(check(), 'no TLS') !== undefined; now += 1_000);
      return now / 60_000;
    };
    expect([minutes(0), minutes(0.5), minutes(1)]).toEqual([7.5, 10, 12.5]);
  });

  it('are forgotten one by one', () => {
    const fallbacks = createFallbacks();
    fallbacks.remember(check(), 'no TLS');
    fallbacks.remember(check(), 'role alone');
    fallbacks.forget(check(), 'no TLS');
    expect(fallbacks.get(check(), 'no TLS')).toBeUndefined();
    expect(fallbacks.get(check(), 'role alone')).toBe('');
  });

  it('are no more than so many, the oldest addresses and handlers first', () => {
    const fallbacks = createFallbacks({ most: { handlers: 2, addresses: 3 } });
    for (const port of [1, 2, 3, 4]) fallbacks.remember(check(port), 'no TLS');
    expect([1, 2, 3, 4].map((port) => fallbacks.get(check(port), 'no TLS'))).toEqual([undefined, '', '', '']);
    for (const password of ['two', 'three']) fallbacks.remember(check(4, password), 'no TLS');
    const left = ['one', 'two', 'three'].map((password) => fallbacks.get(check(4, password), 'no TLS'));
    expect(left).toEqual([undefined, '', '']);
  });
});
