import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the world to become so; fails with the description when it does not within the deadline. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(10);
  }
}
