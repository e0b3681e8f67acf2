import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { servicesOf } from '../src/core/publish/desired.ts';
import { secretNames } from '../src/core/probing/probe-secrets.ts';
import { apiVersion, kind, specSchema } from '../src/api/external-backend.ts';

const folder = fileURLToPath(new URL('../config/samples', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
  readonly stringData?: Readonly<Record<string, string>>;
}

const specsIn = (manifests: readonly Manifest[]) =>
  manifests.filter((manifest) => manifest.kind === kind).map(({ spec }) => specSchema.parse(spec));

const manifestsOf = (file: string): readonly Manifest[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Manifest);

describe.each(files)('config/samples/%s', (file) => {
  it('describes its purpose in the first line', () => {
    expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^# [A-Z]/);
  });

  it('contains one ExternalBackend that the schema accepts', () => {
    const manifests = manifestsOf(file).filter((manifest) => manifest.kind !== 'Secret');
    expect(manifests.map((manifest) => [manifest.apiVersion, manifest.kind])).toEqual([[apiVersion, kind]]);
    expect(manifests.flatMap(({ spec }) => specSchema.safeParse(spec).error?.issues ?? [])).toEqual([]);
  });

  it('contains exactly the Secrets that it names, with contents that are clearly examples', () => {
    const manifests = manifestsOf(file);
    const secrets = manifests.filter((manifest) => manifest.kind === 'Secret');
    expect(secrets.map(({ metadata }) => metadata.name)).toEqual(specsIn(manifests).flatMap(secretNames));
    for (const { stringData } of secrets)
      expect(stringData?.['password'] ?? stringData?.['ca.crt']).toMatch(/^example-/);
  });
});

describe('the samples', () => {
  it('can all be applied into one namespace', () => {
    const names = files.flatMap(manifestsOf).map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(names.length);
    const services = files
      .flatMap(manifestsOf)
      .filter((manifest) => manifest.kind === kind)
      .flatMap(({ metadata, spec }) => servicesOf({ name: metadata.name, spec: specSchema.parse(spec) }));
    expect(new Set(services.map(({ name }) => name)).size).toBe(services.length);
  });

  it('have no address in common', () => {
    const addresses = files
      .map(manifestsOf)
      .flatMap((manifests) => [
        ...new Set(specsIn(manifests).flatMap(({ targets }) => targets.map(({ host }) => host))),
      ]);
    const shared = addresses.filter(
      (host) => host.startsWith('10.') && addresses.indexOf(host) !== addresses.lastIndexOf(host),
    );
    expect(shared).toEqual([]);
  });
});
