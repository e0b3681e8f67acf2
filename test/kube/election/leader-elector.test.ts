import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { ApiRequest, KubeClient } from '../../../src/kube/client/client.ts';
import { LeaderElector } from '../../../src/kube/election/leader-elector.ts';
import type { Lease } from '../../../src/kube/election/lease-lock.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { silent } from '../support/connect.ts';

describe('LeaderElector', () => {
  /** A lease store that answers until it is told not to. */
  function candidate(clock: ManualClock) {
    const world = { away: false };
    const request = (ask: ApiRequest): Promise<unknown> => {
      const fail = (status: number) =>
        new OperatorError('no', { kind: 'transient', reason: 'Conflict', status });
      if (world.away) return Promise.reject(fail(503));
      return ask.verb === 'get'
        ? Promise.reject(fail(404))
        : Promise.resolve({ ...(Object(ask.body) as object) });
    };
    const hooks: string[] = [];
    const elector = new LeaderElector({
      onStartedLeading: () => hooks.push('started'),
      onStoppedLeading: (reason) => hooks.push(reason),
      client: { request } as unknown as KubeClient,
      clock,
      random: () => 0.5,
      logger: silent,
      namespace: 'n',
      name: 'operator',
      identity: 'a',
    });
    return { elector, world, hooks };
  }

  it('leads for exactly the renew deadline after the last successful renewal, if the API server answers with errors', async () => {
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

  it('does not lead after its machine was suspended, before any timer ran, and leads again in a new term', async () => {
    const clock = new ManualClock();
    const { elector, hooks } = candidate(clock);
    elector.start();
    await clock.advance(0);
    clock.jump(60_000);
    expect(elector.isLeader()).toBe(false);
    await clock.advance(2_000);
    expect(elector.isLeader()).toBe(true);
    expect(hooks).toEqual(['started', 'Lapsed', 'started']);
  });
});

/** A Lease in memory with the fence of the API server; each candidate may be cut off. */
class FakeLease {
  lease: Lease | undefined;
  readonly cut = new Set<string>();
  /** What those that are cut off get; undefined: no answer. */
  status: number | undefined;
  #version = 0;

  /** When the latest request was sent that has an answer, of any kind; monotonic. */
  answeredAt = -Infinity;

  candidate(clock: ManualClock, identity: string, afterAnswer: () => void = () => undefined) {
    const hooks: string[] = [];
    const elector = new LeaderElector({
      client: {
        request: async (ask: ApiRequest) => {
          const answer = await this.#answer(ask, identity);
          if (ask.verb === 'update') afterAnswer();
          return answer;
        },
      } as unknown as KubeClient,
      ...{ clock, random: () => 0.5, logger: silent, namespace: 'n', name: 'operator', identity },
      onStartedLeading: () => hooks.push('started'),
      onStoppedLeading: (reason) => hooks.push(reason),
      onNewLeader: (leader) => hooks.push(`leader ${leader}`),
      hasAnswered: (sentAt) => this.answeredAt > sentAt,
    });
    return { elector, hooks };
  }

  /** Somebody writes it as it is. */
  touch(spec: Lease['spec'] = this.lease?.spec): void {
    this.lease = { metadata: { resourceVersion: `${(this.#version += 1)}` }, ...(spec && { spec }) };
  }

  async #answer(ask: ApiRequest, identity: string): Promise<Lease> {
    await Promise.resolve();
    if (this.cut.has(identity)) throw refusal(this.status);
    if (ask.verb === 'get' && this.lease === undefined) throw refusal(404);
    if (ask.verb === 'create' && this.lease !== undefined) throw refusal(409);
    const body = ask.body as Lease;
    if (ask.verb === 'update' && body.metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
      throw refusal(409);
    if (ask.verb !== 'get') this.touch(body.spec);
    if (this.lease === undefined) throw refusal(404);
    return this.lease;
  }
}

const refusal = (status: number | undefined): OperatorError =>
  new OperatorError('no', {
    kind: 'transient',
    reason: 'Unreachable',
    ...(status !== undefined && { status }),
  });

describe('a term', () => {
  it('ends when it lapses, and the next one begins after it, with and without another leader in between', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    lease.status = 503;
    const [a, b] = [lease.candidate(clock, 'a'), lease.candidate(clock, 'b')];
    a.elector.start();
    await clock.advance(5_000);
    lease.cut.add('a');
    await clock.advance(12_000);
    lease.cut.delete('a');
    await clock.advance(5_000);
    expect(a.hooks).toEqual(['leader a', 'started', 'Lapsed', 'started']);

    lease.cut.add('a');
    b.elector.start();
    await clock.advance(60_000);
    await Promise.all([b.elector.stop(), clock.advance(1_000)]);
    lease.cut.delete('a');
    await clock.advance(10_000);
    expect(b.hooks.filter((word) => !word.startsWith('leader'))).toEqual(['started', 'Released']);
    expect(a.hooks.slice(4).filter((word) => !word.startsWith('leader'))).toEqual(['Lapsed', 'started']);
  });

  it('ends with the first renewal that gets no answer, and the next one begins with one that does', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const { elector, hooks } = lease.candidate(clock, 'a');
    elector.start();
    await clock.advance(5_000);
    lease.cut.add('a');
    await clock.advance(2_000);
    expect([elector.isLeader(), ...hooks]).toEqual([false, 'leader a', 'started', 'Interrupted']);
    lease.cut.delete('a');
    await clock.advance(5_000);
    expect(hooks).toEqual(['leader a', 'started', 'Interrupted', 'started']);
  });

  it('goes on if a renewal gets no answer, and a later request gets one', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const { elector, hooks } = lease.candidate(clock, 'a');
    elector.start();
    await clock.advance(5_000);
    lease.cut.add('a');
    lease.answeredAt = Infinity;
    await clock.advance(2_000);
    lease.cut.delete('a');
    await clock.advance(5_000);
    expect([elector.isLeader(), ...hooks]).toEqual([true, 'leader a', 'started']);
  });

  it.each([429, 500, 503])('goes on if one renewal is answered with %d', async (status) => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    lease.status = status;
    const { elector, hooks } = lease.candidate(clock, 'a');
    elector.start();
    await clock.advance(5_000);
    lease.cut.add('a');
    await clock.advance(2_000);
    lease.cut.delete('a');
    await clock.advance(10_000);
    expect(hooks).toEqual(['leader a', 'started']);
  });

  it('ends if the renewal is answered after the renew deadline', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    let slowMs = 0;
    const { elector, hooks } = lease.candidate(clock, 'a', () => clock.jump(slowMs));
    elector.start();
    await clock.advance(1_000);
    slowMs = 11_000;
    await clock.advance(2_000);
    expect(hooks.slice(1, 4)).toEqual(['started', 'Lapsed', 'started']);
  });

  it.each([
    ["is another's", { holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 1 }],
    [
      'was taken and released meanwhile',
      { holderIdentity: '', leaseTransitions: 1, leaseDurationSeconds: 1 },
    ],
    ['has our name, and was taken meanwhile', { holderIdentity: 'a', leaseTransitions: 2 }],
  ])('ends if the Lease %s', async (_, spec) => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const { elector, hooks } = lease.candidate(clock, 'a');
    elector.start();
    await clock.advance(1_000);
    lease.touch({ ...lease.lease?.spec, ...spec });
    await clock.advance(10_000);
    expect(hooks.filter((word) => !word.startsWith('leader'))).toEqual(['started', 'Taken', 'started']);
  });

  it('ends if the Lease was deleted, because another replica may have led', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const { elector, hooks } = lease.candidate(clock, 'a');
    elector.start();
    await clock.advance(1_000);
    lease.lease = undefined;
    await clock.advance(10_000);
    expect(hooks.slice(1)).toEqual(['started', 'Taken', 'started']);
  });

  it('goes on if another client writes an annotation on the Lease', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const { elector, hooks } = lease.candidate(clock, 'a');
    elector.start();
    for (let i = 0; i < 10; i++) {
      await clock.advance(1_500);
      lease.touch();
    }
    expect(hooks).toEqual(['leader a', 'started']);
    expect(elector.isLeader()).toBe(true);
  });
});

