import type { Verdict } from '../core/verdict.ts';
import { responded, verdict } from './classify.ts';

/**
 * All that a verdict tells, in one round trip, for a role without any grant.
 *
 * - lag: 0 when all that was received is replayed and something receives; else the age of the last commit that was replayed.
 *   So a replica whose stream is gone falls behind, though it has replayed all it ever got. Null where nothing was replayed
 *   since its start.
 * - timeline: of the WAL that is written; part of a file's name.
 * - read only: by the server's own settings. A role's or database's (`ALTER ROLE … SET default_transaction_read_only`, good
 *   manners for a role that only probes) says nothing of others.
 * - Aurora has no such positions, and its functions fail: role only.
 */
export const askState = `
SELECT s.replica,
  CASE WHEN s.replica OR current_setting('transaction_read_only') = 'off' THEN false
    ELSE EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'
      AND source IN ('configuration file', 'command line', 'environment variable')) END AS "readOnly",
  CASE WHEN NOT s.replica OR s.aurora THEN NULL
    WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn()
      AND EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) THEN 0
    ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()))
    END::float8 AS lag,
  CASE WHEN s.replica OR s.aurora THEN NULL
    ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) END AS timeline
FROM (SELECT pg_catalog.pg_is_in_recovery() AS replica, to_regproc('aurora_version') IS NOT NULL AS aurora OFFSET 0) s`;

/** For servers that lack one of the functions above (before PostgreSQL 10, or kin of it). */
export const askRoleOnly = 'SELECT pg_is_in_recovery() AS replica';

/** The verdict that the one row of an answer makes. A primary that is read only serves still, and is still the primary. */
export function stateOf(row: Readonly<Record<string, unknown>> | undefined): Verdict {
  if (typeof row?.replica !== 'boolean')
    return verdict('down', 'WrongProtocol', 'the answer is not PostgreSQL');
  const base = row.readOnly === true ? readOnly : responded;
  const epoch = typeof row.timeline === 'string' ? Number.parseInt(row.timeline, 16) : Number.NaN;
  return {
    ...base,
    role: row.replica ? 'Replica' : 'Primary',
    ...(typeof row.lag === 'number' && Number.isFinite(row.lag) && { lagSeconds: row.lag }),
    ...(Number.isSafeInteger(epoch) && { epoch }),
  };
}

const readOnly = verdict('up', 'ReadOnly', 'default_transaction_read_only is on');
