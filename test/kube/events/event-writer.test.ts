import { describe, expect, it } from '@jest/globals';
import { OperatorError, type OperatorErrorOptions } from '../../../src/core/errors.ts';
import type { BackendEvent } from '../../../src/core/events/backend-event.ts';
import type { ApiRequest } from '../../../src/kube/client/client.ts';
import { EventWriter } from '../../../src/kube/events/event-writer.ts';
import { aStoredBackend } from '../../support/builders/builders.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';

interface Stored {
  readonly metadata: { readonly name: string };
  readonly regarding: { readonly name: string };
  readonly eventTime: string;
  readonly note: string;
  readonly series?: { readonly count: number };
}

const unreachable = { kind: 'transient', reason: 'Unreachable' } as const;
const lost = { kind: 'transient', reason: 'ConnectionLost' } as const;
const answered = (status: number, reason: OperatorErrorOptions['reason']) =>
  ({ kind: 'transient', reason, status }) as const;

/** An EventWriter, and an API server that keeps Events, or fails in a way that a test sets. */
class World {
  readonly clock = new ManualClock();
  readonly stored = new Map<string, Stored>();
  readonly results = { written: 0, dropped: 0, failed: 0 };
  readonly warnings: string[] = [];
  tries = 0;
  failure: ((ask: ApiRequest) => OperatorErrorOptions | undefined) | undefined;
  /** The write is done, and its answer gets lost. */
  losesAnswers = false;
  readonly writer = new EventWriter({
    client: { request: (ask) => this.#request(ask) },
    clock: this.clock,
    random: () => 0.5,
    instance: 'operator-0',
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (message) => void this.warnings.push(message),
      error: () => undefined,
    },
    observer: { eventRecorded: (result) => (this.results[result] += 1) },
  });

  record(name: string, note: string, more: Partial<BackendEvent> = {}): void {
    const event = { type: 'Warning', reason: 'Timeout', action: 'Unpublish', note, ...more } as const;
    this.writer.record(aStoredBackend(undefined, { name }), event);
  }

  of = (name: string) => [...this.stored.values()].filter(({ regarding }) => regarding.name === name);
  notes = () => [...this.stored.values()].map(({ note }) => note);

  // eslint-disable-next-line @typescript-eslint/require-await
  async #request(ask: ApiRequest): Promise<unknown> {
    this.tries += 1;
    const failure = this.failure?.(ask);
    if (failure !== undefined) throw new OperatorError('no', failure);
    this.#store(ask);
    if (this.losesAnswers) throw new OperatorError('reset', lost);
    return {};
  }

  #store({ verb, name = '', body }: ApiRequest): void {
    if (verb === 'create') {
      const event = body as Stored;
      if (this.stored.has(event.metadata.name))
        throw new OperatorError('there', answered(409, 'AlreadyExists'));
      this.stored.set(event.metadata.name, event);
      return;
    }
    const before = this.stored.get(name);
    if (before === undefined) throw new OperatorError('gone', answered(404, 'NotFound'));
    this.stored.set(name, { ...before, ...(body as Partial<Stored>) });
  }
}

describe('the Events of a common outage', () => {
  it('of every backend are written within a minute, however many one of them has', async () => {
    const world = new World();
    for (let at = 0; at < 1_500; at += 1) world.record('big', `address ${at}`);
    for (let at = 0; at < 50; at += 1) world.record(`db-${at}`, 'its address');
    await world.clock.advance(60_000);
    for (let at = 0; at < 50; at += 1) expect(world.of(`db-${at}`)).toHaveLength(1);
    expect(world.of('big').length).toBeGreaterThanOrEqual(25);
  });

  it('of one backend are written as far as they are the newest, and the dropped ones are counted', async () => {
    const world = new World();
    for (let at = 0; at < 100; at += 1) world.record('big', `address ${at}`);
    await world.clock.advance(10 * 60_000);
    expect(world.notes()).toEqual(Array.from({ length: 25 }, (_, at) => `address ${75 + at}`));
    expect(world.results).toEqual({ written: 25, dropped: 75, failed: 0 });
  });

  it('of ten thousand backends are at most 5,000 in memory', async () => {
    const world = new World();
    for (let at = 0; at < 10_000; at += 1) world.record(`db-${at}`, 'its address');
    await world.clock.advance(10 * 60_000);
    expect(world.results).toEqual({ written: 5_000, dropped: 5_000, failed: 0 });
  });
});

describe('an Event of one backend', () => {
  it('does not wait for another backend that has used up its limit', async () => {
    const world = new World();
    for (let i = 0; i < 25; i += 1) world.record('noisy', `${i}`);
    await world.clock.advance(500);
    world.record('noisy', 'one more');
    await world.clock.advance(500);
    world.record('quiet', 'at once');
    await world.clock.advance(100);
    expect(world.of('quiet')).toHaveLength(1);
    await world.clock.advance(10_000);
    expect(world.notes()).toContain('one more');
  });

  it('does not wait for backends whose Events fail because of a webhook', async () => {
    const world = new World();
    world.failure = ({ body }) =>
      (body as Stored).regarding.name.startsWith('bad') ? answered(500, 'InternalError') : undefined;
    for (let i = 0; i < 500; i += 1) world.record(`bad-${i % 20}`, `${i}`);
    for (let i = 0; i < 50; i += 1) world.record(`good-${i}`, 'is unhealthy');
    await world.clock.advance(20_000);
    expect(world.notes().filter((note) => note === 'is unhealthy')).toHaveLength(50);
  });
});

