import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { ApiRequest } from '../../../src/kube/client/client.ts';
import { SecretReader } from '../../../src/kube/secrets/secret-reader.ts';
import { ManualClock, settle } from '../../support/fakes/manual-clock.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const secret = (password: string) => ({ data: { username: base64('probe'), password: base64(password) } });
const failure = (status?: number) =>
  new OperatorError('it did not go well', {
    kind: 'transient',
    reason: 'InternalError',
    ...(status !== undefined && { status }),
  });

/** A reader, and an API server that answers what a test says. */
class World {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly news: string[][] = [];
  /** Answers by name; what is not there never comes. */
  readonly answers = new Map<string, unknown>();
  running = 0;
  peak = 0;
  readonly reader = new SecretReader({
    client: { request: (ask) => this.#answer(ask) },
    clock: this.clock,
    random: () => 0.5,
    onNews: (owners) => void this.news.push([...owners].toSorted()),
  });

  async follow(owner: string, ...names: readonly string[]): Promise<void> {
    this.reader.follow(owner, 'shop', names);
    await settle();
  }

  async #answer({ name = '', path, signal }: ApiRequest): Promise<unknown> {
    this.asked.push(path);
    this.running += 1;
    this.peak = Math.max(this.peak, this.running);
    try {
      if (!this.answers.has(name))
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(failure())));
      const answer = this.answers.get(name);
      await settle();
      if (answer instanceof Error) throw answer;
      return answer;
    } finally {
      this.running -= 1;
    }
  }

  state = () => this.reader.state('shop', 'login');
}

const path = '/api/v1/namespaces/shop/secrets/login';
const read = (password: string) => ({ data: { username: 'probe', password } });

async function followed(answer: unknown): Promise<World> {
  const world = new World();
  world.answers.set('login', answer);
  await world.follow('a', 'login');
  await world.clock.advance(1);
  return world;
}

describe('a Secret that is followed', () => {
  it('is read at once by its name, and its owner is notified', async () => {
    const world = await followed(secret('one'));
    expect(world.asked).toEqual([path]);
    expect(world.state()).toEqual(read('one'));
    expect(world.news).toEqual([['a']]);
  });

  it('has no state while it is being read', async () => {
    const world = new World();
    await world.follow('a', 'login');
    expect(world.state()).toBeUndefined();
    expect(world.news).toEqual([]);
  });

  it('is read again every 30 s, and equal data cause no notification', async () => {
    const world = await followed(secret('one'));
    await world.clock.advance(29_000);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(62_000);
    expect(world.asked).toHaveLength(4);
    expect(world.news).toHaveLength(1);
  });

  it('causes a notification when it has changed', async () => {
    const world = await followed(secret('one'));
    world.answers.set('login', secret('two'));
    await world.clock.advance(31_000);
    expect(world.state()).toEqual(read('two'));
    expect(world.news).toEqual([['a'], ['a']]);
  });

  it('causes no notification when its keys come in another order', async () => {
    const world = await followed(secret('one'));
    const { username, password } = secret('one').data;
    world.answers.set('login', { data: { password, username } });
    await world.clock.advance(31_000);
    expect(world.news).toHaveLength(1);
  });

  it('is read once for all its owners, and all are notified', async () => {
    const world = new World();
    world.answers.set('login', secret('one'));
    world.reader.follow('a', 'shop', ['login']);
    world.reader.follow('b', 'shop', ['login']);
    world.reader.follow('a', 'shop', ['login']);
    await world.clock.advance(1);
    expect(world.asked).toEqual([path]);
    expect(world.news).toEqual([['a', 'b']]);
  });

  it('is a different one in another namespace', async () => {
    const world = await followed(secret('one'));
    world.reader.follow('b', 'bank', ['login']);
    await world.clock.advance(1);
    expect(world.asked).toEqual([path, path.replace('shop', 'bank')]);
  });

  it('is not read any more after its last owner has left, and has no state then', async () => {
    const world = await followed(secret('one'));
    await world.follow('b', 'login');
    await world.follow('a');
    expect(world.state()).toEqual(read('one'));
    await world.follow('b', 'other');
    expect(world.state()).toBeUndefined();
    await world.clock.advance(100_000);
    expect(world.asked.filter((each) => each === path)).toHaveLength(1);
  });

  it('is never read twice at a time, even if it loses its owner and gets it again', async () => {
    const world = new World();
    await world.follow('a', 'login');
    await world.follow('a');
    await world.follow('a', 'login');
    await world.clock.advance(100_000);
    expect(world.running).toBe(1);
    expect(world.asked).toHaveLength(2);
  });

  it('is not read after the reader is closed', async () => {
    const world = await followed(secret('one'));
    world.reader.close();
    await world.follow('b', 'login');
    await world.clock.advance(100_000);
    expect(world.asked).toHaveLength(1);
    expect(world.clock.armed).toBe(0);
  });
});

describe('a Secret that cannot be read', () => {
  it.each([
    ['is not there', failure(404), 'it does not exist'],
    [
      'is forbidden',
      failure(403),
      'the operator may not read it; grant it the right to get Secrets in namespace shop (config/components/secrets)',
    ],
    ['gets no answer', failure(), 'it did not go well'],
    ['is answered with nonsense', { data: { password: 4711 } }, 'it could not be read'],
  ])('has the reason in its state: it %s', async (_, answer, error) => {
    const world = await followed(answer);
    expect(world.state()).toEqual({ error });
    expect(world.news).toEqual([['a']]);
  });

  it('is used once it can be read', async () => {
    const world = await followed(failure(404));
    world.answers.set('login', secret('one'));
    await world.clock.advance(33_000);
    expect(world.state()).toEqual(read('one'));
    expect(world.news).toHaveLength(2);
  });

  it('is read again soon at first, because it may be created right after its backend, and then like others', async () => {
    const world = await followed(failure(404));
    const asked: number[] = [];
    for (let second = 1; second <= 70; second++) {
      const before = world.asked.length;
      await world.clock.advance(1_000);
      if (world.asked.length > before) asked.push(second);
    }
    expect(asked).toEqual([1, 3, 7, 15, 31, 61]);
  });

  it('keeps its last data while the API server does not answer', async () => {
    const world = await followed(secret('one'));
    world.answers.set('login', failure());
    await world.clock.advance(100_000);
    expect(world.state()).toEqual(read('one'));
    expect(world.news).toHaveLength(1);
  });

  it('has no data when the API server reports that it does not exist', async () => {
    const world = await followed(secret('one'));
    world.answers.set('login', failure(404));
    await world.clock.advance(31_000);
    expect(world.state()).toEqual({ error: 'it does not exist' });
  });
});
