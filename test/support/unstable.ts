import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../controlplane/run.ts';

/** A package of Debian unstable that was brought. */
export interface Brought {
  /** Where it is kept, its files below `root`. */
  readonly folder: string;
  /** How a program of it is run. */
  readonly command: (program: string) => readonly string[];
}

/** Or, in one line, why it is not had here. */
export type Supply = Brought | { readonly missing: string };

/** A minute or two, once. */
export async function bring(debianPackage: string): Promise<Supply> {
  const script = fileURLToPath(new URL('../../.ci/unstable.sh', import.meta.url));
  const { code, stdout, stderr } = await run([script, debianPackage], { timeoutMs: 900_000 });
  if (code === 3) return { missing: /.*cannot be had.*/.exec(stderr)?.[0] ?? stderr.trim() };
  if (code !== 0) throw new Error(stderr);
  const folder = stdout.trim();
  return { folder, command: (program) => [join(folder, 'run'), program] };
}
