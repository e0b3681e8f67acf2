import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The flags of Node with which the image runs, so that what is measured is what runs. */
export function nodeFlags(): readonly string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, '../Dockerfile'), 'utf8');
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]';
  return (JSON.parse(entrypoint) as string[]).filter((word) => word.startsWith('--'));
}
