import type { Verdict } from '../../core/probing/verdict.ts';
import { responded, verdict } from '../verdict/verdicts.ts';

/**
 * Query for the complete state, in one round trip, for a role without any grant.
 *
 * - lag: 0 when everything received is replayed and a WAL receiver runs, otherwise the age of the last
 *   replayed commit. So the lag of a replica without a stream grows, although it has replayed everything it
 *   received. Null when nothing was replayed since its start.
 * - timeline: of the WAL that is written, from the name of its file.
 * - read only: by settings of the server. A setting of a role or database (`ALTER ROLE … SET
 *   default_transaction_read_only`, good practice for a role that only probes) does not apply to other roles.
 * - Aurora has no such positions, and its functions fail: only the role is queried.
 */
export const stateQuery = `
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

/** Query for servers that lack one of the functions above (before PostgreSQL 10, or derived from it). */
export const roleQuery = 'SELECT pg_is_in_recovery() AS replica';

/**
 * Returns the verdict of the row of an answer. A primary that is read only still serves, and is still the
 * primary.
 */
export function verdictOfRow(row: Readonly<Record<string, unknown>> | undefined): Verdict {
  if (typeof row?.replica !== 'boolean')
    return verdict('down', 'WrongProtocol', 'the answer is not of the PostgreSQL protocol');
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
