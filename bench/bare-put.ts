import type { KubeClient } from '../src/kube/client/client.ts';
import { pathOf, resources } from '../src/kube/client/resources.ts';
import type { Kinds } from '../test/controlplane/kinds.ts';
import type { Recorder } from '../test/controlplane/recorder.ts';
import { pause } from './world.ts';

/** Measures a change of an unmanaged slice until the watcher receives it, in milliseconds. */
export async function barePut(
  client: KubeClient,
  slices: Recorder<Kinds['EndpointSlice']>,
  namespace: string,
  i: number,
): Promise<number> {
  const name = 'bare';
  const known = slices.objects.get(name);
  const body = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: known?.metadata ?? { name, namespace },
    addressType: 'IPv4',
    ports: [{ name: '', port: 5432, protocol: 'TCP' }],
    endpoints: [1, 2, 3].map((k) => ({
      addresses: [`10.22.0.${k}`],
      conditions: { ready: (i + k) % 2 === 0 },
    })),
  };
  const resource = resources.EndpointSlice;
  const started = performance.now();
  const answered =
    known === undefined
      ? client.request({ verb: 'create', resource: resource.plural, path: pathOf(resource, namespace), body })
      : client.request({
          verb: 'update',
          resource: resource.plural,
          path: pathOf(resource, namespace, name),
          body,
        });
  await slices.until(
    (objects) => objects.get(name)?.metadata.resourceVersion !== known?.metadata.resourceVersion,
    10_000,
  );
  const seen = slices.history.at(-1)?.atMs ?? Number.NaN;
  await answered;
  await pause(5);
  return seen - started;
}
