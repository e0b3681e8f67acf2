import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Check, PostgresHandler } from '../../../src/core/probing/check.ts';
import { createPostgres } from '../../../src/probe/postgres/postgres.ts';
import { eventually } from '../../support/eventually.ts';
import { createPostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';
import { useClusters } from '../support/use-clusters.ts';

const probe = createPostgres();
const created = useClusters();
const authority = useAuthority();

function check(
  cluster: PostgresCluster,
  more: Partial<PostgresHandler> = {},
  rest: Partial<Check> = {},
): Check {
  const handler: PostgresHandler = {
    kind: 'postgres',
    sslMode: 'disable',
    saturatedIs: 'inconclusive',
    ...more,
  };
  return tcpCheck(cluster.port, { handler, timeoutMs: 5_000, ...rest });
}

const ask = (cluster: PostgresCluster, more: Partial<PostgresHandler> = {}, rest: Partial<Check> = {}) =>
  probe(check(cluster, more, rest), forever);

const accepting = { kind: 'up', reason: 'Responded', message: '' };

/** Lines that the server logs while `act` runs. */
async function linesOf(cluster: PostgresCluster, act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = cluster.log().length;
  await act();
  // The server has logged what it had to say of them when it answers the next one.
  await cluster.query('select pg_sleep(0.1)');
  return cluster
    .log()
    .slice(before)
    .filter((line) => !reload.test(line));
}

/** A server that is busy tells of a reload late. */
const reload = /received SIGHUP|parameter "|configuration file "/;

async function hundred(act: () => Promise<unknown>): Promise<void> {
  for (let run = 0; run < 100; run += 1) await act();
}

describe('a postgres probe of a real server', () => {
  let server: PostgresCluster;
  beforeAll(async () => {
    server = await created(createPostgresCluster());
    await server.start({ max_connections: '8', superuser_reserved_connections: '1', max_wal_senders: '2' });
  });

  it('is up where it accepts sessions, whether the role exists or not', async () => {
    expect(await ask(server)).toEqual(accepting);
    expect(await ask(server, { user: 'app' })).toEqual(accepting);
    expect(await ask(server, { sslMode: 'prefer' })).toEqual(accepting);
  });

  it('leaves no line in the log, and no session behind', async () => {
    expect(await linesOf(server, () => hundred(() => ask(server)))).toEqual([]);
    const sessions = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
    await eventually(
      () => server.query(sessions),
      (count) => count === '1',
      { fact: 'no session but that of the query' },
    );
  });

  it('is up, with the reason, where pg_hba.conf rejects: one line of log each', async () => {
    await server.admit('host all all 127.0.0.1/32 reject');
    expect(await ask(server)).toEqual({
      kind: 'up',
      reason: 'AuthRequired',
      message:
        '28000 pg_hba.conf rejects connection for host "127.0.0.1", user "external_backend_probe", database "postgres", no enc...',
    });
    expect(await linesOf(server, () => hundred(() => ask(server)))).toHaveLength(100);
    await server.admit();
    expect(await ask(server)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
  });

  it('opens and ends a session where no password is asked for, and knows the role then', async () => {
    await server.admit('host all all 127.0.0.1/32 trust');
    const lines = await linesOf(server, () => hundred(() => ask(server, { user: 'app' })));
    expect(lines).toEqual([]);
    expect(await ask(server, { user: 'app' })).toEqual({ ...accepting, role: 'Primary' });
    expect(await ask(server)).toEqual({
      kind: 'up',
      reason: 'AuthRequired',
      message: '28000 role "external_backend_probe" does not exist',
    });
    expect(await ask(server, { user: 'app', database: 'none' })).toEqual({
      kind: 'up',
      reason: 'Responded',
      message: '3D000 database "none" does not exist',
    });
    await server.admit('host all all 127.0.0.1/32 scram-sha-256');
  });

  it('says how much is logged where connections are', async () => {
    await server.query('alter system set log_connections = on');
    await server.query('alter system set log_disconnections = on');
    await server.query('select pg_reload_conf()');
    await server.logged(/"log_disconnections" changed/);
    const lines = await linesOf(server, () => hundred(() => ask(server)));
    const ours = lines.filter((line) => /connection received/.test(line) && !/\[local\]/.test(line));
    expect(ours).toHaveLength(100);
    expect(lines.filter((line) => /FATAL|ERROR/.test(line))).toEqual([]);
    await server.query('alter system reset all');
    await server.query('select pg_reload_conf()');
  });

  it('is inconclusive where max_connections is reached, or down on request', async () => {
    await server.fill();
    expect(await ask(server)).toEqual({
      kind: 'inconclusive',
      reason: 'Saturated',
      message: '53300 sorry, too many clients already',
    });
    expect(await ask(server, { saturatedIs: 'down' })).toMatchObject({ kind: 'down', reason: 'Saturated' });
  });

  it('is down where it shuts down but waits for its clients', async () => {
    server.signal('SIGTERM');
    await server.logged(/received smart shutdown request/);
    expect(await ask(server)).toEqual({
      kind: 'down',
      reason: 'ShuttingDown',
      message: '57P03 the database system is shutting down',
    });
    await server.kill();
    expect(await ask(server)).toMatchObject({ kind: 'down', reason: 'Refused' });
  });

  it('is down where it accepts but hangs', async () => {
    await server.start();
    server.signal('SIGSTOP');
    expect(
      await ask(server, {}, tcpCheck(server.port, { timeoutMs: 300, handler: check(server).handler })),
    ).toEqual({
      kind: 'down',
      reason: 'Timeout',
      message: 'connected, but no answer within 0.3 s',
    });
    server.signal('SIGCONT');
    expect(await ask(server)).toEqual(accepting);
  });

  it('is down while it recovers from a crash of one of its processes', async () => {
    const [stuck, victim] = [await server.session(), await server.session()];
    // One that does not hear the postmaster keeps the crash from being over for 5 s.
    process.kill(stuck, 'SIGSTOP');
    process.kill(victim, 'SIGKILL');
    await server.logged(/terminating any other active server processes/);
    expect(await ask(server)).toEqual({
      kind: 'down',
      reason: 'InRecovery',
      message: '57P03 the database system is in recovery mode',
    });
    await server.kill();
  });
});

describe('a postgres probe of a server that starts', () => {
  let primary: PostgresCluster;
  beforeAll(async () => {
    primary = await created(createPostgresCluster());
    await primary.start();
  });

  it('is down as long as it reads what it begins from', async () => {
    const copy = await created(primary.replica());
    copy.write('recovery.signal', '');
    copy.launch({ restore_command: 'sleep 600', primary_conninfo: '' });
    await copy.logged(
      /entering standby mode|starting (archive|point-in-time) recovery|database system was interrupted/,
    );
    expect(await ask(copy)).toEqual({
      kind: 'down',
      reason: 'StartingUp',
      message: '57P03 the database system is starting up',
    });
    await copy.kill();
  });

  it('is down as long as its data is not consistent', async () => {
    const copy = await created(primary.replica());
    forgetAfterCheckpoint(copy.data);
    copy.launch({ primary_conninfo: 'host=127.0.0.1 port=1' });
    await copy.logged(/redo starts/);
    while ((await ask(copy)).reason === 'StartingUp');
    expect(await ask(copy)).toEqual({
      kind: 'down',
      reason: 'InRecovery',
      message:
        '57P03 the database system is not yet accepting connections: Consistent recovery state has not been yet reached.',
    });
    await copy.kill();
  });

  it('is down where it is a replica that takes no sessions', async () => {
    const copy = await created(primary.replica());
    copy.launch({ hot_standby: 'off' });
    await copy.logged(/started streaming WAL/);
    expect(await ask(copy)).toEqual({
      kind: 'down',
      reason: 'InRecovery',
      message: '57P03 the database system is not accepting connections: Hot standby mode is disabled.',
    });
    await copy.kill();
  });
});

describe('a postgres probe over TLS', () => {
  let server: PostgresCluster;
  beforeAll(async () => {
    server = await created(createPostgresCluster());
    await present(authority.issue('DNS:db.example,IP:127.0.0.1'));
  });

  /** Restarts the server with another certificate. */
  async function present({ cert, key }: Certificate): Promise<void> {
    await server.kill();
    server.write('server.crt', cert);
    server.write('server.key', key);
    await server.start({ ssl: 'on' });
  }

  const named = { host: 'db.example' };
  const tls = { ca: authority.ca };

  it('is up with a good certificate, in every mode, and leaves no line in the log', async () => {
    const lines = await linesOf(server, async () => {
      for (const sslMode of ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const)
        expect(await ask(server, { sslMode, tls }, named)).toEqual(accepting);
    });
    expect(lines).toEqual([]);
    expect(await linesOf(server, () => hundred(() => ask(server, { sslMode: 'require' })))).toEqual([]);
  });

  it('knows a wrong name in mode verify-full only, an unknown authority in both', async () => {
    const other = { host: 'other.example' };
    expect(await ask(server, { sslMode: 'verify-full', tls }, other)).toMatchObject({
      kind: 'down',
      reason: 'TlsFailed',
      message: 'the certificate is not valid for other.example',
    });
    expect(await ask(server, { sslMode: 'verify-ca', tls }, other)).toEqual(accepting);
    for (const sslMode of ['verify-ca', 'verify-full'] as const)
      expect(await ask(server, { sslMode }, named)).toMatchObject({
        kind: 'down',
        reason: 'TlsFailed',
        message: 'the certificate is signed by an unknown authority',
      });
    expect(await ask(server, { sslMode: 'require' }, other)).toEqual(accepting);
  });

  it('knows a certificate that has expired', async () => {
    await present(authority.issue('DNS:db.example', '2021'));
    expect(await ask(server, { sslMode: 'verify-full', tls }, named)).toMatchObject({
      kind: 'down',
      reason: 'CertificateExpired',
    });
    expect(await ask(server, { sslMode: 'require', tls }, named)).toEqual(accepting);
  });

  it('is down where the server offers none, unless the mode is prefer', async () => {
    await server.kill();
    await server.start({ ssl: 'off' });
    expect(await ask(server, { sslMode: 'require' })).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
    expect(await ask(server, { sslMode: 'prefer' })).toEqual(accepting);
  });
});

/** Of the log that a backup needs to be consistent, leaves only what is up to its checkpoint. */
function forgetAfterCheckpoint(data: string): void {
  const label = readFileSync(join(data, 'backup_label'), 'utf8');
  const [, segment = ''] = /^START WAL LOCATION: .*\(file (\w+)\)/m.exec(label) ?? [];
  const [, position = ''] = /^CHECKPOINT LOCATION: \w+\/(\w+)/m.exec(label) ?? [];
  const file = join(data, 'pg_wal', segment);
  const log = readFileSync(file);
  const lengthOfRecord = 120;
  writeFileSync(file, log.fill(0, (Number.parseInt(position, 16) % log.length) + lengthOfRecord));
}
