import { expect, it } from '@jest/globals';
import { CachedExposition } from '../../src/serve/cached-exposition.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';

const counted = (fails = 0) => {
  let made = 0;
  const text = () => {
    made += 1;
    return made <= fails ? Promise.reject(new Error('not now')) : Promise.resolve(`made ${made}\n`);
  };
  return { contentType: 'text/plain', text };
};

it('a text is created once a second at most, for all clients of that second', async () => {
  const clock = new ManualClock();
  const recent = new CachedExposition(counted(), clock);
  const first = await Promise.all(Array.from({ length: 16 }, () => recent.bytes()));
  await clock.advance(999);
  const within = await recent.bytes();
  await clock.advance(1);
  const after = await recent.bytes();
  expect(new Set([...first, within].map(String))).toEqual(new Set(['made 1\n']));
  expect(String(after)).toBe('made 2\n');
});

it('a text that could not be created is created again for the next client', async () => {
  const recent = new CachedExposition(counted(1), new ManualClock());
  await expect(recent.bytes()).rejects.toThrow('not now');
  expect(String(await recent.bytes())).toBe('made 2\n');
});
