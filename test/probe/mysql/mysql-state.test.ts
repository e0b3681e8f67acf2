import { describe, expect, it } from '@jest/globals';
import { verdictOfState, replicationStatement } from '../../../src/probe/mysql/mysql-state.ts';
import type { MysqlState, Row } from '../../../src/probe/mysql/mysql-state.ts';

type Names = Readonly<Record<string, string>>;

const state = (variables: Names, channels: MysqlState['channels'] = [], status: Names = {}): MysqlState => ({
  variables: new Map(Object.entries({ version: '8.4.3', read_only: 'OFF', ...variables })),
  status: new Map(Object.entries(status)),
  channels,
});

/** A member of Group Replication, by its own state and those of the others. */
function member(own: string, variables: Names, others: readonly string[]): MysqlState {
  const rows = [own, ...others].map((MEMBER_STATE, i) => ({ MEMBER_ID: `uuid-${i}`, MEMBER_STATE }));
  return { ...state({ server_uuid: 'uuid-0', ...variables }), group: rows };
}

const mysql = (io: string, sql: string, lag: number | null, more: Row = {}): Row => ({
  Replica_IO_Running: io,
  Replica_SQL_Running: sql,
  Seconds_Behind_Source: lag,
  ...more,
});
const mariadb = (io: string, sql: string, lag: number | null): Row => ({
  Slave_IO_Running: io,
  Slave_SQL_Running: sql,
  Seconds_Behind_Master: lag,
});
const galera = { wsrep_on: 'ON' };
const synced = { wsrep_local_state: '4', wsrep_ready: 'ON', wsrep_local_state_comment: 'Synced' };
const grant = {
  refused: '1227: Access denied; you need (at least one of) the REPLICATION CLIENT privilege(s)',
};

const table: readonly (readonly [string, MysqlState, object])[] = [
  ['a server alone', state({}), { kind: 'up', role: 'Primary' }],
  ['read_only as a number', state({ read_only: '1' }), { kind: 'up', role: 'Replica' }],
  ['read_only off, as a number', state({ read_only: '0' }), { kind: 'up', role: 'Primary' }],
  ['read_only', state({ read_only: 'ON' }), { kind: 'up', role: 'Replica' }],
  ['a read_only of MariaDB 12', state({ read_only: 'NO_LOCK' }), { kind: 'up', role: 'Replica' }],
  ['super_read_only', state({ super_read_only: 'ON' }), { kind: 'up', role: 'Replica' }],
  [
    'a reader of Aurora',
    state({ innodb_read_only: 'ON' }),
    { kind: 'up', reason: 'Responded', role: 'Replica', message: 'innodb_read_only' },
  ],
  ['a writer of Aurora', state({ innodb_read_only: 'OFF' }), { kind: 'up', role: 'Primary', message: '' }],
  [
    'transactions that are read only by default',
    state({ transaction_read_only: 'ON' }),
    { kind: 'up', reason: 'ReadOnly', role: 'Primary', message: 'transaction_read_only is on' },
  ],
  [
    'the same by its old name',
    state({ tx_read_only: 'ON' }),
    { kind: 'up', reason: 'ReadOnly', role: 'Primary' },
  ],
  ['read_only, and transactions too', state({ read_only: 'ON', tx_read_only: 'ON' }), { role: 'Replica' }],
  ['offline mode', state({ offline_mode: 'ON' }), { kind: 'down', reason: 'NotServing' }],
  [
    'a server without the variable',
    { ...state({}), variables: new Map() },
    { kind: 'up', reason: 'AuthFailed', message: expect.stringContaining('no variable read_only') },
  ],
  [
    'the primary of a group',
    member('ONLINE', {}, ['ONLINE', 'ONLINE']),
    { kind: 'up', reason: 'Responded', role: 'Primary' },
  ],
  [
    'a secondary of a group',
    member('ONLINE', { read_only: 'ON' }, ['ONLINE']),
    { kind: 'up', role: 'Replica' },
  ],
  [
    'a primary that lost the majority of its group',
    member('ONLINE', {}, ['UNREACHABLE', 'UNREACHABLE']),
    { kind: 'up', reason: 'ReadOnly', role: 'Primary' },
  ],
  [
    'a primary that lost one of three members',
    member('ONLINE', {}, ['ONLINE', 'UNREACHABLE']),
    { kind: 'up', reason: 'Responded', role: 'Primary' },
  ],
  [
    'a member that joins',
    member('RECOVERING', { read_only: 'ON' }, ['ONLINE']),
    { kind: 'down', reason: 'Loading', role: 'Replica' },
  ],
  [
    'a member that an error made leave',
    member('ERROR', { read_only: 'ON' }, []),
    { kind: 'down', reason: 'ReplicationBroken', role: 'Replica' },
  ],
  ['a server whose group is not started', member('OFFLINE', {}, []), { kind: 'up', role: 'Primary' }],
  [
    'a member whose group may not be seen',
    { ...state({}), group: { refused: '1142: SELECT command denied' } },
    { kind: 'up', reason: 'Responded', role: 'Primary' },
  ],
  [
    'a replica that caught up',
    state({}, [mysql('Yes', 'Yes', 0)]),
    { kind: 'up', role: 'Replica', lagSeconds: 0 },
  ],
  [
    'a replica of MariaDB',
    state({}, [mariadb('Yes', 'Yes', 7)]),
    { kind: 'up', role: 'Replica', lagSeconds: 7 },
  ],
  [
    'two channels',
    state({}, [mysql('Yes', 'Yes', 3), mysql('Yes', 'Yes', 90)]),
    { kind: 'up', role: 'Replica', lagSeconds: 90 },
  ],
  [
    'a stopped SQL thread',
    state({}, [mysql('Yes', 'No', null)]),
    { reason: 'ReplicationBroken', role: 'Replica' },
  ],
  [
    'one of two SQL threads stopped',
    state({}, [mariadb('Yes', 'Yes', 0), mariadb('Yes', 'No', null)]),
    { kind: 'down', reason: 'ReplicationBroken' },
  ],
  ['Galera, synced', state(galera, [], synced), { kind: 'up', role: 'Primary' }],
  [
    'Galera, a donor',
    state(galera, [], { wsrep_local_state: '2', wsrep_local_state_comment: 'Donor/Desynced' }),
    { kind: 'down', reason: 'NotServing', message: 'Galera node state: Donor/Desynced' },
  ],
  [
    'Galera, without quorum',
    state(galera, [], { ...synced, wsrep_ready: 'OFF' }),
    { kind: 'down', reason: 'NotServing' },
  ],
  [
    'Galera, synced but told to reject queries',
    state({ ...galera, wsrep_reject_queries: 'ALL_KILL' }, [], synced),
    { kind: 'down', reason: 'NotServing', message: 'wsrep_reject_queries is ALL_KILL' },
  ],
  [
    'Galera, without a provider',
    state({ ...galera, wsrep_provider: 'none' }),
    { kind: 'up', role: 'Primary' },
  ],
  ['Galera, silent', state(galera), { kind: 'down', reason: 'NotServing' }],
  [
    'no grant, read_only',
    state({ read_only: 'ON' }, grant),
    { kind: 'up', reason: 'AuthFailed', role: 'Replica' },
  ],
];

