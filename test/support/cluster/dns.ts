import { Resolver } from 'node:dns/promises';

import type { PlaneDetails } from '../../controlplane/details.ts';
import { run } from '../../controlplane/run.ts';

/** The search list that the kubelet gives a pod (resolv.conf, with ndots:5). */
export const searchList = (namespace: string): readonly string[] => [
  `${namespace}.svc.cluster.local`,
  'svc.cluster.local',
  'cluster.local',
];

/**
 * Returns the IPv4 addresses of a name for a program in a pod of `namespace`: from glibc, with the pod's search list,
 * through kube-dns. Sorted; empty if there is no such name.
 */
export async function lookUp(name: string, namespace: string): Promise<readonly string[]> {
  const env = { LOCALDOMAIN: searchList(namespace).join(' ') };
  const { code, stdout, stderr } = await run(['getent', 'ahostsv4', name], { env });
  if (code === 2) return []; // getent(1): a key was not found
  if (code !== 0) throw new Error(`getent ${name}: code ${code} ${stderr}`);
  return [...new Set(stdout.split('\n').flatMap((line) => /^\S+/.exec(line)?.[0] ?? []))].toSorted();
}

/** Returns the records of a complete name, of the given type alone; empty if there are none. */
export async function records(
  plane: PlaneDetails,
  name: string,
  type: 'A' | 'AAAA' | 'CNAME',
): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 1000, tries: 3 });
  resolver.setServers([plane.dns.service]);
  try {
    return (await resolver.resolve(name, type)).toSorted();
  } catch (error) {
    if (['ENOTFOUND', 'ENODATA'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
