import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A part of the control plane while it runs. It dies with its network at the latest (netns.sh). */
export interface Part {
  readonly name: string;
  readonly pid: number;
  /** False once it ended, by itself or not. */
  running(): boolean;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** The last lines it wrote. */
  log(lines?: number): string;
}

/** Starts a program with its output in `logFile`. */
export function startPart(name: string, command: readonly string[], logFile: string): Part {
  const [program = '', ...args] = command;
  const log = openSync(logFile, 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const gone = once(child, 'exit').catch(() => undefined);
  // A child must not keep the test runner alive when somebody forgot to stop it.
  child.unref();
  return {
    name,
    pid: child.pid ?? 0,
    running: () => isRunning(child),
    kill: async () => {
      if (!isRunning(child)) return;
      child.ref();
      child.kill('SIGKILL');
      await gone;
    },
    signal: (signal) => void child.kill(signal),
    log: (lines = 30) => readFileSync(logFile, 'utf8').split('\n').slice(-lines).join('\n'),
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** Waits until `ready` says yes; fails with the part's log when the part ends or the deadline passes. */
export async function waitFor(part: Part, ready: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await ready().catch(() => false))) {
    if (!part.running()) throw new Error(`${part.name} ended:\n${part.log()}`);
    if (performance.now() > end)
      throw new Error(`${part.name} is not ready after ${deadlineMs} ms:\n${part.log()}`);
    await sleep(50);
  }
}
