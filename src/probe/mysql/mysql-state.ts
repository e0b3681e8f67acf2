import type { Verdict } from '../../core/probing/verdict.ts';
import type { Role } from '../../core/role.ts';
import { verdict } from '../verdict/verdicts.ts';

/** Row of the client, by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows, or the error that the server sent in place of them. */
export type Rows = readonly Row[] | { readonly refused: string };

/** Answers of a server. */
export interface MysqlState {
  /** Variables and status by name, without names that the server does not have. */
  readonly variables: ReadonlyMap<string, string>;
  readonly status: ReadonlyMap<string, string>;
  /** One row for each channel that the server replicates from. */
  readonly channels: Rows;
  /** One row for each member of its Group Replication. Absent without Group Replication. */
  readonly group?: Rows;
}

/**
 * Variables that refuse the writes of all clients. A server with one of them is a replica. Aurora's readers
 * have only the last one.
 */
const readOnlyVariables = ['read_only', 'super_read_only', 'innodb_read_only'] as const;

/**
 * Variables that make transactions read only by default: MySQL's name, and the name in old versions and
 * MariaDB.
 */
const readOnlyDefaults = ['transaction_read_only', 'tx_read_only'] as const;

/**
 * The answer omits variables that a server does not have, for which SELECT @@… would be an error. MySQL,
 * MariaDB, their versions and clouds have different variables. The query takes a server 0.5 ms.
 */
