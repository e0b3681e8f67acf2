import type { Verdict } from '../../core/probing/verdict.ts';
import type { Role } from '../../core/role.ts';
import { responded, verdict } from '../verdict/verdicts.ts';

/**
 * Maximum silence that is not a lag. An idle primary pings its replicas every 10 s
 * (repl-ping-replica-period), and both sides count whole seconds.
 */
const silenceSeconds = 12;

const syncing = verdict('down', 'Loading', 'the replica is loading a full copy from its primary');
const neverLinked = verdict(
  'down',
  'ReplicationBroken',
  'the replica has never been connected to its primary',
);
const unlinked = verdict('up', 'Responded', 'the replica is not connected to its primary');

const tooFewReplicas = verdict(
  'up',
  'ReadOnly',
  'the server refuses writes: it has fewer replicas than min-replicas-to-write',
);

/**
 * Returns the verdict of a server that answered PING, by `INFO replication` (redis/src/server.c,
 * genRedisInfoString).
 *
 * | role   | link | sync in progress | down since, s | verdict                                                    |
 * |--------|------|------------------|---------------|------------------------------------------------------------|
 * | master |      |                  |               | up Primary; ReadOnly with `min_slaves_good_slaves` 0       |
 * | slave  | up   |                  |               | up Replica, lag 0, or the silence when it is over 12 s      |
 * | slave  | down | 1                |               | down Loading                                               |
 * | slave  | down | 0                | -1            | down ReplicationBroken: the age of its data is unknown      |
 * | slave  | down | 0                | n             | up Replica, lag n: `replica-serve-stale-data yes` allows it |
 * | other  |      |                  |               | up, no role (KeyDB's active-replica, Sentinel, proxies)     |
 */
export function verdictOfReplication(text: string): Verdict {
  const fields = fieldsOf(text);
  const role = fields.get('role');
  // Reported only when min-replicas-to-write is set, which is at least 1.
  const isAlone = fields.get('min_slaves_good_slaves') === '0';
  if (role === 'master') return withRole(isAlone ? tooFewReplicas : responded, 'Primary');
  if (role !== 'slave') return responded;
  const replica = (verdict: Verdict, lag?: number) => withRole(verdict, 'Replica', lag);
  if (fields.get('master_link_status') === 'up') return replica(responded, lagOf(fields));
  if (fields.get('master_sync_in_progress') === '1') return replica(syncing);
  const since = secondsOf(fields.get('master_link_down_since_seconds'));
  return since === undefined ? replica(neverLinked) : replica(unlinked, since);
}

function lagOf(fields: ReadonlyMap<string, string>): number | undefined {
  const silence = secondsOf(fields.get('master_last_io_seconds_ago'));
  return silence === undefined || silence > silenceSeconds ? silence : 0;
}

/** Returns whole seconds. Undefined for -1 (never) and for a text that is not a number. */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(':');
    return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
  });
  return new Map(pairs);
}

function withRole(verdict: Verdict, role: Role, lagSeconds?: number): Verdict {
  return Object.freeze({ ...verdict, role, ...(lagSeconds !== undefined && { lagSeconds }) });
}
