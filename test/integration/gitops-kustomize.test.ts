import { expect, it } from '@jest/globals';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments, stringify } from 'yaml';

import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { plain } from '../support/builders/backends.ts';
import { manifest } from '../support/builders/manifests.ts';

const configuration = fileURLToPath(new URL('../../config/gitops/kustomizeconfig.yaml', import.meta.url));

interface Built {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly credentials: { readonly secretName: string };
    readonly tls: { readonly caSecret: { readonly name: string }; readonly certificateSecretName: string };
  };
}

async function build(folder: string): Promise<readonly Built[]> {
  const text = await kubectl(controlPlane(), ['kustomize', folder]);
  return parseAllDocuments(text).map((document) => document.toJS() as Built);
}

it('Kustomize with the configuration renames Secrets where an ExternalBackend names them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kustomize-'));
  const write = (name: string, content: unknown) => writeFileSync(join(folder, name), stringify(content));
  const names = ['login', 'authority', 'client'];
  write('kustomization.yaml', {
    resources: ['backend.yaml'],
    configurations: ['kustomizeconfig.yaml'],
    namePrefix: 'eu-',
    secretGenerator: names.map((name) => ({ name, literals: [`value=${name}`] })),
  });
  const [login, authority, client] = names;
  const tls = { caSecret: { name: authority }, certificateSecretName: client };
  write('backend.yaml', manifest('db', plain(['10.20.0.1'], { credentials: { secretName: login }, tls })));
  copyFileSync(configuration, join(folder, 'kustomizeconfig.yaml'));
  const built = await build(folder);
  rmSync(folder, { recursive: true });

  const generated = built.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name);
  const backend = built.find(({ kind }) => kind === 'ExternalBackend');
  const named = [
    backend?.spec?.credentials.secretName,
    backend?.spec?.tls.caSecret.name,
    backend?.spec?.tls.certificateSecretName,
  ];
  expect(named).toEqual(names.map((name) => expect.stringMatching(new RegExp(`^eu-${name}-\\w{10}$`))));
  expect(named.toSorted()).toEqual(generated.toSorted());
});
