import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import process from 'node:process';

import { run } from '../../controlplane/run.ts';
import { containsShown, isShown } from './transcripts.ts';
import type { PageStep } from './transcripts.ts';

export interface PageOptions {
  /** Directory in which the commands run. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Functions of the actions of the page, by their verb. */
  readonly actions: Readonly<Record<string, (...args: readonly string[]) => Promise<void>>>;
}

/** Deadline of an output that changes by itself: it is read again until it is as the page shows. */
const deadlineMs = 40_000;

type AnyCommand = Extract<PageStep, { readonly kind: 'command' }>;
/** A command whose output the page shows. */
type Command = AnyCommand & { readonly output: readonly string[] };

const showsOutput = (step: AnyCommand): step is Command => step.output !== undefined;

/**
 * Does one step of a page as a reader does, and fails if the output is not what the page shows.
 *
 * | command                                 | run                                                           |
 * |-----------------------------------------|---------------------------------------------------------------|
 * | `kubectl get … -w`                      | until it has printed the lines that the page shows, and then ended |
 * | `kubectl get …`, `psql …`, `kubectl external-backend status …` | again and again until the output is right: it reads only |
 * | any other                               | once                                                          |
 * | one whose output the page does not show | once, and must succeed                                        |
 */
export async function doStep(step: PageStep, options: PageOptions): Promise<void> {
  if (step.kind === 'action') return act(step.words, options);
  if (step.kind === 'command')
    return showsOutput(step) ? runCommand(step, options) : mustSucceed(step, options);
}

async function act([verb = '', ...args]: readonly string[], { actions }: PageOptions): Promise<void> {
  const action = actions[verb];
  if (action === undefined) throw new Error(`there is no action ${verb}`);
  await action(...args);
}

async function runCommand(step: Command, options: PageOptions): Promise<void> {
  if (/ -w$/.test(step.command)) return watch(step, options);
  const end = performance.now() + deadlineMs;
  const again = /^(kubectl get|kubectl external-backend status|psql) /.test(step.command);
  for (;;) {
    const printed = await outputOf(step.command, options);
    if (isShown(step.output, printed)) return;
    if (!again || performance.now() > end) throw different(step, printed);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function mustSucceed({ line, command }: AnyCommand, { cwd, env }: PageOptions): Promise<void> {
  const { code, stdout } = await run(['bash', '-c', `cd '${cwd}'; exec 2>&1; ${command}`], { env });
  if (code !== 0) throw new Error(`line ${line}: $ ${command}\nends with ${code}:\n${stdout}`);
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '');

async function outputOf(command: string, { cwd, env }: PageOptions): Promise<readonly string[]> {
  const { stdout } = await run(['bash', '-c', `cd '${cwd}'; exec 2>&1; ${command}`], { env });
  return linesOf(stdout);
}

async function watch(step: Command, { cwd, env }: PageOptions): Promise<void> {
  const child = spawn('bash', ['-c', `exec ${step.command} 2>&1`], { cwd, env: { ...process.env, ...env } });
  const signal = AbortSignal.timeout(deadlineMs);
  let printed = '';
  const ended = once(child, 'exit');
  child.stdout.setEncoding('utf8');
  try {
    for await (const [text] of on(child.stdout, 'data', { signal, close: ['end'] }) as AsyncIterable<
      [string]
    >) {
      printed += text;
      if (containsShown(step.output, linesOf(printed))) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    child.kill();
    await ended;
  }
  throw different(step, linesOf(printed));
}

const different = ({ line, command, output }: Command, printed: readonly string[]): Error =>
  new Error(
    `line ${line}: $ ${command}\nthe page shows:\n${output.join('\n')}\nprinted is:\n${printed.join('\n')}`,
  );
