import { describe, expect, it } from '@jest/globals';
import { TokenAccess } from '../../src/serve/token-access.ts';
import type { Access } from '../../src/serve/token-access.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';

type Verdict = Access | 'away';

interface Waiting {
  readonly token: string;
  readonly answer: (verdict: Verdict) => Promise<void>;
}

/** An API server that gives the verdicts that the test sets; `hold`: its questions wait for the test. */
function world(verdicts: Readonly<Record<string, Verdict>> = {}) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const logged: string[] = [];
  const waiting: Waiting[] = [];
  const state = { verdicts: { ...verdicts }, hold: false };
  const settle = (verdict: Verdict): Promise<Access> =>
    verdict === 'away' ? Promise.reject(new Error('no route')) : Promise.resolve(verdict);
  const review = (token: string): Promise<Access> => {
    asked.push(token);
    if (!state.hold) return settle(state.verdicts[token] ?? 'unauthenticated');
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    waiting.push({
      token,
      answer: async (verdict) => {
        resolve(verdict);
        await clock.advance(0);
      },
    });
    return promise.then(settle);
  };
  const log = (message: string) => void logged.push(message);
  const access = new TokenAccess({
    clock,
    logger: { debug: log, info: log, warn: log, error: log },
    review,
  });
  /** The status that a client is answered with. */
  const status = async (token: string | undefined, address = '10.0.0.1'): Promise<number> => {
    const authorization = token === undefined ? undefined : `Bearer ${token}`;
    return (await access.refusalOf({ authorization, address }))?.status ?? 200;
  };
  return { clock, asked, logged, waiting, state, access, status };
}

describe('a client of /metrics', () => {
  it.each<[string, string | undefined, number]>([
    ['without a header', undefined, 401],
    ['with a password', 'Basic dXNlcjpwYXNz', 401],
    ['with no token', 'Bearer ', 401],
    ['with two words', 'Bearer one two', 401],
    ['with a token that the API server does not know', 'Bearer strange', 401],
    ['with a token of a user without the right', 'Bearer poor', 403],
    ['with a token that cannot be verified', 'Bearer lost', 503],
    ['with a token of a user with the right', 'Bearer good', 200],
    ['that writes the scheme in small letters', 'bearer good', 200],
  ])('%s gets its status', async (_, authorization, status) => {
    const { access } = world({ good: 'allowed', poor: 'forbidden', lost: 'away' });
    expect((await access.refusalOf({ authorization, address: '10.0.0.1' }))?.status ?? 200).toBe(status);
  });

  it('without a token gets the header that asks for one', async () => {
    const { access } = world();
    const refusal = await access.refusalOf({ authorization: undefined, address: '10.0.0.1' });
    expect(refusal?.headers).toEqual({ 'www-authenticate': 'Bearer' });
  });
});

describe('a verdict', () => {
  it.each<[Access, number, number]>([
    ['allowed', 200, 60_000],
    ['forbidden', 403, 10_000],
    ['unauthenticated', 401, 10_000],
  ])('%s is used for its time, and then asked for again', async (verdict, code, ms) => {
    const { clock, asked, status } = world({ token: verdict });
    expect(await status('token')).toBe(code);
    await clock.advance(ms - 1);
    expect([await status('token'), asked.length]).toEqual([code, 1]);
    await clock.advance(1);
    expect([await status('token'), asked.length]).toEqual([code, 2]);
  });

  it('is requested once for all clients that send the token at the same time', async () => {
    const { asked, status } = world({ good: 'allowed' });
    const all = await Promise.all(Array.from({ length: 32 }, () => status('good')));
    expect([new Set(all), asked]).toEqual([new Set([200]), ['good']]);
  });

  it('that changes to a refusal ends the access at the next question', async () => {
    const { clock, state, status } = world({ good: 'allowed' });
    await status('good');
    state.verdicts['good'] = 'unauthenticated';
    await clock.advance(60_000);
    expect(await status('good')).toBe(401);
  });

  it('is used for 10 minutes at most while the API server returns none', async () => {
    const { clock, state, status, logged } = world({ good: 'allowed' });
    await status('good');
    state.verdicts['good'] = 'away';
    const seen: number[] = [];
    for (let minute = 1; minute <= 10; minute++) {
      await clock.advance(60_000 - (minute === 10 ? 1 : 0));
      seen.push(await status('good'));
    }
    await clock.advance(1);
    expect([new Set(seen), await status('good')]).toEqual([new Set([200]), 503]);
    expect(logged).toHaveLength(1);
    state.verdicts['good'] = 'allowed';
    await clock.advance(1_000);
    expect([await status('good'), logged.length]).toEqual([200, 2]);
  });
});

