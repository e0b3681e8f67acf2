import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';

import { mustRun } from '../test/controlplane/run.ts';

/** Every address of 10.21.0.0/16 is local, and one listener answers for all of them. */
export const network = '10.21.0.0/16';
export const port = 5432;

/** Returns the address of the n-th target, from 0. */
export const address = (n: number): string => `10.21.${(n >> 8) + 1}.${n & 255}`;

/** Starts the listener in a process of its own, so that its CPU is not counted as the operator's. Returns a function that stops it. */
export async function listenForAll(): Promise<() => void> {
  await mustRun(['ip', 'route', 'replace', 'local', network, 'dev', 'lo']);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'listener.ts'), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return () => void child.kill('SIGKILL');
}
