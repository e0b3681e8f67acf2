import { beforeEach, describe, expect, it } from '@jest/globals';

import type { OpinionResult } from '../../../src/engine/ports.ts';
import { check, Messengers, type MessengerReplica } from './support/messengers.ts';

let messengers: Messengers;
let one: MessengerReplica;
let two: MessengerReplica;

beforeEach(async () => {
  messengers = new Messengers();
  one = messengers.start('one');
  two = messengers.start('two');
  await messengers.clock.advance(1_000);
});

/** Asks, and returns the results with the milliseconds that they took. */
async function ask({ messenger }: MessengerReplica, withinMs = 1_000) {
  const from = messengers.clock.now();
  let answer: { readonly results: readonly OpinionResult[]; readonly afterMs: number } | undefined;
  void messenger.consult([check], withinMs).then((results) => {
    answer = { results, afterMs: messengers.clock.now() - from };
  });
  await messengers.clock.advance(withinMs + 1_000);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

const never = () => new Promise<never>(() => undefined);

it('each replica has a Lease of its own, renews it every 5 s, and deletes it when it stops', async () => {
  expect(messengers.leases()).toEqual(['operator-one', 'operator-two']);
  const before = messengers.lease('one')?.spec.renewTime;
  const version = messengers.api.cluster.version;
  await messengers.clock.advance(5_000);
  expect(messengers.lease('one')?.spec.renewTime).not.toBe(before);
  expect(Number(messengers.api.cluster.version) - Number(version)).toBe(2);
  void two.messenger.stop();
  await messengers.clock.advance(1_000);
  expect([messengers.leases(), one.messenger.count]).toEqual([['operator-one'], 0]);
});

describe('a question', () => {
  it('is answered by the other replica, and by no other means than the API server', async () => {
    two.answer = () => Promise.resolve('u');
    const { results, afterMs } = await ask(one);
    expect(results).toEqual(['unreached']);
    expect(afterMs).toBeLessThan(200);
    expect([one.questions, two.questions.map(({ checks }) => checks)]).toEqual([[], [[check]]]);
  });

  it('is over half a second after its time without an answer, which is no opinion', async () => {
    two.answer = never;
    expect(await ask(one)).toEqual({ results: [undefined], afterMs: 1_500 });
  });

  it('has no opinion where the answer is late, and the late answer is none to the next question', async () => {
    two.answer = async () => {
      await new Promise<void>((done) => messengers.clock.after(1_600, done));
      return 'r';
    };
    expect((await ask(one)).results).toEqual([undefined]);
    two.answer = never;
    expect((await ask(one)).results).toEqual([undefined]);
  });

  it('is over in its time where the API server does not answer', async () => {
    one.wire.link = 'cut';
    expect(await ask(one)).toEqual({ results: [undefined], afterMs: 1_500 });
  });

  it('is over at once where this replica may not write its Lease, which is reported', async () => {
    messengers.forbidden.add('one');
    const { results, afterMs } = await ask(one);
    expect(results).toEqual([undefined]);
    expect(afterMs).toBeLessThan(100);
    expect(one.log.filter((line) => line.includes('could not be asked'))).toHaveLength(1);
  });

  it('waits for no other question', async () => {
    two.answer = ({ withinMs }) => (withinMs > 1_000 ? never() : Promise.resolve('r'));
    void one.messenger.consult([check], 30_000);
    await messengers.clock.advance(100);
    const { results, afterMs } = await ask(one);
    expect(results).toEqual(['reached']);
    expect(afterMs).toBeLessThan(200);
  });

  it('is answered by both replicas when both ask at once, as after an interrupted term', async () => {
    one.answer = () => Promise.resolve('u');
    two.answer = () => Promise.resolve('d');
    const [of, other] = [one, two].map(({ messenger }) => messenger.consult([check], 1_000));
    await messengers.clock.advance(500);
    expect([await of, await other]).toEqual([['failed'], ['unreached']]);
  });

  it('of two replicas under the same id gives each the answer to its own question', async () => {
    const three = messengers.start('three');
    await messengers.clock.advance(1_000);
    // The ids of the questions of `three` and `two` are the same: the time, and the number of questions so far.
    one.answer = ({ checks }) => Promise.resolve(checks.length === 1 ? 'r' : 'uu');
    two.answer = three.answer = async ({ checks }) => {
      await new Promise<void>((done) => messengers.clock.after(500, done));
      return '-'.repeat(checks.length);
    };
    const asked = [two.messenger.consult([check], 1_000), three.messenger.consult([check, check], 1_000)];
    await messengers.clock.advance(2_000);
    expect(new Set(one.questions.map(({ id }) => id)).size).toBe(1);
    expect(await Promise.all(asked)).toEqual([['reached'], ['unreached', 'unreached']]);
  });

  it('that was asked before a replica started is not answered by it', async () => {
    two.answer = never;
    void one.messenger.consult([check], 10_000);
    await messengers.clock.advance(100);
    const three = messengers.start('three');
    await messengers.clock.advance(1_000);
    expect([two.questions.length, three.questions.length]).toEqual([1, 0]);
  });
});

describe('a replica', () => {
  it('that has stopped without a word cannot be asked after 15 s, and has no Lease after a minute', async () => {
    two.process.pause();
    await messengers.clock.advance(10_000);
    expect(one.messenger.count).toBe(1);
    await messengers.clock.advance(10_000);
    expect(one.messenger.count).toBe(0);
    await messengers.clock.advance(60_000);
    expect(messengers.leases()).toEqual(['operator-one']);
  });

  it('whose Lease was deleted creates it again', async () => {
    messengers.api.cluster.remove('Lease', 'operator', 'operator-two');
    await messengers.clock.advance(5_000);
    expect([messengers.leases(), one.messenger.count]).toEqual([['operator-one', 'operator-two'], 1]);
  });

  it('does not delete the Lease of another although its watch is late by more than a minute', async () => {
    const uid = messengers.lease('two')?.metadata.uid;
    one.wire.lagMs = 70_000;
    await messengers.clock.advance(200_000);
    expect(messengers.lease('two')?.metadata.uid).toBe(uid);
  });

  it('that may not write its Lease reports that once, cannot be asked, and is asked again when it may', async () => {
    messengers.forbidden.add('two');
    await messengers.clock.advance(30_000);
    expect(one.messenger.count).toBe(0);
    expect(two.log.filter((line) => line.includes('cannot ask this replica'))).toHaveLength(1);
    messengers.forbidden.delete('two');
    await messengers.clock.advance(10_000);
    expect(one.messenger.count).toBe(1);
  });
});
