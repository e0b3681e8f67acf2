import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = new URL('main.ts', import.meta.url).pathname;

/** Runs `make simulate` in a process of its own, where it is twice as fast as in Jest. Returns what it prints. */
export async function runMain(variables: Readonly<Record<string, string>>): Promise<string> {
  const env = { ...process.env, ...variables };
  const running = run(process.execPath, ['--disable-warning=ExperimentalWarning', program], { env });
  const { stdout, stderr } = await running.catch(
    (error: unknown) => error as { readonly stdout: string; readonly stderr: string },
  );
  return stdout + stderr;
}
