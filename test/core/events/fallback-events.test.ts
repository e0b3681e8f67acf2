import { describe, expect, it } from '@jest/globals';
import { fallbackEvents } from '../../../src/core/events/fallback-events.ts';

const status = (fallback?: string, ready = 0) => ({
  services: [{ name: 'db', ready, total: 2, ...(fallback !== undefined && { fallback }) }],
});

describe('the Events of whenNoneReady', () => {
  it.each([
    ['nothing changes', status(), status(), []],
    ['it goes on, as after a restart', status('KeepLast'), status('KeepLast'), []],
    ['KeepLast begins', status(undefined, 1), status('KeepLast'), ['Warning NoneReadyKept']],
    ['All begins with the first status', undefined, status('All'), ['Warning NoneReadyAll']],
    ['the policy changes meanwhile', status('KeepLast'), status('All'), ['Warning NoneReadyAll']],
    ['an address is ready again', status('All'), status(undefined, 1), ['Normal FallbackEnded']],
    ['the kept addresses are drained', status('KeepLast'), status(), ['Warning FallbackEnded']],
    ['the Service is removed', status('KeepLast'), { services: [] }, []],
  ])('are one for each way, and none if %s', (_, before, after, events) => {
    expect(fallbackEvents(before, after).map(({ type, reason }) => `${type} ${reason}`)).toEqual(events);
  });

  it('name the Service and what it publishes', () => {
    expect(fallbackEvents(status(), status('KeepLast'))[0]?.note).toBe(
      'Service db: no address is ready: the last addresses that were ready stay published (whenNoneReady: KeepLast)',
    );
  });
});
