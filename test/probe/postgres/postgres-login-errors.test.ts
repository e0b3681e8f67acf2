import { describe, expect, it } from '@jest/globals';
import { bytes, error, message, verdictOf } from '../support/postgres-messages.ts';

describe('an error in answer to a login', () => {
  it.each([
    ['57P03', 'the database system is starting up', 'down', 'StartingUp'],
    ['57P03', 'the database system is shutting down', 'down', 'ShuttingDown'],
    ['57P03', 'the database system is in recovery mode', 'down', 'InRecovery'],
    ['57P03', 'the database system is not yet accepting connections', 'down', 'InRecovery'],
    ['57P03', 'the database system is not accepting connections', 'down', 'InRecovery'],
    ['57P03', 'das Datenbanksystem startet', 'down', 'NotServing'],
    ['57P01', 'terminating connection due to administrator command', 'down', 'ShuttingDown'],
    ['57P02', 'terminating connection because of crash of another server process', 'down', 'InRecovery'],
    ['53300', 'sorry, too many clients already', 'inconclusive', 'Saturated'],
    ['53200', 'out of memory', 'inconclusive', 'Saturated'],
    ['08P01', 'no more connections allowed (max_client_conn)', 'inconclusive', 'Saturated'],
    ['08P01', 'pgbouncer cannot connect to server', 'down', 'NotServing'],
    ['08P01', 'the database system is shutting down', 'down', 'ShuttingDown'],
    ['08P01', 'the database system is in recovery mode', 'down', 'InRecovery'],
    ['08P01', 'sorry, too many clients already', 'inconclusive', 'Saturated'],
    [
      '08P01',
      'remaining connection slots are reserved for non-replication superuser connections',
      'inconclusive',
      'Saturated',
    ],
    ['08P01', 'too many connections for role "app"', 'up', 'Responded'],
    ['08P01', 'client connections exceeded (max_db_client_connections)', 'inconclusive', 'Saturated'],
    ['08P01', 'client connections exceeded (max_user_client_connections)', 'up', 'Responded'],
    ['08P01', 'query_wait_timeout', 'down', 'NotServing'],
    ['53300', 'too many connections for role "app"', 'up', 'Responded'],
    ['53300', 'too many active clients for user (pool_size for user a.b reached 5)', 'up', 'Responded'],
    ['53300', 'too many connections for database "shop"', 'inconclusive', 'Saturated'],
    ['53400', 'out of what is configured', 'inconclusive', 'Saturated'],
    ['08S01', 'unable to read data from DB node 0', 'down', 'NotServing'],
    ['08006', 'odyssey: c1: failed to get remote server connection', 'down', 'NotServing'],
    ['08004', 'timed out waiting for a connection', 'down', 'NotServing'],
    ['58000', 'could not get connection from the pool - AllServersDown', 'down', 'NotServing'],
    ['58000', 'No pool configured for database: "shop", user: "app"', 'up', 'Responded'],
    ['58030', 'could not read block 0 in file "base/5/1259"', 'down', 'NotServing'],
    ['58P01', 'could not open file "base/5/1259"', 'down', 'NotServing'],
    ['F0000', 'could not load pg_hba.conf', 'down', 'NotServing'],
    ['57P05', 'terminating connection due to idle-session timeout', 'down', 'NotServing'],
    ['57P04', 'terminating connection because the database was dropped', 'up', 'Responded'],
    ['57014', 'canceling statement due to statement timeout', 'up', 'Responded'],
    ['42501', 'permission denied for database "shop"', 'up', 'Responded'],
    ['55000', 'database "shop" is not currently accepting connections', 'up', 'Responded'],
    ['XX000', 'pgpool is not accepting any new connections', 'down', 'NotServing'],
    ['XX000', 'all backend nodes are down, pgpool requires at least one valid node', 'down', 'NotServing'],
    ['XX000', "couldn't connect to compute node", 'down', 'NotServing'],
    ['XX000', 'Tenant or user not found', 'up', 'Responded'],
    ['XX000', 'Max client connections reached', 'inconclusive', 'Saturated'],
    ['XX000', 'md5 authentication failed', 'up', 'AuthRequired'],
    ['XX001', 'invalid page in block 0 of relation base/5/1259', 'down', 'NotServing'],
    ['08P01', 'database "shop" is disabled', 'down', 'NotServing'],
    ['08P01', 'password authentication failed for user "app"', 'up', 'AuthRequired'],
    ['08P01', 'role "app" does not exist', 'up', 'AuthRequired'],
    ['08P01', 'database "role" does not exist', 'up', 'Responded'],
    [
      '08P01',
      'server login has been failing, cached error: connect failed (server_login_retry)',
      'down',
      'NotServing',
    ],
    [
      '08P01',
      'server login has been failing, cached error: the database system is starting up (server_login_retry)',
      'down',
      'StartingUp',
    ],
    [
      '08P01',
      'server login has been failing, cached error: sorry, too many clients already (server_login_retry)',
      'inconclusive',
      'Saturated',
    ],
    [
      '08P01',
      'server login has been failing, cached error: password authentication failed for user "app" (server_login_retry)',
      'up',
      'AuthRequired',
    ],
    ['08P01', 'no such database: shop', 'up', 'Responded'],
    ['08P01', 'unsupported startup parameter: application_name', 'up', 'Responded'],
    ['28000', 'no pg_hba.conf entry for host "192.0.2.1"', 'up', 'AuthRequired'],
    ['28P01', 'password authentication failed for user "x"', 'up', 'AuthRequired'],
    ['3D000', 'database "x" does not exist', 'up', 'Responded'],
    ['XX000', 'something', 'up', 'Responded'],
  ])('%s %s: %s %s', (sqlstate, text, kind, reason) => {
    expect(verdictOf(error(sqlstate, text))).toEqual({ kind, reason, message: `${sqlstate} ${text}` });
  });

  it('is down where the handler says so of a full server', () => {
    const full = error('53300', 'sorry, too many clients already');
    expect(verdictOf(full, { saturatedIs: 'down' })).toMatchObject({ kind: 'down', reason: 'Saturated' });
  });

  it('is of the role, not of the server, in any language, by the function that raised it', () => {
    const answer = (routine: string) =>
      message('E', bytes(`SFATAL\0C53300\0Mzu viele Verbindungen\0R${routine}\0\0`));
    expect(verdictOf(answer('InitializeSessionUserId'))).toMatchObject({ kind: 'up' });
    expect(verdictOf(answer('InitProcess'))).toMatchObject({ kind: 'inconclusive', reason: 'Saturated' });
  });

  it('tells the detail of what is not now', () => {
    const answer = error(
      '57P03',
      'the database system is not accepting connections',
      'Hot standby mode is disabled.',
    );
    expect(verdictOf(answer)).toMatchObject({
      message: '57P03 the database system is not accepting connections: Hot standby mode is disabled.',
    });
  });

  it('without a length comes from a postmaster that cannot fork', () => {
    const answer = bytes('Ecould not fork new process for connection: Cannot allocate memory\n\0');
    for (const sslMode of ['disable', 'require'] as const)
      expect(verdictOf(answer, { sslMode })).toEqual({
        kind: 'inconclusive',
        reason: 'Saturated',
        message: 'could not fork new process for connection: Cannot allocate memory',
      });
  });

  it('in place of an answer about TLS makes nothing healthy where TLS is demanded', () => {
    const refusal = error('28000', 'no');
    expect(verdictOf(refusal, { sslMode: 'prefer' })).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
    expect(verdictOf(refusal, { sslMode: 'verify-full' })).toMatchObject({ reason: 'TlsFailed' });
    const starting = error('57P03', 'the database system is starting up');
    expect(verdictOf(starting, { sslMode: 'require' })).toMatchObject({ reason: 'StartingUp' });
  });
});
