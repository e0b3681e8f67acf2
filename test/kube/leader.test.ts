import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import type { Ask, KubeClient } from '../../src/kube/client.ts';
import { LeaseElector } from '../../src/kube/leader.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { silent } from './support/connect.ts';

describe('LeaseElector', () => {
  /** A lease store that answers until it is told not to. */
  function candidate(clock: ManualClock) {
    const world = { away: false };
    const request = (ask: Ask): Promise<unknown> => {
      const fail = (status: number | undefined) =>
        new OperatorError('no', {
          kind: 'transient',
          reason: 'Conflict',
          ...(status === undefined ? {} : { status }),
        });
      if (world.away) return Promise.reject(fail(undefined));
      return ask.verb === 'get'
        ? Promise.reject(fail(404))
        : Promise.resolve({ ...(Object(ask.body) as object) });
    };
    const elector = new LeaseElector({
      client: { request } as unknown as KubeClient,
      clock,
      random: () => 0.5,
      logger: silent,
      namespace: 'n',
      name: 'operator',
      identity: 'a',
    });
    return { elector, world };
  }

  it('leads for exactly the renew deadline after the last renewal that was sent and answered', async () => {
    const clock = new ManualClock();
    const { elector, world } = candidate(clock);
    elector.start();
    await clock.advance(0);
    expect(elector.isLeader()).toBe(true);
    world.away = true;
    await clock.advance(9_999);
    expect(elector.isLeader()).toBe(true);
    await clock.advance(1);
    expect(elector.isLeader()).toBe(false);
  });

  it('does not lead after its machine was suspended, before any timer ran', async () => {
    const clock = new ManualClock();
    const { elector } = candidate(clock);
    elector.start();
    await clock.advance(0);
    clock.jump(60_000);
    expect(elector.isLeader()).toBe(false);
    await clock.advance(2_000);
    expect(elector.isLeader()).toBe(true);
  });
});
