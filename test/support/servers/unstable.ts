import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../controlplane/run.ts';

/** A package of Debian unstable that was downloaded. */
export interface Brought {
  /** Directory of the package; its files are below `root`. */
  readonly folder: string;
  /** Command that runs a program of it. */
  readonly command: (program: string) => readonly string[];
}

/** Or, in one line, why it is not available here. */
export type Supply = Brought | { readonly missing: string };

/** A minute or two, once. */
export async function bring(debianPackage: string): Promise<Supply> {
  const script = fileURLToPath(new URL('../../../.ci/unstable.sh', import.meta.url));
  const { code, stdout, stderr } = await run([script, debianPackage], { timeoutMs: 900_000 });
  if (code === 3) return { missing: /.*cannot be had.*/.exec(stderr)?.[0] ?? stderr.trim() };
  if (code !== 0) throw new Error(stderr);
  const folder = stdout.trim();
  return { folder, command: (program) => [join(folder, 'run'), program] };
}