describe('what a server says of itself', () => {
  it.each(table)('%s', (_, seen, expected) => {
    expect(verdictOfState(seen)).toMatchObject(expected);
  });

  it('leaves the lag out where nobody knows it', () => {
    expect(verdictOfState(state({}, [mysql('Connecting', 'Yes', null)]))).toEqual({
      kind: 'up',
      reason: 'Responded',
      message: 'the replica is not connected to its primary',
      role: 'Replica',
    });
    expect(verdictOfState(state({}, [mysql('Yes', 'Yes', null)]))).not.toHaveProperty('lagSeconds');
  });

  it('leaves the role out where the grant is missing and it may write', () => {
    expect(verdictOfState(state({}, grant))).toEqual({
      kind: 'up',
      reason: 'AuthFailed',
      message: grant.refused,
    });
  });

  it('tells the number of the error that stopped replication, and not its text', () => {
    const row = mysql('Yes', 'No', null, {
      Last_SQL_Errno: 1062,
      Last_SQL_Error: "Duplicate entry 'secret'",
    });
    expect(verdictOfState(state({}, [row])).message).toBe('the SQL thread is stopped by error 1062');
  });

  it.each([
    ['10.11.19-MariaDB-log', 'SHOW ALL SLAVES STATUS'],
    ['5.5.5-10.4.2-MariaDB', 'SHOW ALL SLAVES STATUS'],
    ['8.0.21', 'SHOW SLAVE STATUS'],
    ['8.0.22-commercial', 'SHOW REPLICA STATUS'],
    ['9.1.0', 'SHOW REPLICA STATUS'],
    ['5.7.44-log', 'SHOW SLAVE STATUS'],
  ])('%s is asked %s', (version, statement) => {
    expect(replicationStatement(version)).toBe(statement);
  });
});