describe('a flood of tokens', () => {
  it('of one address reaches the API server once a second', async () => {
    const { clock, asked, status } = world();
    for (let ms = 0; ms < 60_000; ms += 10) {
      await status(`guess-${ms}`);
      await clock.advance(10);
    }
    expect(asked.length).toBe(60);
  });

  it('of many addresses reaches it ten times a second, and four at a time', async () => {
    const { clock, asked, status, state, waiting } = world();
    let n = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      await status(`guess-${n}`, `10.0.${n >> 8}.${n & 255}`);
      n += 1;
      await clock.advance(10);
    }
    expect(asked.length).toBeLessThanOrEqual(20 + 10 * 10);
    state.hold = true;
    await clock.advance(10_000);
    const answers = Array.from({ length: 40 }, (_, i) => status(`slow-${i}`, `10.1.0.${i}`));
    expect(waiting).toHaveLength(4);
    for (const each of waiting.splice(0)) await each.answer('unauthenticated');
    expect((await Promise.all(answers)).filter((code) => code === 503)).toHaveLength(36);
  });

  it('neither shuts out a client that was let in nor one that comes from another address', async () => {
    const { clock, status } = world({ good: 'allowed', other: 'allowed' });
    await status('good', '10.0.0.9');
    for (let i = 0; i < 5_000; i++) {
      await status(`guess-${i}`, '10.0.0.1');
      await clock.advance(20);
    }
    expect(await status('good', '10.0.0.9')).toBe(200);
    expect(await status('other', '10.0.0.8')).toBe(200);
  });

  it('of many addresses does not shut out the next token of a client that was let in', async () => {
    const { clock, status, state, waiting } = world({ good: 'allowed', rotated: 'allowed' });
    await status('good', '10.0.0.9');
    for (let i = 0; i < 200; i++) await status(`guess-${i}`, `10.1.0.${i}`);
    state.hold = true;
    await clock.advance(1_000);
    const guesses = [1, 2, 3, 4].map((i) => status(`slow-${i}`, `10.2.0.${i}`));
    const rotated = status('rotated', '10.0.0.9');
    expect(waiting.map(({ token }) => token)).toContain('rotated');
    for (const each of waiting) await each.answer(each.token === 'rotated' ? 'allowed' : 'unauthenticated');
    expect([await rotated, ...(await Promise.all(guesses))]).toEqual([200, 401, 401, 401, 401]);
  });

  it('of an address that was let in is bounded like that of any other', async () => {
    const { clock, asked, status } = world({ good: 'allowed' });
    await status('good', '10.0.0.9');
    for (let ms = 0; ms < 10_000; ms += 10) {
      await status(`guess-${ms}`, '10.0.0.9');
      await clock.advance(10);
    }
    expect(asked.length).toBe(1 + 10);
  });

  it('does not keep a token that was let in from being verified again', async () => {
    const { clock, status, state, waiting } = world({ good: 'allowed' });
    await status('good', '10.0.0.9');
    await clock.advance(60_000);
    state.hold = true;
    const guesses = [1, 2, 3, 4].map((i) => status(`guess-${i}`, `10.1.0.${i}`));
    const renewal = status('good', '10.0.0.9');
    expect(waiting.map(({ token }) => token)).toContain('good');
    for (const each of waiting) await each.answer(each.token === 'good' ? 'allowed' : 'unauthenticated');
    expect([await renewal, ...(await Promise.all(guesses))]).toEqual([200, 401, 401, 401, 401]);
  });
});
