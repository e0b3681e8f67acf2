import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Kills a child process and waits until it has ended. */
export async function endChild(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.ref();
  child.kill('SIGKILL');
  await gone;
}
