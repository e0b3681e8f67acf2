import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../controlplane/run.ts';

/** A package of Debian unstable: how its programs are run, or why it is not had here. */
export type Supply =
  { readonly command: (program: string) => readonly string[] } | { readonly missing: string };

/** A minute or two, once. */
export async function bring(debianPackage: string): Promise<Supply> {
  const script = fileURLToPath(new URL('../../.ci/unstable.sh', import.meta.url));
  const { code, stdout, stderr } = await run([script, debianPackage], { timeoutMs: 900_000 });
  if (code === 0) return { command: (program) => [join(stdout.trim(), 'run'), program] };
  if (code === 3) return { missing: stderr.trim() };
  throw new Error(stderr);
}
