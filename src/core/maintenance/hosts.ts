import { parseIp } from '../../api/ip.ts';

/** Returns a host in one spelling: addresses in canonical form, names in lower case without the dot at the end. */
export const hostKey = (host: string): string => parseIp(host)?.text ?? host.toLowerCase().replace(/\.$/, '');

/** Returns one text about the hosts of a window that are no targets; none if there is no such host. */
export function unknownHosts(
  targets: readonly string[] | undefined,
  hosts: readonly string[],
): readonly string[] {
  const known = new Set(hosts.map(hostKey));
  const unknown = (targets ?? []).filter((host) => !known.has(hostKey(host)));
  return unknown.length === 0 ? [] : [`no target of the spec has the host ${unknown.join(', ')}`];
}
