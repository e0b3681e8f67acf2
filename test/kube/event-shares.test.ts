import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/core/kubernetes/objects.ts';
import type { ApiRequest } from '../../src/kube/client/client.ts';
import { EventWriter } from '../../src/kube/events/event-writer.ts';
import type { EventResult } from '../../src/core/events/backend-event.ts';
import { SeriesCache } from '../../src/kube/events/series-cache.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';
import { silentLogger } from '../support/fakes/silent-logger.ts';

const SECOND = 1_000;

const backendIn = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'externalbackend.io/v1alpha1',
  kind: 'ExternalBackend',
  metadata: { namespace, name, uid: `${namespace}-${name}`, resourceVersion: '1' },
});

const eventOf = (about: string) =>
  ({
    type: 'Warning',
    reason: 'Refused',
    action: 'Unpublish',
    about,
    note: `${about} is unhealthy`,
  }) as const;

interface Greed {
  readonly backends: number;
  /** Addresses of each that flip once a second. */
  readonly addresses: number;
  /** How long the API server takes for an Event of the greedy namespace. */
  readonly answersAfterMs?: number;
}

/**
 * Six minutes in which a modest namespace records one Event each 10 s, half a second after the greedy one its many.
 * Returns when each was written, in milliseconds after it was recorded.
 */
async function delaysBeside({ backends, addresses, answersAfterMs = 0 }: Greed) {
  const clock = new ManualClock();
  const written: { readonly namespace: string; readonly note: string; readonly at: number }[] = [];
  const results: Record<EventResult, number> = { written: 0, dropped: 0, failed: 0 };
  const request = async ({ body }: ApiRequest): Promise<unknown> => {
    const { metadata, note } = body as { metadata?: { namespace: string }; note?: string };
    if (metadata === undefined || note === undefined) return {};
    written.push({ namespace: metadata.namespace, note, at: clock.now() });
    if (metadata.namespace === 'greedy' && answersAfterMs > 0)
      await new Promise<void>((resolve) => clock.after(answersAfterMs, resolve));
    return {};
  };
  const writer = new EventWriter({
    ...{ client: { request }, clock, random: () => 0.5, logger: silentLogger, instance: 'operator-0' },
    observer: { eventRecorded: (result) => (results[result] += 1) },
  });
  const recorded = new Map<string, number>();
  for (let second = 0; second < 360; second += 1) {
    for (let b = 0; b < backends; b += 1)
      for (let i = 0; i < addresses; i += 1)
        writer.record(backendIn('greedy', `b${b}`), eventOf(`192.0.2.${i}:${second}`));
    await clock.advance(SECOND / 2);
    if (second % 10 === 5) {
      const event = eventOf(`10.0.0.${second}:5432`);
      recorded.set(event.note, clock.now());
      writer.record(backendIn('modest', 'db'), event);
    }
    await clock.advance(SECOND / 2);
  }
  await clock.advance(10 * SECOND);
  const delays = [...recorded].map(([note, at]) => {
    const event = written.find((each) => each.namespace === 'modest' && each.note === note);
    return (event?.at ?? Infinity) - at;
  });
  writer.stop();
  return { delays, results, all: written.length };
}

describe('Events of a modest namespace', () => {
  it('are written at once, alone', async () => {
    const { delays } = await delaysBeside({ backends: 0, addresses: 0 });
    expect([delays.length, Math.max(...delays)]).toEqual([36, 0]);
  });

  it.each<readonly [string, Greed]>([
    ['a backend of which 512 addresses flip each second', { backends: 1, addresses: 512 }],
    ['60 backends of which five addresses flip each second', { backends: 60, addresses: 5 }],
    [
      '50 backends whose Events the API server holds for 9 s each',
      { backends: 50, addresses: 5, answersAfterMs: 9 * SECOND },
    ],
  ])('are all written within one turn next to %s', async (_, greed) => {
    const { delays, results } = await delaysBeside(greed);
    expect(delays).toHaveLength(36);
    // One Event of the greedy namespace goes first, at 50 a second.
    expect(Math.max(...delays)).toBeLessThanOrEqual(40);
    expect(results.dropped).toBeGreaterThan(10_000);
  });
});

describe('the cached series', () => {
  const cacheOf = (max: number) => {
    const clock = new ManualClock();
    return { clock, cache: new SeriesCache({ clock, random: () => 0.5, instance: 'operator-0', max }) };
  };

  it('do not exceed the maximum: the oldest one of the namespace with most series is removed', () => {
    const { cache } = cacheOf(100);
    const modest = cache.count(backendIn('modest', 'db'), eventOf('10.0.0.1:5432'));
    const first = cache.count(backendIn('greedy', 'b'), eventOf('192.0.2.0:1'));
    for (let i = 1; i < 10_000; i += 1) cache.count(backendIn('greedy', 'b'), eventOf(`192.0.2.0:${i + 1}`));
    expect(cache.size).toBe(100);
    expect([cache.isCurrent(modest), cache.isCurrent(first)]).toEqual([true, false]);
    expect(cache.count(backendIn('modest', 'db'), eventOf('10.0.0.1:5432'))).toBe(modest);
  });

  it('do not contain Events that were dropped before they were written', async () => {
    const clock = new ManualClock();
    const never = () => new Promise<unknown>(() => undefined);
    let dropped = 0;
    const writer = new EventWriter({
      ...{
        client: { request: never },
        clock,
        random: () => 0.5,
        logger: silentLogger,
        instance: 'operator-0',
      },
      observer: { eventRecorded: (result) => (dropped += result === 'dropped' ? 1 : 0) },
    });
    for (let i = 0; i < 20_000; i += 1) writer.record(backendIn('greedy', 'b'), eventOf(`192.0.2.1:${i}`));
    await clock.advance(0);
    expect(dropped).toBe(20_000 - 25);
    expect(writer.stats()).toEqual({ waiting: 18, inFlight: 7, series: 25 });
    writer.stop();
    expect(writer.stats().series).toBe(0);
  });
});
