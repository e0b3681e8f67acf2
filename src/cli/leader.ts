/** Lease of the operator, as the API server returns it. */
export interface OperatorLease {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly renewTime?: string | null;
  };
}

/**
 * State of the leader, on which every status depends: without one, a status is a memory.
 *
 * | state      | meaning                                                                     |
 * |------------|-----------------------------------------------------------------------------|
 * | Leading    | the Lease was renewed within its duration                                   |
 * | Expired    | it was not, or it has no holder                                               |
 * | Absent     | there is no Lease: no operator, another name, or `--leader-elect=false`      |
 * | Unreadable | the Lease could not be read, so that nothing is known                         |
 */
export interface Leader {
  readonly state: 'Leading' | 'Expired' | 'Absent' | 'Unreadable';
  readonly holder?: string;
  readonly renewedAt?: string;
  readonly message: string;
}

/** Accepted difference between the clock of this machine and that of the operator. */
const skewMs = 5_000;

/** Returns the state of the leader. `wall`: the time of this machine. `name`: that of the Lease, for the message. */
export function leaderOf(lease: OperatorLease | undefined, name: string, wall: number): Leader {
  if (lease === undefined) {
    const why =
      'no operator runs, it has another Lease (--lease-namespace, --lease-name), or it runs without --leader-elect';
    return { state: 'Absent', message: `there is no Lease ${name}: ${why}` };
  }
  const { holderIdentity, renewTime, leaseDurationSeconds } = lease.spec ?? {};
  const holder = holderIdentity ?? '';
  if (holder === '')
    return { state: 'Expired', message: `nothing holds the Lease ${name}: no operator leads` };
  const renewedAt = renewTime ?? '';
  const ageMs = wall - Date.parse(renewedAt);
  const replica = holder.split('_')[0] ?? holder;
  const known = { holder, renewedAt };
  if (ageMs <= (leaseDurationSeconds ?? 0) * 1000 + skewMs)
    return { state: 'Leading', ...known, message: `leader ${replica}` };
  const seconds = Math.floor(ageMs / 1000);
  const message = `no operator leads: ${replica} last renewed the Lease ${name} ${seconds} s ago`;
  return { state: 'Expired', ...known, message };
}

/** True if the statuses cannot be relied on, because no operator updates them. */
export const isLeaderless = ({ state }: Leader): boolean => state === 'Absent' || state === 'Expired';
