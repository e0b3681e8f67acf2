/** One SRV record (RFC 2782): a host with its own port. */
export interface ServiceRecord {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Highest number of hosts of one SRV record that are used, and of records that name them. */
export const maxServiceHosts = 64;
export const maxServiceRecords = 512;

export interface FollowedRecords {
  readonly services: readonly ServiceRecord[];
  /** True when there are more hosts or records than are used. */
  readonly isCut: boolean;
}

/** Orders records. Servers rotate their answers, and the same records must give the same list. */
export const byPriority = (a: ServiceRecord, b: ServiceRecord): number =>
  a.priority - b.priority || (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port);

/**
 * Returns the records of an answer that are used, by priority. One answer may have thousands of hosts, and
 * each is queried periodically.
 */
export function followedRecords(services: readonly ServiceRecord[]): FollowedRecords {
  if (services.length <= maxServiceHosts) return { services, isCut: false };
  const hosts = new Set<string>();
  const followed = services.toSorted(byPriority).filter(({ host }) => {
    if (hosts.size < maxServiceHosts) hosts.add(host);
    return hosts.has(host);
  });
  const isCut = followed.length < services.length || followed.length > maxServiceRecords;
  return { services: followed.slice(0, maxServiceRecords), isCut };
}
