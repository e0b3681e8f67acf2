import type { Role, Verdict } from '../core/verdict.ts';
import { verdict } from './classify.ts';

/** A row as the client gives it: by the column's name. */
export type Row = Readonly<Record<string, unknown>>;

/** What was asked of a server, and what it said. */
export interface MysqlState {
  /** Variables and status by name; names that the server does not have are missing. */
  readonly variables: ReadonlyMap<string, string>;
  readonly status: ReadonlyMap<string, string>;
  /** A row for each channel that it replicates from; or the error that kept us from seeing them. */
  readonly channels: readonly Row[] | { readonly refused: string };
}

/**
 * Variables by SELECT, for SHOW VARIABLES makes a table of all of them first. `super_read_only`, which MariaDB does not
 * have, needs no question: it forces `read_only`, and cannot outlast it.
 */
export const variablesStatement =
  'SELECT @@version AS version, @@version_comment AS version_comment, @@global.read_only AS read_only';
export const galeraStatement =
  'SELECT @@global.wsrep_on AS wsrep_on, @@global.wsrep_provider AS wsrep_provider, ' +
  '@@global.wsrep_reject_queries AS wsrep_reject_queries';
export const statusStatement =
  "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_local_state', 'wsrep_local_state_comment', 'wsrep_ready')";

/** All of MariaDB know `wsrep_on`; of MySQL's kin only Percona's and Codership's clusters. */
export function mayBeGalera(variables: ReadonlyMap<string, string>): boolean {
  const { version = '', version_comment: comment = '' } = Object.fromEntries(variables);
  return /mariadb/i.test(version) || /cluster|wsrep|galera/i.test(comment);
}

/**
 * | server           | statement              | grant                                                   |
 * |------------------|------------------------|---------------------------------------------------------|
 * | MariaDB          | SHOW ALL SLAVES STATUS | REPLICA MONITOR (from 10.5), before: REPLICATION CLIENT |
 * | MySQL 8.0.22 on  | SHOW REPLICA STATUS    | REPLICATION CLIENT                                      |
 * | MySQL before     | SHOW SLAVE STATUS      | REPLICATION CLIENT                                      |
 */
export function replicationStatement(version: string): string {
  if (/mariadb/i.test(version)) return 'SHOW ALL SLAVES STATUS';
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  const isNew = major > 8 || (major === 8 && (minor > 0 || patch >= 22));
  return isNew ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS';
}

/** `wsrep_on` alone does nothing (and is on by default in Percona's cluster): without a provider it is a server like others. */
export function isGalera(variables: ReadonlyMap<string, string>): boolean {
  const provider = variables.get('wsrep_provider');
  return isOn(variables.get('wsrep_on')) && provider !== 'none' && provider !== '';
}

/**
 * | Galera     | channels        | their threads        | read_only | verdict                                             |
 * |------------|-----------------|----------------------|-----------|-----------------------------------------------------|
 * | not Synced | any             | any                  | any       | down NotServing                                     |
 * | rejects    | any             | any                  | any       | down NotServing: wsrep_reject_queries, by hand      |
 * | Synced, no | one or more     | SQL thread stopped   | any       | down ReplicationBroken, Replica: it falls behind    |
 * |            |                 | I/O thread stopped   | any       | up, Replica, lag unknown: its primary may be gone   |
 * |            |                 | both run             | any       | up, Replica, lag of the slowest channel             |
 * |            | none            |                      | on        | up, Replica, lag unknown                            |
 * |            |                 |                      | off       | up, Primary                                         |
 * |            | may not be seen |                      | on        | up AuthFailed with the missing grant, Replica       |
 * |            |                 |                      | off       | up AuthFailed with the missing grant, role unknown  |
 */
export function judge(state: MysqlState): Verdict {
  const { variables, status, channels } = state;
  if (isGalera(variables) && !isSynced(status)) {
    const comment = status.get('wsrep_local_state_comment') ?? 'unknown';
    return verdict('down', 'NotServing', `Galera's state of the node is ${comment}`);
  }
  const rejected = variables.get('wsrep_reject_queries') ?? 'NONE';
  if (isGalera(variables) && rejected !== 'NONE')
    return verdict('down', 'NotServing', `wsrep_reject_queries is ${rejected}`);
  const isReadOnly = isOn(variables.get('read_only'));
  if ('refused' in channels) {
    const missing = verdict('up', 'AuthFailed', channels.refused);
    return isReadOnly ? withRole(missing, 'Replica') : missing;
  }
  if (channels.length > 0) return judgeReplica(channels);
  return withRole(
    verdict('up', 'Responded', isReadOnly ? 'read_only' : ''),
    isReadOnly ? 'Replica' : 'Primary',
  );
}

function judgeReplica(channels: readonly Row[]): Verdict {
  if (channels.some((row) => !runs(row, 'SQL')))
    return withRole(verdict('down', 'ReplicationBroken', broken(channels)), 'Replica');
  if (channels.some((row) => !runs(row, 'IO')))
    return withRole(verdict('up', 'Responded', 'the replica is not connected to its primary'), 'Replica');
  const lags = channels.map((row) => row.Seconds_Behind_Master ?? row.Seconds_Behind_Source);
  const known = lags.filter((lag) => lag !== null && lag !== undefined).map(Number);
  const replica = withRole(verdict('up', 'Responded'), 'Replica');
  return known.length < lags.length ? replica : Object.freeze({ ...replica, lagSeconds: Math.max(...known) });
}

/** Both dialects; an I/O thread that is `Connecting` does not run. */
function runs(row: Row, thread: 'SQL' | 'IO'): boolean {
  return (row[`Slave_${thread}_Running`] ?? row[`Replica_${thread}_Running`]) === 'Yes';
}

/** The number of the error alone: its text may quote the statement that failed, and with it what users wrote. */
function broken(channels: readonly Row[]): string {
  const number = channels.map((row) => Number(row.Last_SQL_Errno ?? 0)).find((code) => code > 0);
  return `the SQL thread is stopped${number === undefined ? '' : ` by error ${number}`}`;
}

function withRole(said: Verdict, role: Role): Verdict {
  return Object.freeze({ ...said, role });
}

function isSynced(status: ReadonlyMap<string, string>): boolean {
  return status.get('wsrep_local_state') === '4' && isOn(status.get('wsrep_ready') ?? 'ON');
}

/** MariaDB 12 knows more than ON and OFF of read_only: each of them forbids writing. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== 'OFF' && value !== '0' && value !== '';
}
