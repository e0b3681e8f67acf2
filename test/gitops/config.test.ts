import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { storedSchema } from '../../src/api/crd.ts';
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
