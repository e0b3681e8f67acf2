import { describe, expect, it } from '@jest/globals';
import { tierEvents } from '../../../src/core/events/tier-events.ts';

const status = (tier?: number, srvRank?: number) => ({
  services: [
    {
      ...{ name: 'db', ready: 1, total: 2 },
      ...(tier !== undefined && { tier }),
      ...(srvRank !== undefined && { srvRank }),
    },
  ],
});

describe('the Events of tiers', () => {
  it.each([
    ['the tier is the same', status(1), status(1), []],
    ['there was no status', undefined, status(1), []],
    ['a Service has tiers for the first time', status(), status(0), []],
    ['no address is ready', status(0), status(), []],
    ['a worse tier is used', status(0), status(2), ['Warning TierSwitched']],
    ['a better tier is used again', status(2), status(0), ['Normal TierSwitched']],
    ['a worse rank of an SRV record is used', status(0), status(0, 1), ['Warning TierSwitched']],
    ['a better rank of an SRV record is used', status(0, 1), status(0), ['Normal TierSwitched']],
    ['the tier is better and its rank worse', status(1), status(0, 3), ['Normal TierSwitched']],
  ])('follow the table if %s', (_, before, after, events) => {
    expect(tierEvents(before, after).map(({ type, reason }) => `${type} ${reason}`)).toEqual(events);
  });

  it('name the Service, both tiers and the cause', () => {
    expect(tierEvents(status(0), status(1, 2))[0]?.note).toBe(
      'Service db uses the servers of priority 1 (rank 2 of its SRV record), because no server of priority 0 is ready',
    );
  });
});
