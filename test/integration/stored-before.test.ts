import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { group, crdVersion } from '../../src/api/external-backend.ts';
import { api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { eventually } from '../support/eventually.ts';

// Resources that were stored before the limits of a probe existed. They have another API group, because other
// tests use the CRD at the same time.

const plane = controlPlane();
const before = `bounds.${group}`;
const resource = `externalbackends.${before}`;
let space: string;

async function install(file: string): Promise<void> {
  const stdin = readFileSync(join(import.meta.dirname, '../..', file), 'utf8').replaceAll(group, before);
  await kubectl(plane, ['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin });
  await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=30s', `crd/${resource}`]);
}

const headers = Array.from({ length: 32 }, (_, i) => ({ name: `X-${i}`, value: 'a'.repeat(400) }));
const longProbe = { httpGet: { httpHeaders: headers }, periodSeconds: 10, timeoutSeconds: 3600 };
const specs = {
  shared: { targets: [{ host: '10.20.0.11' }], ports: [{ port: 80 }], probe: longProbe },
  own: { targets: [{ host: '10.20.0.11' }], ports: [{ port: 80, probe: longProbe }] },
};
const names = Object.keys(specs);

const create = (name: string, spec: unknown): Promise<string> =>
  kubectl(plane, ['create', '-n', space, '-f', '-'], {
    stdin: JSON.stringify({
      apiVersion: `${before}/${crdVersion}`,
      kind: 'ExternalBackend',
      metadata: { name },
      spec,
    }),
  });
const patch = (name: string, change: unknown, ...more: readonly string[]): Promise<string> =>
  kubectl(plane, [
    ...['patch', resource, name, '-n', space, '--type=merge', '-p', JSON.stringify(change)],
    ...more,
  ]);

beforeAll(async () => {
  await install('test/support/cluster/crds/externalbackends-0.1.yaml');
  space = await namespace(plane, 'stored-before');
  for (const [name, spec] of Object.entries(specs))
    await eventually(
      () =>
        create(name, spec).then(
          () => true,
          () => false,
        ),
      (created) => created,
    );
  await install('crds/externalbackends.externalbackend.io.yaml');
  const refusal = (): Promise<string> => create('late', specs.shared).catch(String);
  await eventually(refusal, (message) => message.includes('timeoutSeconds is greater than'));
}, 60_000);

afterAll(async () => {
  await kubectl(plane, ['delete', `crd/${resource}`]);
  await api(plane).delete('Namespace', space);
});

it.each(names)(
  'other fields of a resource that was stored with a longer timeout and more headers may be edited: %s',
  async (name) => {
    await patch(name, { metadata: { labels: { team: 'shop' } } });
    await patch(name, { spec: { suspend: true } });
    await patch(name, { spec: { targets: [{ host: '10.20.0.12' }] } });
    await patch(name, { status: { summary: '1/1' } }, '--subresource=status');
  },
);

it.each(names)(
  'the timeout of such a resource may be lowered to the limit, but not to another value above it: %s',
  async (name) => {
    const probe = (timeoutSeconds: number) => ({ ...longProbe, httpGet: {}, timeoutSeconds });
    const spec = (timeoutSeconds: number) =>
      name === 'own'
        ? { ports: [{ port: 80, probe: probe(timeoutSeconds) }] }
        : { probe: { ...probe(timeoutSeconds) } };
    await expect(patch(name, { spec: spec(11) })).rejects.toThrow(
      'timeoutSeconds or timeoutMilliseconds is greater than the period',
    );
    await patch(name, { spec: spec(10) });
  },
);

it('a new one is refused with the fields and the fixes', async () => {
  const refusal = await create('new', specs.shared).catch(String);
  for (const text of [
    'spec.probe.timeoutSeconds: Invalid value',
    'timeoutSeconds or timeoutMilliseconds is greater than the period (default 10 s): lower it, or raise periodSeconds or periodMilliseconds',
    'timeoutSeconds is greater than 60',
    'spec.probe.httpGet.httpHeaders: Invalid value',
    'httpHeaders has more than 16 headers',
    'httpHeaders has more than 8192 characters',
  ])
    expect(refusal).toContain(text);
});
