import { describe, expect, it } from '@jest/globals';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { ApiRequest } from '../../../src/kube/client/client.ts';
import { KubeWriter } from '../../../src/kube/write/writer.ts';
import { aSlice, namespace } from '../../support/builders/builders.ts';
import { settle } from '../../support/fakes/manual-clock.ts';
import { failureOf } from '../support/connect.ts';

const conflict = new OperatorError('not now', { kind: 'transient', reason: 'Conflict', status: 409 });

interface Sent {
  readonly what: string;
  readonly ask: ApiRequest;
  readonly answer: (answer: unknown) => Promise<void>;
  readonly refuse: (error: OperatorError) => Promise<void>;
}

/** A writer, and an API server that answers a request when the test says so. */
class World {
  readonly sent: Sent[] = [];
  term = 1;
  /** What becomes of the question whether the API server answers. */
  confirmed = Promise.resolve();
  /** `put ExternalBackend own`: what the view was given, and whether its owner need not hear of it. */
  readonly view: string[] = [];
  readonly #sink =
    (what: string) =>
    (kind: string, _namespace: string, ...rest: unknown[]) =>
      void this.view.push(`${what} ${kind} ${rest.at(-1) === true ? 'own' : 'of others'}`);
  readonly writer = new KubeWriter({
    client: { request: (ask) => this.#request(ask) },
    cache: { put: this.#sink('put'), putRead: this.#sink('found'), remove: this.#sink('remove') },
    mayWrite: () => true,
    term: () => this.term,
    confirm: () => this.confirmed,
  });

  /** How the action ends, once it has. */
  async perform(action: Action, patience = new AbortController()) {
    const world = { patience, ended: undefined as string | undefined };
    this.writer.perform(action, patience.signal).then(
      () => (world.ended = 'done'),
      (error: unknown) => (world.ended = error instanceof OperatorError ? error.reason : String(error)),
    );
    await settle();
    return world;
  }

  requests = () => this.sent.map(({ what }) => what);

  last(): Sent {
    const last = this.sent.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    return last;
  }

  #request(ask: ApiRequest): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const what = `${ask.verb} ${ask.resource}`;
    this.sent.push({
      what,
      ask,
      answer: (answer) => (resolve(answer), settle()),
      refuse: (error) => (reject(error), settle()),
    });
    return promise;
  }
}

const status = (summary: string, name = 'db'): Action => ({
  op: 'status',
  ref: { kind: 'ExternalBackend', namespace, name, uid: 'uid' },
  status: { summary },
});
const update: Action = { op: 'update', object: aSlice(['10.20.0.11']) };
const abort = async ({ patience }: { readonly patience: AbortController }) => {
  patience.abort();
  await settle();
};

describe('a write that is in flight when a newer change comes', () => {
  it('goes on without its caller, and its answer is a change that is reported to the owner', async () => {
    const world = new World();
    const first = await world.perform(status('1/3'));
    await abort(first);
    expect(first.ended).toBe('Superseded');
    await world.last().answer({});
    expect(world.view).toEqual(['put ExternalBackend of others']);
  });

  it('is reported as the own change of its caller, if that has waited for it', async () => {
    const world = new World();
    const first = await world.perform(status('1/3'));
    await world.last().answer({});
    expect([first.ended, ...world.view]).toEqual(['done', 'put ExternalBackend own']);
  });

  it('ends before the next one of the same object begins, and delays no other object', async () => {
    const world = new World();
    const first = await world.perform(status('1/3'));
    await abort(first);
    const second = await world.perform(status('2/3'));
    const other = await world.perform(status('1/1', 'other'));
    expect(world.requests()).toHaveLength(2);
    await world.last().answer({});
    expect([second.ended, other.ended]).toEqual([undefined, 'done']);
    await world.sent[0]?.answer({});
    expect(world.requests()).toHaveLength(3);
    await world.last().answer({});
    expect(second.ended).toBe('done');
  });

  it('is never executed after a newer one: a write that was given up before its turn is not sent', async () => {
    const world = new World();
    const first = await world.perform(status('1/3'));
    await abort(first);
    const second = await world.perform(status('2/3'));
    await abort(second);
    const third = await world.perform(status('3/3'));
    await world.sent[0]?.refuse(conflict);
    // The refused one reads what is there, and the third has its turn.
    const written = world.requests().filter((what) => what.startsWith('patch'));
    expect(written).toHaveLength(2);
    expect(world.last().ask.body).toMatchObject([{}, { value: { summary: '3/3' } }]);
    await world.last().answer({});
    expect([second.ended, third.ended]).toEqual(['Superseded', 'done']);
  });

  it('keeps its caller waiting if it is of a slice', async () => {
    const world = new World();
    const first = await world.perform(update);
    await abort(first);
    expect(first.ended).toBeUndefined();
    await world.last().answer(aSlice(['10.20.0.11']));
    expect([first.ended, ...world.view]).toEqual(['done', 'put EndpointSlice own']);
  });

  it('does not wait for the read after a conflict, even of a slice, and the view gets the object later', async () => {
    const world = new World();
    const first = await world.perform(update);
    await world.last().refuse(conflict);
    expect(world.requests()).toEqual(['update endpointslices', 'get endpointslices']);
    await abort(first);
    expect(first.ended).toBe('Superseded');
    await world.last().answer(aSlice(['10.20.0.11']));
    expect(world.view).toEqual(['found EndpointSlice of others']);
  });

  it('begins even in a reconcile that was preempted before, so that a backend with constant changes makes progress', async () => {
    const world = new World();
    const patience = new AbortController();
    patience.abort();
    const first = await world.perform(status('1/3'), patience);
    expect([first.ended, ...world.requests()]).toEqual(['Superseded', 'patch externalbackends/status']);
  });

  it('ends as superseded, with a retry at once', async () => {
    const world = new World();
    const patience = new AbortController();
    const failure = failureOf(world.writer.perform(status('1/3'), patience.signal));
    patience.abort();
    expect(await failure).toMatchObject({ kind: 'waiting', reason: 'Superseded', afterMs: 0 });
  });
});

describe('a write', () => {
  it('is sent only in the term in which it began, even after a wait for another attempt', async () => {
    const world = new World();
    await world.perform(update);
    const { guard } = world.last().ask;
    await guard?.();
    world.term = 2;
    expect(await failureOf(Promise.resolve(guard?.()))).toMatchObject({
      kind: 'waiting',
      reason: 'NotLeader',
    });
  });

  it('is not sent while the API server does not answer', async () => {
    const world = new World();
    const unanswered = new OperatorError('no', { kind: 'transient', reason: 'DeadlineExceeded' });
    await world.perform(update);
    world.confirmed = Promise.reject(unanswered);
    await expect(Promise.resolve(world.last().ask.guard?.())).rejects.toBe(unanswered);
  });
});

describe('the create of a slice of a Service with one server at a time', () => {
  const created: Action = { op: 'create', emptyFirst: true, object: aSlice(['10.20.0.11']) };
  const stored = { kind: 'EndpointSlice', metadata: { name: 'db', uid: 'u1', resourceVersion: '7' } };

  it('has no endpoints, and an update with its uid and version adds them', async () => {
    const world = new World();
    const first = await world.perform(created);
    expect(world.last().ask.body).toMatchObject({ endpoints: [] });
    await world.last().answer(stored);
    expect(world.requests()).toEqual(['create endpointslices', 'update endpointslices']);
    expect(world.last().ask.body).toMatchObject({
      metadata: { uid: 'u1', resourceVersion: '7' },
      endpoints: [{ addresses: ['10.20.0.11'] }],
    });
    await world.last().answer(aSlice(['10.20.0.11']));
    expect(first.ended).toBe('done');
  });

  it('adds no endpoints after the end of its term', async () => {
    const world = new World();
    await world.perform(created);
    world.term = 2;
    await world.last().answer(stored);
    expect(await failureOf(Promise.resolve(world.last().ask.guard?.()))).toMatchObject({
      reason: 'NotLeader',
    });
  });
});
