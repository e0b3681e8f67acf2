import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import type { Ask } from '../../src/kube/client.ts';
import { SecretReader } from '../../src/kube/secrets.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

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

  async #answer({ name = '', path, signal }: Ask): Promise<unknown> {
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
  it('is read at once, alone and by its name, and that is news to who follows it', async () => {
    const world = await followed(secret('one'));
    expect(world.asked).toEqual([path]);
    expect(world.state()).toEqual(read('one'));
    expect(world.news).toEqual([['a']]);
  });

  it('is not known while it is being read', async () => {
    const world = new World();
    await world.follow('a', 'login');
    expect(world.state()).toBeUndefined();
    expect(world.news).toEqual([]);
  });

  it('is read again every 30 s, and the same again is no news', async () => {
    const world = await followed(secret('one'));
    await world.clock.advance(29_000);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(62_000);
    expect(world.asked).toHaveLength(4);
    expect(world.news).toHaveLength(1);
  });

  it('is news when it has changed', async () => {
    const world = await followed(secret('one'));
    world.answers.set('login', secret('two'));
    await world.clock.advance(31_000);
    expect(world.state()).toEqual(read('two'));
    expect(world.news).toEqual([['a'], ['a']]);
  });

  it('is not news when the server tells its keys in another order', async () => {
    const world = await followed(secret('one'));
    const { username, password } = secret('one').data;
    world.answers.set('login', { data: { password, username } });
    await world.clock.advance(31_000);
    expect(world.news).toHaveLength(1);
  });

  it('is read once, whoever follows it, and is news to all', async () => {
    const world = new World();
    world.answers.set('login', secret('one'));
    world.reader.follow('a', 'shop', ['login']);
    world.reader.follow('b', 'shop', ['login']);
    world.reader.follow('a', 'shop', ['login']);
    await world.clock.advance(1);
    expect(world.asked).toEqual([path]);
    expect(world.news).toEqual([['a', 'b']]);
  });

  it('is another one in another namespace', async () => {
    const world = await followed(secret('one'));
    world.reader.follow('b', 'bank', ['login']);
    await world.clock.advance(1);
    expect(world.asked).toEqual([path, path.replace('shop', 'bank')]);
  });

  it('is read no more when the last owner forgets it, and nothing is known of it then', async () => {
    const world = await followed(secret('one'));
    await world.follow('b', 'login');
    await world.follow('a');
    expect(world.state()).toEqual(read('one'));
    await world.follow('b', 'other');
    expect(world.state()).toBeUndefined();
    await world.clock.advance(100_000);
    expect(world.asked.filter((each) => each === path)).toHaveLength(1);
  });

  it('is never asked for twice at a time, also when it is forgotten and followed again', async () => {
    const world = new World();
    await world.follow('a', 'login');
    await world.follow('a');
    await world.follow('a', 'login');
    await world.clock.advance(100_000);
    expect(world.running).toBe(1);
    expect(world.asked).toHaveLength(2);
  });

  it('is not read after the end', async () => {
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
    ['is not there', failure(404), 'there is no such Secret'],
    [
      'is forbidden',
      failure(403),
      'the operator may not read it: it needs the permission to get secrets in namespace shop (config/components/secrets)',
    ],
    ['gets no answer', failure(), 'it did not go well'],
    ['is answered with nonsense', { data: { password: 4711 } }, 'it could not be read'],
  ])('says why: it %s', async (_, answer, error) => {
    const world = await followed(answer);
    expect(world.state()).toEqual({ error });
    expect(world.news).toEqual([['a']]);
  });

  it('is taken up once it can be', async () => {
    const world = await followed(failure(404));
    world.answers.set('login', secret('one'));
    await world.clock.advance(33_000);
    expect(world.state()).toEqual(read('one'));
    expect(world.news).toHaveLength(2);
  });

  it('is asked for sooner at first, for it may come right behind what names it, and then as others are', async () => {
    const world = await followed(failure(404));
    const asked: number[] = [];
    for (let second = 1; second <= 70; second++) {
      const before = world.asked.length;
      await world.clock.advance(1_000);
      if (world.asked.length > before) asked.push(second);
    }
    expect(asked).toEqual([1, 3, 7, 15, 31, 61]);
  });

  it('keeps what was read before while the API server does not answer', async () => {
    const world = await followed(secret('one'));
    world.answers.set('login', failure());
    await world.clock.advance(100_000);
    expect(world.state()).toEqual(read('one'));
    expect(world.news).toHaveLength(1);
  });

  it('is gone when the API server says so', async () => {
    const world = await followed(secret('one'));
    world.answers.set('login', failure(404));
    await world.clock.advance(31_000);
    expect(world.state()).toEqual({ error: 'there is no such Secret' });
  });
});
