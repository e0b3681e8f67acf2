import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The flags of Node that the image uses, so that tests and benchmarks run what users run. */
export function nodeFlags(): readonly string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]';
  return (JSON.parse(entrypoint) as string[]).filter((word) => word.startsWith('--'));
}
