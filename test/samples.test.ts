import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { apiVersion, kind, specSchema } from '../src/api/external-backend.ts';

const folder = fileURLToPath(new URL('../config/samples', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

const manifestsOf = (file: string): readonly Manifest[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Manifest);

describe.each(files)('config/samples/%s', (file) => {
  it('says in its first line what it is for', () => {
    expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^# [A-Z]/);
  });

  it('holds backends that the schema takes', () => {
    const manifests = manifestsOf(file);
    expect(manifests.map((manifest) => [manifest.apiVersion, manifest.kind])).toEqual([[apiVersion, kind]]);
    expect(manifests.flatMap(({ spec }) => specSchema.safeParse(spec).error?.issues ?? [])).toEqual([]);
  });
});

describe('the samples', () => {
  it('can all be applied into one namespace', () => {
    const names = files.flatMap(manifestsOf).map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