describe('an API server that does not answer', () => {
  it.each([
    ['is out of reach', unreachable],
    ['loses connections', lost],
    ['is overloaded', answered(429, 'TooManyRequests')],
    ['has no storage', answered(503, 'ServiceUnavailable')],
  ])('for a while loses no Event, if it %s', async (_, failure) => {
    const world = new World();
    world.failure = () => failure;
    world.record('db', 'is unhealthy');
    await world.clock.advance(5_000);
    expect(world.results).toEqual({ written: 0, dropped: 0, failed: 0 });
    world.failure = undefined;
    await world.clock.advance(60_000);
    expect([world.notes(), world.results.written]).toEqual([['is unhealthy'], 1]);
  });

  it('gets one Event at a time as a trial, less and less often, and is logged once', async () => {
    const world = new World();
    world.failure = () => unreachable;
    for (let at = 0; at < 200; at += 1) world.record(`db-${at}`, 'is unhealthy');
    await world.clock.advance(5 * 60_000);
    expect(world.tries).toBeLessThan(30);
    expect(world.warnings).toHaveLength(1);
    world.failure = undefined;
    await world.clock.advance(60_000);
    expect(world.stored.size).toBe(200);
  });

  it('for longer than ten minutes causes older Events to be dropped, because they are out of date', async () => {
    const world = new World();
    world.failure = () => unreachable;
    world.record('db', 'is unhealthy');
    await world.clock.advance(15 * 60_000);
    world.record('db', 'is healthy again');
    world.failure = undefined;
    const wall = world.clock.wall();
    await world.clock.advance(60_000);
    expect(world.notes()).toEqual(['is healthy again']);
    expect(Date.parse([...world.stored.values()][0]?.eventTime ?? '')).toBe(wall);
    expect(world.results).toEqual({ written: 1, dropped: 1, failed: 0 });
  });

  it('but has created the Event gets no second one', async () => {
    const world = new World();
    world.losesAnswers = true;
    world.record('db', 'is unhealthy');
    await world.clock.advance(100);
    world.losesAnswers = false;
    await world.clock.advance(60_000);
    expect([world.stored.size, world.results.written]).toEqual([1, 1]);
  });

  it('keeps the time of the occurrence', async () => {
    const world = new World();
    world.failure = () => unreachable;
    const wall = world.clock.wall();
    world.record('db', 'is unhealthy');
    await world.clock.advance(120_000);
    world.failure = undefined;
    await world.clock.advance(60_000);
    expect(Date.parse([...world.stored.values()][0]?.eventTime ?? '')).toBe(wall);
  });
});

describe('an Event that the API server refuses', () => {
  it.each([
    [answered(403, 'Forbidden'), 1],
    [answered(422, 'Invalid'), 1],
    [answered(403, 'NamespaceTerminating'), 0],
    [answered(404, 'NotFound'), 0],
  ])('is counted and delays no other Event: %j, with %i lines in the log', async (failure, lines) => {
    const world = new World();
    world.failure = ({ body }) => ((body as Stored).note === 'bad' ? failure : undefined);
    world.record('db', 'bad');
    world.record('db', 'good');
    await world.clock.advance(1_000);
    expect([world.notes(), world.results]).toEqual([['good'], { written: 1, dropped: 0, failed: 1 }]);
    expect(world.warnings).toHaveLength(lines);
  });

  it('with an error of the server for it alone is given up after a while, and delays no other Event', async () => {
    const world = new World();
    world.failure = ({ body }) =>
      (body as Stored).note === 'bad' ? answered(500, 'InternalError') : undefined;
    world.record('a', 'bad');
    world.record('b', 'good');
    await world.clock.advance(5_000);
    expect(world.notes()).toEqual(['good']);
    await world.clock.advance(5 * 60_000);
    expect(world.results).toEqual({ written: 1, dropped: 0, failed: 1 });
  });
});

describe('a series', () => {
  it('is one Event per reason and address, whatever the note', async () => {
    const world = new World();
    for (let at = 0; at < 30; at += 1) {
      world.record('db', `no answer within ${at} ms`, { about: '10.20.0.11:5432' });
      await world.clock.advance(1_000);
    }
    await world.clock.advance(60_000);
    expect([...world.stored.values()]).toMatchObject([
      { note: 'no answer within 0 ms', series: { count: 30 } },
    ]);
  });

  it('is a new one for another address', async () => {
    const world = new World();
    for (const about of ['10.20.0.11:5432', '10.20.0.12:5432']) world.record('db', 'no answer', { about });
    await world.clock.advance(1_000);
    expect(world.stored.size).toBe(2);
  });
});

describe('the end of a term', () => {
  it('drops all waiting Events, because another replica leads', async () => {
    const world = new World();
    world.failure = () => unreachable;
    for (const name of ['a', 'b']) world.record(name, 'is unhealthy');
    await world.clock.advance(2_000);
    world.writer.clear();
    world.failure = undefined;
    await world.clock.advance(60_000);
    expect([world.stored.size, world.results.dropped]).toEqual([0, 2]);
    world.record('a', 'is healthy again');
    await world.clock.advance(60_000);
    expect(world.notes()).toEqual(['is healthy again']);
  });

  it('leaves nothing running once it is stopped', async () => {
    const world = new World();
    world.failure = () => unreachable;
    world.record('a', 'is unhealthy');
    await world.clock.advance(2_000);
    world.writer.stop();
    await world.clock.advance(60_000);
    expect(world.clock.armed).toBe(0);
  });
});
