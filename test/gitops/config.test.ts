import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { storedSchema } from '../../src/api/crd.ts';
import { argoDirectory } from '../support/builders/gitops-states.ts';
import { isNode, type SchemaNode } from '../../src/api/structural.ts';

const config = fileURLToPath(new URL('../../config/gitops/', import.meta.url));

/** Returns the paths of all fields that must be the name of a Secret. */
function secretPaths(node: SchemaNode, path: readonly string[] = []): readonly string[] {
  const { properties, items, ...own } = node;
  const isSecret = properties === undefined && JSON.stringify(own).includes('must be the name of a Secret');
  const children = isNode(properties) ? Object.entries(properties) : [];
  return [
    ...(isSecret ? [path.join('/')] : []),
    ...children.flatMap(([name, child]) => (isNode(child) ? secretPaths(child, [...path, name]) : [])),
    ...(isNode(items) ? secretPaths(items, path) : []),
  ];
}

describe('config/gitops/argocd/argocd-cm.yaml', () => {
  const resource = 'externalbackend.io_ExternalBackend';
  const { data } = parse(readFileSync(`${config}argocd/argocd-cm.yaml`, 'utf8')) as {
    readonly data: Readonly<Record<string, string>>;
  };
  const read = (path: string): string => readFileSync(`${argoDirectory}/${path}`, 'utf8');

  it('has the health script under the key that Argo CD reads', () => {
    expect(data[`resource.customizations.health.${resource}`]).toBe(read('health.lua'));
  });

  it('has every action with its script', () => {
    const actions = parse(data[`resource.customizations.actions.${resource}`] ?? '') as unknown;
    const names = readdirSync(`${argoDirectory}/actions`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'testdata')
      .map(({ name }) => name);
    expect(actions).toEqual({
      'discovery.lua': read('actions/discovery.lua'),
      definitions: expect.arrayContaining(
        names.map((name) => ({ name, 'action.lua': read(`actions/${name}/action.lua`) })),
      ),
    });
  });
});

describe('config/gitops/kustomizeconfig.yaml', () => {
  interface Configuration {
    readonly nameReference: readonly { readonly fieldSpecs: readonly { readonly path: string }[] }[];
  }

  it('has every field of the CRD that names a Secret', () => {
    const { nameReference } = parse(readFileSync(`${config}kustomizeconfig.yaml`, 'utf8')) as Configuration;
    const paths = nameReference.flatMap(({ fieldSpecs }) => fieldSpecs.map(({ path }) => path));
    expect(paths.toSorted()).toEqual(secretPaths(storedSchema()).toSorted());
  });
});