export const variablesStatement = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${[
  'version',
  'server_uuid',
  ...readOnlyVariables,
  ...readOnlyDefaults,
  'offline_mode',
  'wsrep_on',
  'wsrep_provider',
  'wsrep_reject_queries',
  'group_replication_group_name',
]
  .map((name) => `'${name}'`)
  .join(', ')})`;
export const statusStatement =
  "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_local_state', 'wsrep_local_state_comment', 'wsrep_ready')";
/** Needs SELECT on the table. The account may lack it. */
export const groupStatement =
  'SELECT MEMBER_ID, MEMBER_STATE FROM performance_schema.replication_group_members';

/**
 * Returns the statement for the replication channels.
 *
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

/**
 * Returns true for a node of Galera. `wsrep_on` alone has no effect (it is on by default in Percona's
 * cluster): a node has a provider too.
 */
export function isGalera(variables: ReadonlyMap<string, string>): boolean {
  const provider = variables.get('wsrep_provider');
  return isOn(variables.get('wsrep_on')) && provider !== 'none' && provider !== '';
}

/** Returns true when the plugin is loaded and configured. */
export function mayBeInGroup(variables: ReadonlyMap<string, string>): boolean {
  return (variables.get('group_replication_group_name') ?? '') !== '';
}

/**
 * Returns the verdict of the first row that applies. `read only`: one of `readOnlyVariables` is on.
 *
 * | state of the server                              | verdict                                                        |
 * |--------------------------------------------------|----------------------------------------------------------------|
 * | Galera, not Synced or not ready                  | down NotServing                                                |
 * | Galera, wsrep_reject_queries, by hand            | down NotServing                                                |
 * | offline_mode                                     | down NotServing: it accepts administrators only                |
 * | group member that is recovering                  | down Loading, Replica                                          |
 * | group member that left its group after an error  | down ReplicationBroken, Replica: it falls behind               |
 * | reports no `read_only` at all                    | up AuthFailed, role unknown                                    |
 * | no right to see the channels, read only          | up AuthFailed with the missing grant, Replica                  |
 * | no right to see the channels                     | up AuthFailed with the missing grant, role unknown             |
 * | channels, one with its SQL thread stopped        | down ReplicationBroken, Replica: it falls behind               |
 * | channels, one with its I/O thread stopped        | up, Replica, lag unknown: its primary may be down              |
 * | channels                                         | up, Replica, lag of the slowest                                |
 * | read only                                        | up, Replica, lag unknown                                       |
 * | group member without a majority                  | up ReadOnly, Primary: its writes block                         |
 * | transactions are read only by default            | up ReadOnly, Primary                                           |
 * | any other                                        | up, Primary                                                    |
 */
export function verdictOfState(state: MysqlState): Verdict {
  const { variables, channels } = state;
  const unfit = galeraVerdict(state) ?? offlineVerdict(variables) ?? memberVerdict(state);
  if (unfit !== undefined) return unfit;
  if (readOnlyVariables.every((name) => variables.get(name) === undefined)) return unknownKind;
  const readOnly = readOnlyVariables.find((name) => isOn(variables.get(name)));
  if ('refused' in channels) {
    const missing = verdict('up', 'AuthFailed', channels.refused);
    return readOnly === undefined ? missing : withRole(missing, 'Replica');
  }
  if (channels.length > 0) return replicaVerdict(channels);
  if (readOnly !== undefined) return withRole(verdict('up', 'Responded', readOnly), 'Replica');
  return withRole(writesVerdict(state), 'Primary');
}

const unknownKind = verdict(
  'up',
  'AuthFailed',
  'the server has no variable read_only, so its role is unknown',
);

function galeraVerdict({ variables, status }: MysqlState): Verdict | undefined {
  if (!isGalera(variables)) return undefined;
  const rejected = variables.get('wsrep_reject_queries') ?? 'NONE';
  if (isSynced(status))
    return rejected === 'NONE'
      ? undefined
      : verdict('down', 'NotServing', `wsrep_reject_queries is ${rejected}`);
  const comment = status.get('wsrep_local_state_comment') ?? 'unknown';
  return verdict('down', 'NotServing', `Galera node state: ${comment}`);
}

const offlineVerdict = (variables: ReadonlyMap<string, string>): Verdict | undefined =>
  isOn(variables.get('offline_mode')) ? verdict('down', 'NotServing', 'offline_mode is on') : undefined;

function memberVerdict(state: MysqlState): Verdict | undefined {
  const own = stateInGroup(state);
  if (own === 'RECOVERING')
    return withRole(verdict('down', 'Loading', 'Group Replication: the member is recovering'), 'Replica');
  if (own !== 'ERROR') return undefined;
  return withRole(
    verdict('down', 'ReplicationBroken', 'Group Replication: the member has left its group'),
    'Replica',
  );
}

function stateInGroup({ variables, group = [] }: MysqlState): unknown {
  const members = 'refused' in group ? [] : group;
  return members.find(({ MEMBER_ID }) => MEMBER_ID === variables.get('server_uuid'))?.MEMBER_STATE;
}

function writesVerdict(state: MysqlState): Verdict {
  const { variables, group = [] } = state;
  const members = 'refused' in group ? [] : group;
  const lost = members.filter(({ MEMBER_STATE }) => MEMBER_STATE === 'UNREACHABLE');
  if (stateInGroup(state) === 'ONLINE' && 2 * lost.length >= members.length)
    return verdict(
      'up',
      'ReadOnly',
      'Group Replication: the majority of members is unreachable, so writes block',
    );
  const byDefault = readOnlyDefaults.find((name) => isOn(variables.get(name)));
  return byDefault === undefined
    ? verdict('up', 'Responded')
    : verdict('up', 'ReadOnly', `${byDefault} is on`);
}

function replicaVerdict(channels: readonly Row[]): Verdict {
  if (channels.some((row) => !runs(row, 'SQL')))
    return withRole(verdict('down', 'ReplicationBroken', broken(channels)), 'Replica');
  if (channels.some((row) => !runs(row, 'IO')))
    return withRole(verdict('up', 'Responded', 'the replica is not connected to its primary'), 'Replica');
  const lags = channels.map((row) => row.Seconds_Behind_Master ?? row.Seconds_Behind_Source);
  const known = lags.filter((lag) => lag !== null && lag !== undefined).map(Number);
  const replica = withRole(verdict('up', 'Responded'), 'Replica');
  return known.length < lags.length ? replica : Object.freeze({ ...replica, lagSeconds: Math.max(...known) });
}

/**
 * Returns true when the thread runs, by the column of MariaDB or of MySQL. An I/O thread that is `Connecting`
 * does not run.
 */
function runs(row: Row, thread: 'SQL' | 'IO'): boolean {
  return (row[`Slave_${thread}_Running`] ?? row[`Replica_${thread}_Running`]) === 'Yes';
}

/**
 * Returns a message with the number of the error only: its text may quote the failed statement, which
 * contains data of users.
 */
function broken(channels: readonly Row[]): string {
  const number = channels.map((row) => Number(row.Last_SQL_Errno ?? 0)).find((code) => code > 0);
  return `the SQL thread is stopped${number === undefined ? '' : ` by error ${number}`}`;
}

function withRole(result: Verdict, role: Role): Verdict {
  return Object.freeze({ ...result, role });
}

function isSynced(status: ReadonlyMap<string, string>): boolean {
  return status.get('wsrep_local_state') === '4' && isOn(status.get('wsrep_ready') ?? 'ON');
}

/**
 * Returns true for a value that is on. MariaDB 12 has more values of read_only than ON and OFF, and each of
 * them forbids writing.
 */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== 'OFF' && value !== '0' && value !== '';
}
