import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { SoleLeader } from '../../../src/kube/election/sole-leader.ts';
import { Terms } from '../../../src/kube/election/terms.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { failureOf } from '../support/connect.ts';

/** A leader, and an API server that answers each beat after `answerMs`; undefined: it is cut off. */
class World {
  readonly clock = new ManualClock();
  readonly hooks: string[] = [];
  answerMs: number | undefined = 1;
  /** Beats that wait in a socket, and arrive once the cut is over. */
  readonly #waiting: (() => void)[] = [];
  readonly terms: Terms = new Terms({
    clock: this.clock,
    beat: () => this.#beat(),
    elect: (hooks) => new SoleLeader(hooks),
    onStartedLeading: () => this.hooks.push(`${this.clock.now()} started`),
    onStoppedLeading: (reason) => this.hooks.push(`${this.clock.now()} ${reason}`),
  });

  restore(): void {
    this.answerMs = 1;
    for (const arrive of this.#waiting.splice(0)) arrive();
  }

  #beat(): Promise<void> {
    const sentAt = this.clock.now();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const answered = () => {
      this.terms.answered(sentAt);
      resolve(undefined);
    };
    const error = new OperatorError('too late', { kind: 'transient', reason: 'DeadlineExceeded' });
    this.clock.after(2_000, () => reject(error));
    if (this.answerMs === undefined) this.#waiting.push(answered);
    else this.clock.after(this.answerMs, answered);
    return promise;
  }
}

async function leading(): Promise<World> {
  const world = new World();
  world.terms.start();
  await world.clock.advance(10_000);
  expect(world.hooks).toEqual(['0 started']);
  return world;
}

describe('a term of a leader', () => {
  it.each([2_100, 3_500, 5_000, 9_000, 60_000])(
    'ends within 2 s of a cut of %d ms, and one begins after it',
    async (cutMs) => {
      const world = await leading();
      world.answerMs = undefined;
      await world.clock.advance(2_000);
      expect(world.terms.isLeader()).toBe(false);
      await world.clock.advance(cutMs - 2_000);
      expect(world.hooks.slice(1).map((hook) => hook.split(' ')[1])).toEqual(['Interrupted']);
      world.restore();
      await world.clock.advance(2_000);
      expect(world.hooks.slice(1).map((hook) => hook.split(' ')[1])).toEqual(['Interrupted', 'started']);
      await world.clock.advance(60_000);
      expect([world.hooks.length, world.terms.isLeader(), world.terms.number]).toEqual([3, true, 2]);
    },
  );

  it('goes on if single answers are slow, or all are a little slow', async () => {
    const world = await leading();
    for (let i = 0; i < 20; i++) {
      world.answerMs = 1_900;
      await world.clock.advance(1_000);
      world.answerMs = 1;
      await world.clock.advance(2_000);
    }
    world.answerMs = 900;
    await world.clock.advance(60_000);
    expect(world.hooks).toEqual(['0 started']);
  });

  it.each([1_600, 2_500, 4_000])(
    'goes on after %d ms in which this process did not run, and ends where nothing is answered since',
    async (stallMs) => {
      const world = await leading();
      world.clock.jump(stallMs);
      await world.clock.advance(60_000);
      expect(world.hooks).toEqual(['0 started']);
      world.answerMs = undefined;
      world.clock.jump(stallMs);
      await world.clock.advance(2_500);
      expect(world.hooks.slice(1).map((hook) => hook.split(' ')[1])).toEqual(['Interrupted']);
    },
  );

  it('does not begin with an answer that took seconds', async () => {
    const world = await leading();
    world.answerMs = undefined;
    await world.clock.advance(5_000);
    world.answerMs = 1_500;
    await world.clock.advance(60_000);
    expect(world.terms.isLeader()).toBe(false);
  });

  it('ends for good with the leader', async () => {
    const world = await leading();
    await world.terms.stop();
    await world.clock.advance(60_000);
    expect(world.hooks.map((hook) => hook.split(' ')[1])).toEqual(['started', 'Released']);
    expect(world.clock.armed).toBe(0);
  });
});

describe('a write', () => {
  it('is confirmed by an answer to a request that is sent now, or was sent within 100 ms', async () => {
    const world = await leading();
    const confirmed = world.terms.confirm().then(() => world.clock.now());
    await world.clock.advance(500);
    expect(await confirmed).toBeLessThanOrEqual(10_001);
    const again = world.terms.confirm();
    await world.clock.advance(1);
    await again;
  });

  it('is not confirmed by an answer from before a pause of this process', async () => {
    const world = await leading();
    world.answerMs = undefined;
    world.clock.jump(4_000);
    await world.clock.advance(0);
    const outcome = failureOf(world.terms.confirm());
    await world.clock.advance(2_000);
    expect(await outcome).toMatchObject({ reason: 'DeadlineExceeded' });
  });

  it('is not confirmed while no request is answered', async () => {
    const world = await leading();
    world.answerMs = undefined;
    await world.clock.advance(200);
    const outcome = failureOf(world.terms.confirm());
    await world.clock.advance(2_000);
    expect(await outcome).toMatchObject({ reason: 'DeadlineExceeded' });
  });
});
