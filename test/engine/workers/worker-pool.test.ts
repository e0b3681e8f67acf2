import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Check } from '../../../src/core/probing/check.ts';
import type { Health } from '../../../src/core/health/state.ts';
import type { BareVerdict, Verdict } from '../../../src/core/probing/verdict.ts';
import { WorkerPool } from '../../../src/engine/workers/worker-pool.ts';
import { FakeThreads } from '../../support/fakes/fake-threads.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, timedOut, up } from '../../support/builders/verdicts.ts';

const options = { namespace: 'shop', fresh: () => true };
const dayMs = 86_400_000;
const day = (n: number): string => `10.0.0.${n}`;
const handler = { kind: 'grpc', service: 'orders' } as const;
const restored: Health = {
  ...{ state: 'healthy', since: 0, consecutive: 0, reason: '', message: '' },
  restored: true,
};

describe('WorkerPool', () => {
  let clock: ManualClock;
  let threads: FakeThreads;
  let pool: WorkerPool;
  let probed: string[];
  let reports: string[];
  let verdicts: Map<string, Verdict>;
  /** IPs whose probes do not end. */
  let silent: Set<string>;

  function create(workers = 1): void {
    pool = new WorkerPool({
      ...{ clock, spawn: threads.spawn, workers, stallMs: 2_000 },
      limits: { maxConcurrent: 16, maxPerHost: 2, maxPerHostAndNamespace: 2 },
      foreign: ({ id }) => Promise.resolve({ ...up, message: `of ${id}` }),
      onChanged: (owner, { id }, before, after) =>
        reports.push(`${owner}/${id} ${before.state} to ${after.state}`),
      onNotable: (_, { id }, { certificateExpiresAt }) => reports.push(`${id} ends ${certificateExpiresAt}`),
      onQuarantined: (owner) => reports.push(`${owner} quarantined`),
      onCost: (owner, { id }, cost) => reports.push(`${owner}/${id} costs ${cost} ms`),
      onFault: (error) => reports.push(String(error)),
      onRestart: (cause, name, running) => reports.push(`${cause} ${name} ${running}`),
    });
    pool.start();
  }

  beforeEach(() => {
    clock = new ManualClock();
    [probed, reports] = [[], []];
    verdicts = new Map();
    silent = new Set();
    threads = new FakeThreads({
      clock,
      isForeign: (check) => check.handler.kind === 'icmp',
      probe: ({ ip, timing }, signal) => {
        probed.push(ip);
        const verdict = verdicts.get(ip) ?? up;
        if (!silent.has(ip)) return Promise.resolve(verdict);
        return new Promise((resolve) => {
          clock.after(timing.timeoutMs, () => resolve(verdicts.get(ip) ?? down));
          signal.addEventListener('abort', () => resolve(down));
        });
      },
    });
    create();
  });

  afterEach(() => Promise.all([pool.stop(), clock.advance(5_000)]));

  const checks = (...numbers: readonly number[]): Check[] =>
    numbers.map((n) => aCheck({ id: String(n), ip: day(n) }));
  const last = () => {
    const thread = threads.threads.findLast(({ name, isTerminated }) => name === '0' && !isTerminated);
    if (thread === undefined) throw new Error('no thread');
    return thread;
  };
  const state = (n: number) => pool.healthOf('db')(String(n))?.state;

  it('probes what is set, and reports transitions', async () => {
    pool.set('db', checks(1, 2), options);
    await clock.advance(1_000);
    expect(reports).toEqual(['db/1 unknown to healthy', 'db/2 unknown to healthy']);
    verdicts.set(day(2), down);
    await clock.advance(40_000);
    expect([state(1), state(2), reports.at(-1)]).toEqual([
      'healthy',
      'unhealthy',
      'db/2 healthy to unhealthy',
    ]);
    pool.forget('db');
    probed = [];
    await clock.advance(60_000);
    expect([probed, state(1), pool.stats().checks]).toEqual([[], undefined, 0]);
  });

  it('sends a handler once, however many checks use it, and takes it back after the last', () => {
    const sent = () => threads.threads.length;
    expect(sent()).toBe(1);
    const received: string[] = [];
    const { host } = last();
    const receive = host.receive.bind(host);
    host.receive = (command) => {
      received.push(command.op);
      receive(command);
    };
    pool.set(
      'db',
      checks(1, 2, 3).map((check) => ({ ...check, handler })),
      options,
    );
    pool.set(
      'db',
      checks(1, 2, 3).map((check) => ({ ...check, handler: { ...handler } })),
      options,
    );
    pool.set('db', [], options);
    expect(received.filter((op) => op !== 'set')).toEqual(['handler', 'forget']);
    expect(received.filter((op) => op === 'set')).toHaveLength(2);
  });

  it('keeps all checks of an IP in one thread', async () => {
    await Promise.all([pool.stop(), clock.advance(5_000)]);
    threads.threads.length = 0;
    create(4);
    const many = Array.from({ length: 64 }, (_, n) => aCheck({ id: `a${n}`, ip: day(n % 16), port: 1 + n }));
    pool.set('db', many, options);
    const byThread = threads.threads.map(
      ({ host }) => new Set(host.all('db').map(({ id }) => Number(id.slice(1)) % 16)),
    );
    expect(byThread.flatMap((ips) => [...ips])).toHaveLength(16);
    expect(byThread.filter(({ size }) => size > 0).length).toBeGreaterThan(1);
  });

  it('runs probes that a thread cannot run itself', async () => {
    pool.set('db', [aCheck({ id: '1', handler: { kind: 'icmp' } })], options);
    await clock.advance(1_000);
    expect([probed, pool.healthOf('db')('1')]).toMatchObject([[], { state: 'healthy', message: 'of 1' }]);
  });

  it.each(['Failed', 'OutOfMemory'] as const)(
    'replaces a thread that ends with %s: health remains, and all checks run within 2 s',
    async (cause) => {
      pool.set('db', checks(1, 2, 3), options);
      verdicts.set(day(3), down);
      await clock.advance(1_000);
      reports = [];
      probed = [];
      last().end(cause);
      expect([state(1), state(3)]).toEqual(['healthy', 'unhealthy']);
      await clock.advance(2_100);
      expect(reports).toEqual([`${cause} 0 0`]);
      expect(new Set(probed)).toEqual(new Set([day(1), day(2), day(3)]));
      expect([state(1), state(3)]).toEqual(['healthy', 'unhealthy']);
    },
  );

  it('follows a check after a restart that was restored while it was set', async () => {
    pool.set('db', checks(1), options);
    pool.restore('db', '1', restored);
    last().end('Failed');
    verdicts.set(day(1), down);
    await clock.advance(60_000);
    expect(state(1)).toBe('unhealthy');
  });

  it('needs failureThreshold failures after a restart too', async () => {
    pool.set('db', checks(1), options);
    await clock.advance(1_000);
    last().end('Failed');
    verdicts.set(day(1), down);
    await clock.advance(12_500);
    expect([probed.length, state(1)]).toEqual([3, 'healthy']);
    await clock.advance(10_500);
    expect(state(1)).toBe('unhealthy');
  });

  it('stretches the period of a costly check, and gives it back by a thread that has not seen the costly runs', async () => {
    verdicts.set(day(1), { ...up, cpuMs: 63 });
    pool.set('db', checks(1, 2), options);
    await clock.advance(25_000);
    expect(reports).toContain('db/1 costs 80 ms');
    const stretched = checks(1, 2).map((check) =>
      check.id === '1' ? { ...check, cpuMs: 80, timing: { ...check.timing, periodMs: 40_000 } } : check,
    );
    pool.set('db', stretched, options);
    probed = [];
    await clock.advance(40_000);
    expect(probed.filter((ip) => ip === day(1))).toHaveLength(1);
    last().end('Failed');
    verdicts.set(day(1), up);
    await clock.advance(100_000);
    expect(reports.at(-1)).toBe('db/1 costs 0 ms');
  });

  /** Performs a single run. The result is undefined until it ends. */
  function probeOnce(check: Check, signal = new AbortController().signal) {
    const run: { verdict?: BareVerdict } = {};
    void pool.probeOnce(check, signal).then((verdict) => (run.verdict = verdict));
    return run;
  }

  it('runs a check once in the thread of its IP, and returns nothing of what the server sent', async () => {
    const role = { role: 'Primary', certificateExpiresAt: 1, message: 'text of the server' } as const;
    verdicts.set(day(1), { ...up, ...role });
    verdicts.set(day(2), { ...timedOut, ...role, isUnreached: true });
    const runs = [1, 2].map((n) => probeOnce(aCheck({ id: String(n), ip: day(n) })));
    await clock.advance(60_000);
    expect(runs.map(({ verdict }) => verdict)).toEqual([
      { kind: 'up', reason: 'Connected' },
      { kind: 'down', reason: 'Timeout', isUnreached: true },
    ]);
    const crossed = threads.reports.filter(([, { op }]) => op === 'probed');
    expect(JSON.stringify(crossed)).not.toContain('text of the server');
    expect([probed, reports, pool.stats().checks]).toEqual([[day(1), day(2)], [], 0]);
  });

  it('has no evidence from a single run whose thread ends, stalls or stops', async () => {
    const none = { verdict: { kind: 'inconclusive', reason: 'ProberFault' } };
    const check = aCheck({ id: '1', ip: day(1), timing: { ...aCheck({}).timing, timeoutMs: 60_000 } });
    silent.add(day(1));
    const ended = probeOnce(check);
    last().end('Failed');
    await clock.advance(100);
    const stalledRun = probeOnce(check);
    await clock.advance(100);
    last().isStalled = true;
    await clock.advance(2_600);
    const stopped = probeOnce(check);
    await Promise.all([pool.stop(), clock.advance(5_000)]);
    const late = probeOnce(check);
    await clock.advance(0);
    expect([ended, stalledRun, stopped, late]).toEqual([none, none, none, none]);
    expect(reports).toEqual(['Failed 0 0', 'Stalled 0 0']);
  });

  it('ends a single run when it is aborted, although the thread stalls', async () => {
    const controller = new AbortController();
    last().isStalled = true;
    const run = probeOnce(aCheck({ id: '1', ip: day(1) }), controller.signal);
    await clock.advance(100);
    expect(run).toEqual({});
    controller.abort();
    await clock.advance(0);
    expect(run).toEqual({ verdict: { kind: 'inconclusive', reason: 'Cancelled' } });
  });

  it('has no evidence from a timeout while its thread did not run', async () => {
    silent.add(day(1));
    verdicts.set(day(1), timedOut);
    const run = probeOnce(aCheck({ id: '1', ip: day(1) }));
    await clock.advance(100);
    clock.jump(5_000);
    await clock.advance(5_000);
    expect(run).toEqual({ verdict: { kind: 'inconclusive', reason: 'ProberFault' } });
  });

  it('replaces a thread that stalls, and counts its runs as inconclusive', async () => {
    silent.add(day(2));
    pool.set('db', checks(1, 2), options);
    await clock.advance(500);
    last().isStalled = true;
    probed = [];
    await clock.advance(2_600);
    expect(reports).toContain('Stalled 0 1');
    const faults = pool.tallies.flatMap((tally) =>
      tally.rows().filter(({ reason }) => reason === 'ProberFault'),
    );
    expect(faults).toMatchObject([{ results: { inconclusive: 1 } }]);
    await clock.advance(2_100);
    expect(new Set(probed)).toEqual(new Set([day(1), day(2)]));
  });

  it('does not blame a thread for a time in which nothing ran', async () => {
    await clock.advance(1_000);
    clock.jump(60_000);
    await clock.advance(1_900);
    expect(reports).toEqual([]);
    expect(threads.threads).toHaveLength(1);
  });

  it('pauses between restarts of a thread that fails at once, from the seventh on', async () => {
    for (let n = 0; n < 100; n++) {
      threads.threads.find(({ isTerminated }) => !isTerminated)?.end('Failed');
      await clock.advance(100);
    }
    expect(threads.threads.length).toBeGreaterThan(7);
    expect(threads.threads.length).toBeLessThan(15);
  });

  /** Two stalls, each while the checks of these IPs are being probed. */
  async function stallTwice(...numbers: readonly number[]): Promise<void> {
    for (const n of numbers) silent.add(day(n));
    for (let stall = 0; stall < 2; stall++) {
      await clock.advance(20_000);
      last().isStalled = true;
      while (!reports.some((each) => each.startsWith('Stalled 0'))) await clock.advance(250);
      reports = reports.filter((each) => !each.startsWith('Stalled 0'));
    }
  }

  it('probes a check that was running at two stalls apart from the others, one at a time', async () => {
    const slow = checks(2).map((check) => ({
      ...check,
      timing: { ...check.timing, periodMs: 1_000, timeoutMs: 1_000 },
    }));
    pool.set('db', [...checks(1), ...slow], options);
    await stallTwice(2);
    expect(reports.filter((each) => each === 'db quarantined')).toHaveLength(1);
    expect(pool.quarantined('db')).toEqual(['2']);
    await clock.advance(3_000);
    const apart = threads.threads.find(({ name, isTerminated }) => name === 'quarantine' && !isTerminated);
    expect(apart?.host.all('db').map(({ id }) => id)).toEqual(['2']);
    expect(
      last()
        .host.all('db')
        .map(({ id }) => id),
    ).toEqual(['1']);
    expect(pool.stats()).toEqual({ checks: 2, workers: 2, quarantined: 1 });
  });

  it('follows a check in quarantine that was restored while it was set', async () => {
    pool.set(
      'db',
      checks(1).map((check) => ({
        ...check,
        timing: { ...check.timing, periodMs: 1_000, timeoutMs: 1_000 },
      })),
      options,
    );
    pool.restore('db', '1', restored);
    await stallTwice(1);
    expect([pool.quarantined('db'), state(1)]).toEqual([['1'], 'unhealthy']);
    silent.delete(day(1));
    await clock.advance(60_000);
    expect(state(1)).toBe('healthy');
  });

  it('holds a check that stalls its own thread for a minute, two, four, and lets the others go on', async () => {
    const slow = checks(2).map((check) => ({
      ...check,
      timing: { ...check.timing, periodMs: 1_000, timeoutMs: 1_000 },
    }));
    pool.set('db', [...checks(1), ...slow], options);
    await stallTwice(2);
    for (const minutes of [1, 2, 4]) {
      await clock.advance(1_500);
      const apart = threads.threads.find(({ name, isTerminated }) => name === 'quarantine' && !isTerminated);
      expect(apart?.host.all('db')).toHaveLength(1);
      if (apart !== undefined) apart.isStalled = true;
      await clock.advance(3_000);
      probed = [];
      await clock.advance(minutes * 60_000 - 4_000);
      expect(probed).not.toContain(day(2));
      expect(probed).toContain(day(1));
      await clock.advance(4_000);
      expect(probed).toContain(day(2));
    }
    expect(pool.healthOf('db')('1')?.state).toBe('healthy');
  });

  it('probes a check with the others again after a day without a stall', async () => {
    const slow = checks(2).map((check) => ({
      ...check,
      timing: { ...check.timing, periodMs: 1_000, timeoutMs: 1_000 },
    }));
    pool.set('db', [...checks(1), ...slow], options);
    await stallTwice(2);
    silent.clear();
    pool.set('db', checks(1, 2), options);
    expect(pool.quarantined('db')).toEqual(['2']);
    reports = [];
    clock.jump(dayMs);
    await clock.advance(3_000);
    expect(reports).toContain('db quarantined');
    expect([pool.quarantined('db'), pool.stats().workers]).toEqual([[], 1]);
    expect(last().host.all('db')).toHaveLength(2);
  });
});
