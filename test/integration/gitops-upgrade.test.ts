import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { group } from '../../src/api/external-backend.ts';
import { parseBackend } from '../../src/api/parse.ts';
import { isNode, type SchemaNode } from '../../src/api/structural.ts';
import { api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { manifest, Manifests, sampleManifests } from '../support/builders/manifests.ts';
import type { BackendManifest } from '../support/builders/manifests.ts';
import { parts, specWith } from '../support/builders/parts.ts';
import { eventually } from '../support/eventually.ts';

// Resources of version 0.1, whose CRD stored defaults in list items and merged targets and ports by key. Under another group,
// because other tests use the CRD meanwhile.

const plane = controlPlane();
const asNode = (value: unknown): SchemaNode => (isNode(value) ? value : {});
const old = `old.${group}`;
const resource = `externalbackends.${old}`;
const root = join(import.meta.dirname, '../..');

async function install(file: string): Promise<void> {
  const stdin = readFileSync(join(root, file), 'utf8').replaceAll(group, old);
  await kubectl(plane, ['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin });
  await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=30s', `crd/${resource}`]);
  await eventually(
    () =>
      kubectl(plane, ['get', resource, '-A']).then(
        () => true,
        () => false,
      ),
    (served) => served,
  );
}

const underOldGroup = (each: BackendManifest): BackendManifest => ({
  ...each,
  apiVersion: each.apiVersion.replace(group, old),
});
const oldCrd = 'test/support/cluster/crds/externalbackends-0.1.yaml';

/** Returns true when the value has no field that the schema does not have. */
function isKnown(value: unknown, node: SchemaNode): boolean {
  if (Array.isArray(value)) return value.every((item) => isKnown(item, asNode(node['items'])));
  if (!isNode(value) || !isNode(node['properties'])) return true;
  const fields = node['properties'];
  return Object.entries(value).every(([name, child]) => {
    const field = fields[name];
    return isNode(field) && isKnown(child, field);
  });
}

function oldSpec(): SchemaNode {
  const crd = parse(readFileSync(join(root, oldCrd), 'utf8')) as {
    readonly spec: {
      readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: SchemaNode } }[];
    };
  };
  const schema = crd.spec.versions[0]?.schema.openAPIV3Schema;
  return asNode(asNode(schema?.['properties'])['spec']);
}

/** Those of today that could be written then. */
const all = [...sampleManifests(), ...parts().map((path, i) => manifest(`part-${i}`, specWith(path, {})))]
  .filter(({ spec }) => isKnown(spec, oldSpec()))
  .map(underOldGroup);
const rootDefaults = { mode: 'Endpoints', failbackSeconds: 30, suspend: false };

const specOf = (object: unknown): unknown => {
  const parsed = parseBackend(object);
  return withTimes(parsed.ok ? parsed.backend.spec : parsed.problems);
};

/** Adds the period and the timeout to each probe without them. In 0.1 they were defaults of the schema. */
const withTimes = (spec: unknown): unknown =>
  JSON.parse(JSON.stringify(spec), (key, value: unknown) =>
    key === 'probe' && isNode(value) ? { periodSeconds: 10, timeoutSeconds: 1, ...value } : value,
  ) as unknown;

let client: Manifests;
let server: Manifests;
const opened: string[] = [];

beforeAll(async () => {
  await install(oldCrd);
  for (const prefix of ['upgrade-client', 'upgrade-server']) opened.push(await namespace(plane, prefix));
  [client, server] = opened.map((ns) => new Manifests(plane, ns, resource)) as [Manifests, Manifests];
  await client.apply(all);
  await server.serverSide(all, 'flux');
  const [stored] = await client.stored(all);
  expect(JSON.stringify(stored?.spec)).toContain('"protocol":"TCP"');
  await install('crds/externalbackends.externalbackend.io.yaml');
}, 60_000);

afterAll(async () => {
  await kubectl(plane, ['delete', `crd/${resource}`]);
  for (const ns of opened) await api(plane).delete('Namespace', ns);
});

describe('a resource of version 0.1', () => {
  it('means the same to the operator', async () => {
    for (const here of [client, server]) {
      const stored = await here.stored(all);
      expect(stored.map(specOf)).toEqual(
        stored.map(({ metadata }, i) => specOf({ metadata, spec: all[i]?.spec })),
      );
    }
  });

  it.each([true, false])('may be edited to suspend: %s', async (suspend) => {
    const patch = JSON.stringify({ spec: { suspend } });
    for (const ns of opened)
      await kubectl(plane, ['patch', resource, 'part-0', '-n', ns, '--type=merge', '-p', patch]);
  });

  it('equals the applied manifest after client-side apply', async () => {
    await client.apply(all);
    expect(await client.apply(all)).toEqual(all.map(() => 'unchanged'));
    expect(await client.diff(all)).toBe('');
  });

  it('equals the applied manifest after server-side apply', async () => {
    await server.serverSide(all, 'flux', '--force-conflicts');
    const versions = await server.versions(all);
    await server.serverSide(all, 'flux', '--force-conflicts');
    expect(await server.versions(all)).toEqual(versions);
    const [targets, ports] = [await server.stored(all), all].map((list) =>
      list.map(({ spec }) => [spec['targets'], spec['ports']]),
    );
    expect(targets).toEqual(ports);
  });

  it('equals the applied manifest after a change from client-side to server-side apply', async () => {
    for (const _ of [1, 2, 3]) await client.serverSide(all, 'kubectl', '--force-conflicts');
    const specs = (await client.stored(all)).map(({ spec }) => spec);
    expect(specs).toEqual(all.map(({ spec }) => ({ ...rootDefaults, ...spec })));
  });
});
