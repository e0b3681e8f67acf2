import { describe, expect, it } from '@jest/globals';
import { judge, replicationStatement } from '../../src/probe/mysql-state.ts';
import type { MysqlState, Row } from '../../src/probe/mysql-state.ts';

type Names = Readonly<Record<string, string>>;

const state = (variables: Names, channels: MysqlState['channels'] = [], status: Names = {}): MysqlState => ({
  variables: new Map(Object.entries({ version: '8.4.3', read_only: 'OFF', ...variables })),
  status: new Map(Object.entries(status)),
  channels,
});

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
    { kind: 'down', reason: 'NotServing', message: "Galera's state of the node is Donor/Desynced" },
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
    expect(judge(seen)).toMatchObject(expected);
  });

  it('leaves the lag out where nobody knows it', () => {
    expect(judge(state({}, [mysql('Connecting', 'Yes', null)]))).toEqual({
      kind: 'up',
      reason: 'Responded',
      message: 'the replica is not connected to its primary',
      role: 'Replica',
    });
    expect(judge(state({}, [mysql('Yes', 'Yes', null)]))).not.toHaveProperty('lagSeconds');
  });

  it('leaves the role out where the grant is missing and it may write', () => {
    expect(judge(state({}, grant))).toEqual({ kind: 'up', reason: 'AuthFailed', message: grant.refused });
  });

  it('tells the number of the error that stopped replication, and not its text', () => {
    const row = mysql('Yes', 'No', null, {
      Last_SQL_Errno: 1062,
      Last_SQL_Error: "Duplicate entry 'secret'",
    });
    expect(judge(state({}, [row])).message).toBe('the SQL thread is stopped by error 1062');
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