describe('a Lease of a holder that has died', () => {
  it('is free after its duration, however often its metadata change', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const renewTime = '2026-01-01T00:00:00.000000Z';
    lease.touch({ holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime, leaseTransitions: 0 });
    const { elector } = lease.candidate(clock, 'a');
    elector.start();
    for (let i = 0; i < 6; i++) {
      await clock.advance(4_000);
      lease.touch();
    }
    expect(elector.isLeader()).toBe(true);
  });
});

describe('a leader that yields', () => {
  it('ends its term at once, and the other replica leads with its next attempt', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const [a, b] = [lease.candidate(clock, 'a'), lease.candidate(clock, 'b')];
    a.elector.start();
    await clock.advance(100);
    b.elector.start();
    await clock.advance(5_000);
    await a.elector.yield();
    expect([a.elector.isLeader(), a.hooks.at(-1)]).toEqual([false, 'Yielded']);
    await clock.advance(5_000);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, true]);
    await clock.advance(60_000);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, true]);
  });

  it('is followed within a quarter of a second by a replica that was expedited', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const [a, b] = [lease.candidate(clock, 'a'), lease.candidate(clock, 'b')];
    a.elector.start();
    await clock.advance(100);
    b.elector.start();
    await clock.advance(5_000);
    b.elector.expedite();
    await clock.advance(300);
    await a.elector.yield();
    await clock.advance(250);
    expect(b.elector.isLeader()).toBe(true);
  });

  it('leads again after the duration of the Lease if no other replica does', async () => {
    const [clock, lease] = [new ManualClock(), new FakeLease()];
    const a = lease.candidate(clock, 'a');
    a.elector.start();
    await clock.advance(5_000);
    await a.elector.yield();
    await clock.advance(14_000);
    expect(a.elector.isLeader()).toBe(false);
    await clock.advance(6_000);
    expect(a.elector.isLeader()).toBe(true);
  });
});
