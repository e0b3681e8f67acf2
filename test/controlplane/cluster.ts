import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { api } from './api.ts';
import type { PlaneDetails } from './details.ts';
import { kubectl } from './kubectl.ts';
import { kubeDns, nodeZone } from './parts.ts';

/** A namespace of its own for a test; returns its name, `<prefix>-<random>`. */
export async function namespace(plane: PlaneDetails, prefix = 'test'): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await api(plane).create({ kind: 'Namespace', metadata: { name } });
  return name;
}

/** Installs crds/*.yaml, where there are any, and waits until the API server serves them. */
export async function applyCrds(plane: PlaneDetails): Promise<void> {
  const dir = join(import.meta.dirname, '../../crds');
  if (!existsSync(dir) || !readdirSync(dir).some((file) => file.endsWith('.yaml'))) return;
  await kubectl(plane, ['apply', '--server-side', '-k', dir]);
  await servesBackends(plane);
}

/** Established comes a moment before the storage: until then lists fail with "storage is (re)initializing". */
export async function servesBackends(plane: PlaneDetails, deadlineMs = 30_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  const list = () =>
    api(plane)
      .list('ExternalBackend')
      .then(
        () => true,
        () => false,
      );
  while (!(await list())) {
    if (performance.now() > end) throw new Error('the API server does not serve ExternalBackends');
    await sleep(50);
  }
}

/** The node that kube-proxy serves; without its address it waits for ever. */
export async function applyNode(plane: PlaneDetails, name: string): Promise<void> {
  const client = api(plane);
  await client.apply({ kind: 'Node', metadata: { name }, spec: { podCIDR: '10.244.0.0/24' } });
  await client.patchStatus('Node', name, undefined, { status: nodeStatus(plane.address) });
}

/**
 * Puts the node into zone-a. To be called once kube-proxy runs: it may read the zone of a node that it finds before it is
 * ready to take it, and then never knows it (a race in kube-proxy 1.36 and 1.37); a change reaches it.
 */
export async function applyZone(plane: PlaneDetails, name: string): Promise<void> {
  await api(plane).patch('Node', name, undefined, {
    metadata: { labels: { 'topology.kubernetes.io/zone': nodeZone } },
  });
}

const nodeStatus = (address: string) => ({
  addresses: [{ type: 'InternalIP', address }],
  conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
});

/** kube-dns as in a cluster: a Service with the address that pods have in resolv.conf, CoreDNS behind it. */
export async function applyKubeDns(plane: PlaneDetails): Promise<void> {
  const client = api(plane);
  const metadata = { name: 'kube-dns', namespace: 'kube-system' };
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
  ];
  await client.apply({ kind: 'Service', metadata, spec: { clusterIP: kubeDns, ports } });
  await client.apply({
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kube-dns' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [plane.dns.address], conditions: { ready: true } }],
    ports,
  });
}

/** Names outside the cluster, for CoreDNS: replaces all earlier ones. It answers so after 200 ms. */
export async function outsideNames(
  plane: PlaneDetails,
  names: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const rows = Object.entries(names).flatMap(([name, addresses]) =>
    addresses.map((address) => `${address} ${name}`),
  );
  writeFileSync(join(plane.dir, 'hosts'), `${rows.join('\n')}\n`);
  await sleep(300);
}
