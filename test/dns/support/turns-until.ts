import { setImmediate } from 'node:timers/promises';

/** Lets the event loop turn until a fact holds, without any time of a clock. Fails after 10 s of the real one. */
export async function turnsUntil(fact: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!fact()) {
    if (performance.now() > end) throw new Error(`not so within 10 s: ${fact.toString()}`);
    await setImmediate();
  }
}
