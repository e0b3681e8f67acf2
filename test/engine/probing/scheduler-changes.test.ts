import { beforeEach, describe, expect, it } from '@jest/globals';
import { aCheck } from '../../support/fakes/scripted-probe.ts';
import { down, up } from '../../support/builders/verdicts.ts';
import { SECOND, SchedulerWorld, hosts } from '../support/scheduler-world.ts';
import type { HttpGet } from '../../../src/api/external-backend.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import type { ProbeSchedulerOptions } from '../../../src/engine/probing/scheduler.ts';

const request: HttpGet = { path: '/', scheme: 'HTTP' } as HttpGet;

describe('ProbeScheduler', () => {
  let world: SchedulerWorld;
  beforeEach(() => {
    world = new SchedulerWorld();
  });

  describe('changes', () => {
    it('keeps the period and the run of a check that is set again unchanged', async () => {
      world.script.play('a', { afterMs: 500, verdict: up });
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(200);
      scheduler.set('one', [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await world.clock.advance(3_000);
      scheduler.set('one', [aCheck({ id: 'b', ip: '10.0.0.2' }), aCheck({ id: 'a' })]);
      await world.clock.advance(7_000);
      expect(world.script.startsOf('a')).toEqual([0, 10_000]);
      expect(world.script.startsOf('b')).toEqual([200, 10_200]);
      expect(world.script.aborted).toBe(0);
    });

    it('probes a changed check at once, and drops the result of the old one', async () => {
      world.script.play('a', 'hangs', up);
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(500);
      scheduler.set('one', [aCheck({ id: 'a', port: 6432 })]);
      await world.clock.advance(5_000);
      expect(world.script.aborted).toBe(1);
      expect(world.script.startsOf('a')).toEqual([0, 500]);
      expect(world.verdictsOf('a')).toEqual([up]);
    });

    it.each([
      ['a shorter period holds from now on', 4_000, [0, 7_000, 11_000]],
      ['a longer one after the next run', 20_000, [0, 10_000, 30_000]],
    ])('does not probe again at once when only the timing changes: %s', async (_, periodMs, starts) => {
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(3_000);
      scheduler.set('one', [aCheck({ id: 'a', timing: { periodMs } })]);
      await world.clock.advance((starts[2] ?? 0) - 3_000);
      expect(world.script.startsOf('a')).toEqual(starts);
    });

    it('uses other thresholds without a new probe', async () => {
      world.script.play('a', { afterMs: 500, verdict: up });
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' })]);
      await world.clock.advance(200);
      scheduler.set('one', [aCheck({ id: 'a', timing: { failureThreshold: 7 } })]);
      await world.clock.advance(10 * SECOND);
      expect(world.script.startsOf('a')).toEqual([0, 10_000]);
      expect(world.verdictsOf('a')).toEqual([up]);
    });

    it.each<[string, Partial<Check>]>([
      ['port', { port: 6432 }],
      ['address', { ip: '10.0.0.9' }],
      ['host header', { host: 'other.example' }],
      ['path', { handler: { kind: 'httpGet', request: { ...request, path: '/other' } } }],
      ['kind', { handler: { kind: 'tcpSocket' } }],
    ])('takes another %s for another probe', async (_, change) => {
      const check = aCheck({ id: 'a', handler: { kind: 'httpGet', request } });
      const scheduler = world.schedulerOf();
      scheduler.set('one', [check]);
      await world.clock.advance(100);
      scheduler.set('one', [aCheck({ ...check, ...change })]);
      await world.clock.advance(100);
      expect(world.script.startsOf('a')).toEqual([0, 100]);
    });

    it('does not probe a removed check again, and drops the result of its run', async () => {
      world.script.play('a', { afterMs: 800, verdict: down });
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ id: 'a' }), aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await world.clock.advance(100);
      scheduler.set('one', [aCheck({ id: 'b', ip: '10.0.0.2' })]);
      await world.clock.advance(20 * SECOND);
      expect(world.script.startsOf('a')).toEqual([0]);
      expect(world.verdictsOf('a')).toEqual([]);
      expect(world.script.aborted).toBe(1);
      expect(world.verdictsOf('b')).toHaveLength(3);
    });

    it('stops all work of an owner whose list becomes empty', async () => {
      const scheduler = world.schedulerOf();
      scheduler.set('one', hosts(3, '1'));
      await world.clock.advance(0);
      scheduler.set('one', []);
      await world.clock.advance(60 * SECOND);
      expect(world.script.starts).toHaveLength(3);
      expect(scheduler.stats()).toEqual({ checks: 0, probes: 0, running: 0, waiting: 0 });
    });

    it('keeps separate results for two ports of one address, and for one address of two owners', async () => {
      world.script.play('10.0.0.1:2', down);
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ port: 1 }), aCheck({ port: 2 })]);
      scheduler.set('two', [aCheck({ port: 1 })]);
      await world.clock.advance(0);
      scheduler.remove('two');
      await world.clock.advance(10 * SECOND);
      const told = world.verdicts.map(({ owner, id, verdict }) => `${owner} ${id} ${verdict.kind}`);
      expect(told.toSorted()).toEqual([
        'one 10.0.0.1:1 up',
        'one 10.0.0.1:1 up',
        'one 10.0.0.1:2 down',
        'one 10.0.0.1:2 down',
        'two 10.0.0.1:1 up',
      ]);
    });
  });

  describe('handlers', () => {
    const pem = 'x'.repeat(64).concat('\n').repeat(4_000);
    const credentials = { username: 'probe', password: 'secret' };
    const login = (over: object = {}): Check['handler'] => ({
      kind: 'postgres',
      sslMode: 'verify-full',
      saturatedIs: 'down',
      tls: { ca: `${pem}${'y'.repeat(3)}` },
      credentials: { ...credentials },
      ...over,
    });

    it('of equal content are one probe and one object, whichever backend has them', async () => {
      const asked: unknown[] = [];
      const probe: ProbeSchedulerOptions['probe'] = ({ handler }) => {
        asked.push(handler);
        return Promise.resolve(up);
      };
      const scheduler = world.schedulerOf({ probe });
      scheduler.set('one', [aCheck({ handler: login() }), aCheck({ ip: '10.0.0.2', handler: login() })]);
      scheduler.set('two', [aCheck({ handler: login() })]);
      await world.clock.advance(0);
      scheduler.set('one', [aCheck({ handler: login() }), aCheck({ ip: '10.0.0.3', handler: login() })]);
      await world.clock.advance(SECOND);
      expect(asked).toHaveLength(3);
      expect(new Set(asked).size).toBe(1);
      expect(scheduler.stats()).toMatchObject({ checks: 3, probes: 2 });
    });

    it.each<[string, object]>([
      ['password', { credentials: { ...credentials, password: 'Secret' } }],
      ['authority', { tls: { ca: `${pem}${'z'.repeat(3)}` } }],
      [
        'byte in the middle of an authority',
        { tls: { ca: `${pem.slice(0, 9_999)}z${pem.slice(10_000)}yyy` } },
      ],
      ['mode', { sslMode: 'verify-ca' }],
    ])('that differ in the %s are different probes', async (_, over) => {
      const scheduler = world.schedulerOf();
      scheduler.set('one', [aCheck({ handler: login() })]);
      await world.clock.advance(100);
      scheduler.set('two', [aCheck({ handler: login(over) })]);
      expect(scheduler.stats()).toMatchObject({ checks: 2, probes: 2 });
      scheduler.set('one', [aCheck({ handler: login(over) })]);
      expect(scheduler.stats()).toMatchObject({ checks: 2, probes: 1 });
    });
  });
});
