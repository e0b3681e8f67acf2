import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

import { apiVersion, kind } from '../../../src/api/external-backend.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import { kubectl, tryKubectl } from '../../controlplane/kubectl.ts';
import type { RunResult } from '../../controlplane/run.ts';
import type { Fields } from './parts.ts';

export interface BackendManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Fields;
}

export interface StoredManifest extends BackendManifest {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export const manifest = (name: string, spec: Fields): BackendManifest => ({
  apiVersion,
  kind,
  metadata: { name },
  spec,
});

const folder = join(import.meta.dirname, '../../../config/samples');

/** The ExternalBackends of config/samples. */
export const sampleManifests = (): readonly BackendManifest[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')))
    .map((document) => document.toJS() as BackendManifest)
    .filter((each) => each.kind === kind);

/** Applies, diffs and reads many manifests by one call each, in one namespace. */
export class Manifests {
  readonly #plane: PlaneDetails;
  readonly #namespace: string;
  readonly #resource: string;

  constructor(plane: PlaneDetails, namespace: string, resource = 'xb') {
    this.#plane = plane;
    this.#namespace = namespace;
    this.#resource = resource;
  }

  /** Runs `kubectl apply` with these flags. Returns its output for each manifest, such as `unchanged`. */
  async apply(
    manifests: readonly BackendManifest[],
    ...flags: readonly string[]
  ): Promise<readonly string[]> {
    const { code, stdout, stderr } = await this.#run(['apply', ...flags, '-f', '-'], manifests);
    if (code !== 0) throw new Error(stderr);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf(' ') + 1));
  }

  serverSide(
    manifests: readonly BackendManifest[],
    manager: string,
    ...flags: readonly string[]
  ): Promise<readonly string[]> {
    return this.apply(manifests, '--server-side', `--field-manager=${manager}`, ...flags);
  }

  /** Returns the output of `kubectl diff`; empty if there is no difference. */
  async diff(manifests: readonly BackendManifest[], ...flags: readonly string[]): Promise<string> {
    const { stdout, stderr } = await this.#run(['diff', ...flags, '-f', '-'], manifests);
    return `${stdout}${stderr}`;
  }

  /** Returns the stored objects, in the order of the manifests. */
  async stored(manifests: readonly BackendManifest[]): Promise<readonly StoredManifest[]> {
    const text = await kubectl(this.#plane, ['get', this.#resource, '-n', this.#namespace, '-o', 'json']);
    const { items } = JSON.parse(text) as { readonly items: readonly StoredManifest[] };
    const byName = new Map(items.map((item) => [item.metadata.name, item]));
    return manifests.flatMap(({ metadata }) => byName.get(metadata.name) ?? []);
  }

  async versions(manifests: readonly BackendManifest[]): Promise<readonly string[]> {
    return (await this.stored(manifests)).map(({ metadata }) => metadata.resourceVersion);
  }

  #run(args: readonly string[], manifests: readonly BackendManifest[]): Promise<RunResult> {
    const stdin = manifests.map((each) => JSON.stringify(each)).join('\n---\n');
    return tryKubectl(this.#plane, [...args, '-n', this.#namespace], { stdin });
  }
}
