import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/util/clock.ts';
import { LeaderElector } from '../../src/kube/election/leader-elector.ts';
import { systemClock } from '../../src/system-clock.ts';
import { api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { clientFor, silent } from '../kube/support/connect.ts';
import { TcpProxy } from '../kube/support/tcp-proxy.ts';
import { until } from '../support/eventually.ts';

const leaseDurationMs = 3_000;
const renewDeadlineMs = 2_000;
const retryPeriodMs = 400;
/** A follower's longest pause between two looks, and a moment for a busy machine. */
const slackMs = retryPeriodMs * 2.2 + 1_500;

describe('LeaderElector on a real API server', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function candidate(space: string, identity: string, clock: Clock = systemClock) {
    const proxy = await TcpProxy.to(controlPlane().server);
    const client = clientFor(controlPlane(), { server: proxy.url });
    const seen: string[] = [];
    const elector = new LeaderElector({
      client,
      clock,
      random: () => 0.5,
      logger: silent,
      namespace: space,
      name: 'operator',
      identity,
      leaseDurationMs,
      renewDeadlineMs,
      retryPeriodMs,
      onStartedLeading: () => seen.push('started'),
      onStoppedLeading: (reason) => seen.push(reason),
      onNewLeader: (leader) => seen.push(`leader ${leader}`),
    });
    cleanups.push(
      () => proxy.close(),
      () => client.close(),
      () => elector.stop(),
    );
    return { elector, proxy, seen };
  }

  /** Reads both all the time; `overlaps` counts the reads that found two leaders. */
  function observe(...electors: LeaderElector[]) {
    const result = { overlaps: 0, looks: 0 };
    const timer = setInterval(() => {
      result.looks += 1;
      if (electors.filter((elector) => elector.isLeader()).length > 1) result.overlaps += 1;
    }, 2);
    cleanups.push(() => {
      clearInterval(timer);
      return Promise.resolve();
    });
    return result;
  }

  /** Starts two replicas. `a` leads, and `b` has noticed it. */
  async function twoReplicas(clockOfA?: Clock) {
    const space = await namespace(controlPlane(), 'leader');
    const a = await candidate(space, 'a', clockOfA);
    const b = await candidate(space, 'b');
    const observed = observe(a.elector, b.elector);
    a.elector.start();
    await until('a leads', () => a.elector.isLeader());
    b.elector.start();
    await until('b knows', () => b.seen.includes('leader a'));
    return { a, b, observed };
  }

  it('lets one replica lead, and the other one within the lease duration after its end, never two at a time', async () => {
    const { a, b, observed } = await twoReplicas();
    await sleep(leaseDurationMs + retryPeriodMs);
    expect(b.elector.isLeader()).toBe(false);

    a.proxy.refuse(true);
    const vanishedAt = performance.now();
    await until('b leads', () => b.elector.isLeader(), leaseDurationMs + slackMs);
    expect(a.elector.isLeader()).toBe(false);
    expect(a.seen).toEqual(['leader a', 'started', 'Interrupted']);
    expect(performance.now() - vanishedAt).toBeGreaterThan(renewDeadlineMs);

    a.proxy.refuse(false);
    await until('a knows', () => a.seen.includes('leader b'));
    expect(a.elector.isLeader()).toBe(false);
    expect(observed.overlaps).toBe(0);
    expect(observed.looks).toBeGreaterThan(500);
  }, 60_000);

  it('releases the Lease at once when it is stopped', async () => {
    const { a, b, observed } = await twoReplicas();
    await a.elector.stop();
    expect(a.elector.isLeader()).toBe(false);
    await until('b leads', () => b.elector.isLeader(), slackMs);
    expect(a.seen.at(-1)).toBe('Released');
    expect(observed.overlaps).toBe(0);
  }, 30_000);

  it('does not lead while the API server is away, and leads again when it is back', async () => {
    const space = await namespace(controlPlane(), 'leader');
    const { elector, proxy, seen } = await candidate(space, 'a');
    elector.start();
    await until('it leads', () => elector.isLeader());
    proxy.refuse(true);
    await until('it does not', () => !elector.isLeader(), renewDeadlineMs + 500);
    proxy.refuse(false);
    await until('it leads again', () => elector.isLeader(), slackMs);
    expect(seen.filter((word) => !word.startsWith('leader'))).toEqual(['started', 'Interrupted', 'started']);
  }, 30_000);

  it('notices a connection that drops its renewals', async () => {
    const space = await namespace(controlPlane(), 'leader');
    const { elector, proxy } = await candidate(space, 'a');
    elector.start();
    await until('it leads', () => elector.isLeader());
    proxy.silence();
    const opened = proxy.accepted;
    await until('it has renewed by another', () => proxy.accepted > opened && elector.isLeader());
  }, 30_000);

  it('does not depend on wall clocks', async () => {
    const inTheFuture: Clock = { ...systemClock, wall: () => systemClock.wall() + 86_400_000 };
    const { a, b, observed } = await twoReplicas(inTheFuture);
    a.proxy.refuse(true);
    await until('b leads', () => b.elector.isLeader(), leaseDurationMs + slackMs);
    expect(observed.overlaps).toBe(0);
  }, 30_000);

  it('writes the record that client-go reads', async () => {
    const space = await namespace(controlPlane(), 'leader');
    const { elector } = await candidate(space, 'a');
    elector.start();
    await until('it leads', () => elector.isLeader());
    const microTime: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const held = await api(controlPlane()).get('Lease', 'operator', space);
    expect(held.spec).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 3,
      leaseTransitions: 0,
      renewTime: microTime,
      acquireTime: microTime,
    });
    await elector.stop();
    const released = await api(controlPlane()).get('Lease', 'operator', space);
    expect(released.spec.holderIdentity ?? '').toBe('');
  }, 30_000);
});
