/** One SRV record (RFC 2782): a host with a port of its own. */
export interface ServiceRecord {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Hosts of one SRV record that are followed, and records that lead to them. */
export const mostServiceHosts = 64;
export const mostServiceRecords = 512;

export interface FollowedRecords {
  readonly services: readonly ServiceRecord[];
  /** There are more hosts or records than are followed. */
  readonly isCut: boolean;
}

/** Servers rotate their answers: the same records give the same list. */
export const byPriority = (a: ServiceRecord, b: ServiceRecord): number =>
  a.priority - b.priority || (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port);

/**
 * Returns the records of an answer that are followed, by priority: one answer may have thousands of hosts, and each is
 * asked for again and again.
 */
export function followedRecords(services: readonly ServiceRecord[]): FollowedRecords {
  if (services.length <= mostServiceHosts) return { services, isCut: false };
  const hosts = new Set<string>();
  const followed = services.toSorted(byPriority).filter(({ host }) => {
    if (hosts.size < mostServiceHosts) hosts.add(host);
    return hosts.has(host);
  });
  const isCut = followed.length < services.length || followed.length > mostServiceRecords;
  return { services: followed.slice(0, mostServiceRecords), isCut };
}
