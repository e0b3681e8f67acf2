import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Document, isMap, isSeq } from 'yaml';
import { authorRightsFiles } from './api/author-rights.ts';
import { customResourceDefinition } from './api/crd.ts';
import { rbacFiles, reasonsOf, type Manifest, type ManifestFile } from './api/rbac.ts';
import { apiReference } from './api/reference.ts';
import { configurationMarkdown } from './config/reference.ts';
import { metricsMarkdown } from './serve/reference.ts';

/** A file that is generated from the sources. */
export interface GeneratedFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly content: string;
}

const header = 'Made by `make generate` from the tables in src/api. Do not edit.';

const yamlOptions = { aliasDuplicateObjects: false } as const;

function yaml(
  manifest: Manifest | ReturnType<typeof customResourceDefinition>,
  reasons: readonly string[] = [],
): string {
  const document = new Document(manifest, yamlOptions);
  const rules = document.get('rules');
  if (isSeq(rules)) {
    rules.items.forEach((item, i) => {
      if (isMap(item) && (reasons[i] ?? '') !== '') item.commentBefore = ` ${reasons[i]}`;
    });
  }
  return document.toString({ lineWidth: 0 });
}

const manifestFile = ({ path, note, manifests }: ManifestFile): GeneratedFile => ({
  path,
  content: `# ${header}\n# ${note}\n${manifests.map((manifest) => yaml(manifest, reasonsOf(manifest))).join('---\n')}`,
});

/** Returns all generated files. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    {
      path: 'crds/externalbackends.externalbackend.io.yaml',
      content: `# ${header}\n${yaml(customResourceDefinition())}`,
    },
    ...[...rbacFiles(), ...authorRightsFiles()].map(manifestFile),
    { path: 'docs/api.md', content: apiReference() },
    { path: 'docs/configuration.md', content: configurationMarkdown() },
    { path: 'docs/metrics.md', content: metricsMarkdown() },
  ];
}

/** Returns the generated files that differ from the files below `root`. */
export function staleFiles(root: string): readonly GeneratedFile[] {
  return generatedFiles().filter(({ path, content }) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== content;
  });
}

/** Writes the stale files; with `check` it only reports them. Returns the exit code. */
export function generate(root: string, check: boolean, say: (line: string) => void): number {
  const stale = staleFiles(root);
  for (const { path, content } of stale) {
    say(`${check ? 'stale' : 'wrote'}: ${path}`);
    if (check) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  if (check && stale.length > 0) say('run: make generate');
  return check && stale.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  process.exitCode = generate(join(import.meta.dirname, '..'), process.argv.includes('--check'), say);
}
