import { group } from '../api/external-backend.ts';
import type { KubeObject } from '../core/objects.ts';
import type { BackendEvent, Clock, EventSink, Logger, Random, Timer } from '../engine/ports.ts';
import type { KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import { lanes } from './lanes.ts';
import { microTime } from './micro-time.ts';
import { pathOf, resources } from './resources.ts';
import { TokenBucket } from './token-bucket.ts';

export interface EventWriterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Which replica says so: the pod's name. */
  readonly instance: string;
  /** One event was written, or given up: the queue was full, or the API server refused it. */
  readonly onEvent?: (result: 'written' | 'dropped' | 'failed') => void;
}

/** One Event object: the first sight and its repeats. */
interface Series {
  readonly key: string;
  readonly backend: string;
  readonly namespace: string;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  count: number;
  /** What the API server knows of; 0: the object is not there. */
  written: number;
  lastAt: number;
  lastWall: number;
  queued: boolean;
}

/** A repeat within this time is the same series (the length of client-go's). */
const seriesMs = 6 * 60_000;
const maxQueued = 1_000;
/**
 * client-go drops what exceeds 25 and then one in 5 minutes. Transitions are what people look for here, so they wait
 * rather than vanish: a backend may write 25 at once and then one each 10 s, all backends together 100 and then 50/s.
 * A target that flaps is one series, whose waiting repeats are written as one.
 */
const perBackend = { burst: 25, periodMs: 10_000 };
const overall = { burst: 100, periodMs: 20 };
const maxNoteBytes = 1_024;
const maxInstanceChars = 128;

/** Writes Events of `events.k8s.io/v1` in the background. */
export class EventWriter implements EventSink {
  readonly #options: EventWriterOptions;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();
  #queue: Series[] = [];
  #overall: TokenBucket | undefined;
  #timer: Timer | undefined;
  #serial = 0;
  #tidiedAt = 0;
  #stopped = false;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  record(backend: KubeObject, event: BackendEvent): void {
    if (this.#stopped) return;
    const now = this.#options.clock.now();
    this.#tidy(now);
    const key = [backend.metadata.uid, event.type, event.reason, event.action, event.note].join('\n');
    const known = this.#series.get(key);
    const repeats = known !== undefined && now - known.lastAt < seriesMs;
    const series = repeats ? known : this.#begin(key, backend, event);
    series.count += 1;
    series.lastAt = now;
    series.lastWall = this.#options.clock.wall();
    this.#enqueue(series);
  }

  /** Drops what waits; what is under way ends by itself. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#queue = [];
  }

  #begin(key: string, backend: KubeObject, event: BackendEvent): Series {
    const { namespace } = backend.metadata;
    const name = this.#nameFor(backend.metadata.name);
    const series: Series = {
      key,
      backend: `${namespace}/${backend.metadata.name}`,
      namespace,
      name,
      body: this.#bodyFor(name, backend, event),
      count: 0,
      written: 0,
      lastAt: 0,
      lastWall: 0,
      queued: false,
    };
    this.#series.set(key, series);
    return series;
  }

  /** As client-go's: the object's name, then something that no other event has. */
  #nameFor(backend: string): string {
    const { clock, random } = this.#options;
    this.#serial += 1;
    const salt = Math.floor(random() * 0x1_0000_0000);
    const tail = [clock.wall(), salt, this.#serial].map((part) => part.toString(16)).join('');
    return `${backend.slice(0, 200)}.${tail}`;
  }

  #bodyFor(name: string, backend: KubeObject, event: BackendEvent): Readonly<Record<string, unknown>> {
    const { namespace, uid } = backend.metadata;
    return {
      apiVersion: resources.Event.apiVersion,
      kind: resources.Event.kind,
      metadata: { name, namespace },
      eventTime: microTime(this.#options.clock.wall()),
      reportingController: `${group}/operator`,
      reportingInstance: this.#options.instance.slice(0, maxInstanceChars),
      type: event.type,
      reason: event.reason,
      action: event.action,
      note: cut(event.note),
      regarding: {
        apiVersion: backend.apiVersion,
        kind: backend.kind,
        namespace,
        name: backend.metadata.name,
        uid,
      },
    };
  }

  #enqueue(series: Series): void {
    if (series.queued) return;
    if (this.#queue.length >= maxQueued) {
      this.#options.onEvent?.('dropped');
      return;
    }
    series.queued = true;
    this.#queue.push(series);
    this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#pump();
    });
  }

  /** Sends what has tokens, oldest first; the rest waits for the earliest token. */
  #pump(): void {
    const now = this.#options.clock.now();
    const waiting: Series[] = [];
    let soonestMs = Infinity;
    for (const series of this.#queue) {
      const waitMs = this.#waitMs(series, now);
      if (waitMs === 0) void this.#send(series);
      else waiting.push(series);
      soonestMs = Math.min(soonestMs, waitMs === 0 ? Infinity : waitMs);
    }
    this.#queue = waiting;
    if (waiting.length > 0) this.#schedule(soonestMs);
  }

  /** Takes a token of both buckets when both have one. */
  #waitMs(series: Series, now: number): number {
    const all = (this.#overall ??= new TokenBucket(overall.burst, overall.periodMs, now));
    const own =
      this.#buckets.get(series.backend) ?? new TokenBucket(perBackend.burst, perBackend.periodMs, now);
    this.#buckets.set(series.backend, own);
    const waitMs = Math.max(all.waitMs(now), own.waitMs(now));
    if (waitMs > 0) return waitMs;
    all.take();
    own.take();
    return 0;
  }

  /** Never rejects. */
  async #send(series: Series): Promise<void> {
    const { count } = series;
    try {
      if (series.written === 0) await this.#create(series);
      else await this.#repeat(series);
      series.written = count;
      this.#options.onEvent?.('written');
    } catch (error) {
      this.#options.logger.warn('An event was not written', { backend: series.backend, error });
      this.#options.onEvent?.('failed');
    } finally {
      series.queued = false;
    }
    if (series.written > 0 && series.count > series.written && !this.#stopped) this.#enqueue(series);
  }

  async #create(series: Series): Promise<void> {
    const body = series.count > 1 ? { ...series.body, series: seriesOf(series) } : series.body;
    const { client } = this.#options;
    const path = pathOf(resources.Event, series.namespace);
    await client.request({ verb: 'create', resource: 'events', path, body, lane: lanes.event });
  }

  async #repeat(series: Series): Promise<void> {
    try {
      await this.#options.client.request({
        verb: 'patch',
        resource: 'events',
        name: series.name,
        path: pathOf(resources.Event, series.namespace, series.name),
        contentType: 'application/merge-patch+json',
        body: { series: seriesOf(series) },
        lane: lanes.event,
      });
    } catch (error) {
      // The API server keeps events for an hour, or somebody deleted it.
      if (!hasStatus(error, 404)) throw error;
      await this.#create(series);
    }
  }

  #tidy(now: number): void {
    if (now - this.#tidiedAt < 60_000) return;
    this.#tidiedAt = now;
    for (const series of this.#series.values()) {
      if (!series.queued && now - series.lastAt >= seriesMs) this.#series.delete(series.key);
    }
    for (const [backend, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(backend);
  }
}

/** The API server wants a count of two at least. */
function seriesOf({ count, lastWall }: Series): Readonly<Record<string, unknown>> {
  return { count, lastObservedTime: microTime(lastWall) };
}

/** At most 1,024 bytes, and no half character. */
function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= maxNoteBytes) return note;
  return `${new TextDecoder().decode(bytes.subarray(0, maxNoteBytes - 6)).replace(/\uFFFD$/u, '')}…`;
}
