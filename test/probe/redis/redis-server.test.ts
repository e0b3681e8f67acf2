import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { connect } from 'node:net';
import { once } from 'node:events';
import type { RedisHandler } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { createRedis } from '../../../src/probe/redis/redis.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/servers/ports.ts';
import { bringValkey, redis, startRedis } from '../../support/servers/redis.ts';
import type { Redis, RedisOptions } from '../../support/servers/redis.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { useAuthority } from '../support/resources.ts';

const probe = createRedis();
const servers: Redis[] = [];
const password = 'opensesame';
const patientlyMs = 20_000;
const login = { credentials: { username: '', password, allowClearText: true } };

/** Who is tried; each test starts servers of it. */
const kinds = [redis, await bringValkey()];
let kin = redis;

async function start(options: RedisOptions = {}): Promise<Redis> {
  const server = await startRedis({ kin, ...options });
  servers.push(server);
  return server;
}

/** A replica that has its primary's data. */
async function replicaOf(primary: Redis, options: RedisOptions = {}): Promise<Redis> {
  const settings = { ...options.settings, replicaof: `127.0.0.1 ${String(primary.port)}` };
  const replica = await start({ ...options, settings });
  await eventually(
    () => replica.info('master_link_status'),
    (status) => status === 'up',
    { fact: 'it has its primary', deadlineMs: patientlyMs },
  );
  return replica;
}

function ask(port: number, handler: Partial<RedisHandler> = {}, more: object = {}) {
  return probe(tcpCheck(port, { handler: { kind: 'redis', ...handler }, ...more }), forever);
}

/** Waits for such a verdict. */
const becomes = (server: Redis, holds: (verdict: Verdict) => boolean) =>
  eventually(() => ask(server.port), holds, { fact: 'the probe says so', deadlineMs: patientlyMs });

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.remove()));
});

for (const each of kinds)
  (each.missing === undefined ? describe : describe.skip)(each.name, () => {
    beforeAll(() => {
      kin = each;
    });

    describe('redis against a real server', () => {
      it('says who is primary and who replica, and follows a failover', async () => {
        const primary = await start();
        const replica = await replicaOf(primary);
        const answered = { kind: 'up', reason: 'Responded', message: '' };
        expect(await ask(primary.port)).toEqual({ ...answered, role: 'Primary' });
        expect(await ask(replica.port)).toEqual({ ...answered, role: 'Replica', lagSeconds: 0 });
        await replica.command('REPLICAOF', 'NO', 'ONE');
        await primary.command('REPLICAOF', '127.0.0.1', String(replica.port));
        expect(await ask(replica.port)).toEqual({ ...answered, role: 'Primary' });
        expect(await ask(primary.port)).toMatchObject({ role: 'Replica' });
      });

      it('is alive behind a password, and knows the role with it', async () => {
        const primary = await start({ password });
        const replica = await replicaOf(primary, { password });
        expect(await ask(primary.port)).toEqual({ kind: 'up', reason: 'AuthRequired', message: '' });
        expect(await ask(primary.port, login)).toMatchObject({ kind: 'up', role: 'Primary' });
        expect(await ask(replica.port, login)).toMatchObject({ kind: 'up', role: 'Replica', lagSeconds: 0 });
        const wrong = { credentials: { username: '', password: 'wrong', allowClearText: true } };
        expect(await ask(primary.port, wrong)).toMatchObject({ kind: 'up', reason: 'AuthFailed' });
      });

      it('needs no more than a user who may PING and INFO', async () => {
        const server = await start();
        await server.command('ACL', 'SETUSER', 'prober', 'on', '>secret', '-@all', '+ping', '+info');
        const prober = { credentials: { username: 'prober', password: 'secret', allowClearText: true } };
        expect(await ask(server.port, prober)).toMatchObject({ kind: 'up', role: 'Primary' });
      });

      it('is AuthFailed without a role where the user may PING and not INFO, and only where one was given', async () => {
        const server = await start();
        await server.command('ACL', 'SETUSER', 'deaf', 'on', '>secret', '-@all', '+ping');
        await server.command('ACL', 'SETUSER', 'default', '-info');
        const deaf = { credentials: { username: 'deaf', password: 'secret', allowClearText: true } };
        const message = 'the user is not allowed to run INFO (NOPERM)';
        expect(await ask(server.port, deaf)).toEqual({ kind: 'up', reason: 'AuthFailed', message });
        const nobody = await ask(server.port);
        expect(nobody).toMatchObject({ kind: 'up', reason: 'Responded' });
        expect(nobody.role).toBeUndefined();
      });

      it('knows how long a replica has been without its primary', async () => {
        const primary = await start();
        const replica = await replicaOf(primary);
        await primary.kill();
        await becomes(replica, ({ message }) => message !== '');
        expect(await ask(replica.port)).toMatchObject({ kind: 'up', reason: 'Responded', role: 'Replica' });
        await becomes(replica, ({ lagSeconds = 0 }) => lagSeconds >= 1);
      });

      it('is down on a replica that serves no stale data (MASTERDOWN)', async () => {
        const primary = await start();
        const replica = await replicaOf(primary, { settings: { 'replica-serve-stale-data': 'no' } });
        await primary.kill();
        await becomes(replica, ({ kind }) => kind === 'down');
        expect(await ask(replica.port)).toMatchObject({ kind: 'down', reason: 'ReplicationBroken' });
      });

      it('is down on a replica that never had its primary', async () => {
        const nobody = await freePort();
        const replica = await start({ settings: { replicaof: `127.0.0.1 ${String(nobody)}` } });
        expect(await ask(replica.port)).toMatchObject({ kind: 'down', reason: 'ReplicationBroken' });
      });

      it('is down while the server loads its data', async () => {
        const settings = { 'enable-debug-command': 'yes', 'loading-process-events-interval-bytes': '1024' };
        const server = await start({ settings });
        await server.command('DEBUG', 'POPULATE', '10000', 'key', '100');
        await server.command('SAVE');
        await server.kill();
        server.restart({ 'key-load-delay': '200' });
        await becomes(server, ({ reason }) => reason !== 'Refused');
        expect(await ask(server.port)).toMatchObject({ kind: 'down', reason: 'Loading' });
        await becomes(server, ({ kind }) => kind === 'up');
      });

      it('is down where the server cannot save and refuses writes (MISCONF)', async () => {
        const server = await start({ settings: { save: '3600 1' } });
        rmSync(server.directory, { recursive: true });
        await server.command('SET', 'key', 'value');
        await server.command('BGSAVE');
        await becomes(server, ({ kind }) => kind === 'down');
        expect(await ask(server.port)).toMatchObject({ kind: 'down', reason: 'ReadOnly' });
      });

      it('is down while a script keeps the server from answering (BUSY)', async () => {
        const server = await start({ settings: { 'busy-reply-threshold': '20' } });
        const script = server.command('EVAL', 'while true do end', '0');
        await becomes(server, ({ kind }) => kind === 'down');
        expect(await ask(server.port)).toMatchObject({ kind: 'down', reason: 'NotServing' });
        await server.command('SCRIPT', 'KILL');
        await script;
        expect(await ask(server.port)).toMatchObject({ kind: 'up' });
      });

      it('is no verdict where the server has no place for another client', async () => {
        const server = await start({ settings: { maxclients: '1' } });
        const client = connect(server.port, '127.0.0.1');
        await once(client, 'connect');
        for (let run = 0; run < 20; run += 1)
          expect(await ask(server.port)).toMatchObject({ kind: 'inconclusive', reason: 'Saturated' });
        client.destroy();
      });

      it('is down where protected mode lets nobody in from here', async () => {
        const server = await start({ settings: { bind: '*' } });
        const ip = Object.values(networkInterfaces())
          .flatMap((addresses) => addresses ?? [])
          .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
        for (let run = 0; run < 20; run += 1)
          expect(await ask(server.port, {}, { ip })).toMatchObject({ kind: 'down', reason: 'Blocked' });
        expect(await ask(server.port)).toMatchObject({ kind: 'up' });
      });

      it('times out where the server hangs, though its kernel accepts', async () => {
        const server = await start();
        server.signal('SIGSTOP');
        expect(await ask(server.port, {}, { timeoutMs: 100 })).toMatchObject({
          kind: 'down',
          reason: 'Timeout',
        });
        server.signal('SIGCONT');
        expect(await ask(server.port)).toMatchObject({ kind: 'up' });
      });
    });

    describe('redis over TLS', () => {
      const authority = useAuthority();
      const stranger = useAuthority();

      async function secured(certificate: Certificate, options: RedisOptions = {}): Promise<number> {
        const port = await freePort();
        const server = await start({
          ...options,
          files: { 'server.crt': certificate.cert, 'server.key': certificate.key },
          settings: {
            'tls-port': String(port),
            'tls-cert-file': 'server.crt',
            'tls-key-file': 'server.key',
            'tls-auth-clients': 'no',
          },
        });
        expect(server.log()).toContain('Ready to accept');
        return port;
      }
      const tls = { ca: authority.ca, serverName: 'db.example' };

      it.each([
        ['a good certificate', () => authority.issue('DNS:db.example'), { kind: 'up', role: 'Primary' }],
        ['an expired one', () => authority.issue('DNS:db.example', '2021'), { reason: 'CertificateExpired' }],
        ['one for another name', () => authority.issue('DNS:other.example'), { reason: 'TlsFailed' }],
        ['one of an unknown authority', () => stranger.issue('DNS:db.example'), { reason: 'TlsFailed' }],
      ])('%s', async (_, certificate, verdict) => {
        expect(await ask(await secured(certificate()), { tls })).toMatchObject(verdict);
      });

      it('accepts any name of the authority with verify ca', async () => {
        const port = await secured(authority.issue('DNS:other.example'));
        expect(await ask(port, { tls: { ...tls, verify: 'ca' } })).toMatchObject({ kind: 'up' });
      });

      it('takes any certificate where told to', async () => {
        const port = await secured(stranger.issue('DNS:other.example', '2021'));
        expect(await ask(port, { tls: { insecureSkipVerify: true } })).toMatchObject({ kind: 'up' });
      });

      it('gets the password over TLS that is verified, and over no other', async () => {
        const port = await secured(authority.issue('DNS:db.example'), { password });
        const credentials = { username: '', password };
        const anyone = { credentials, tls: { insecureSkipVerify: true } };
        expect(await ask(port, { credentials, tls })).toMatchObject({ kind: 'up', role: 'Primary' });
        expect(await ask(port, anyone)).toEqual({
          kind: 'up',
          reason: 'CredentialsWithheld',
          message:
            'the password would go to an unverified server: remove insecureSkipVerify (or credentials.allowClearText: true)',
        });
        expect(await ask(port, { ...anyone, ...login })).toMatchObject({ kind: 'up', role: 'Primary' });
      });
    });

    describe('redis with credentials and without TLS', () => {
      const credentials = { username: '', password };

      it('is asked without them: alive, of unknown role, and the password is withheld', async () => {
        const server = await start({ password });
        expect(await ask(server.port, { credentials })).toEqual({
          kind: 'up',
          reason: 'CredentialsWithheld',
          message: 'the password would be sent in clear text: set tls (or credentials.allowClearText: true)',
        });
        expect(await server.command('ACL', 'LOG')).toBe('');
      });

      it('knows the role where the server wants no password', async () => {
        const server = await start();
        expect(await ask(server.port, { credentials })).toMatchObject({
          kind: 'up',
          reason: 'Responded',
          role: 'Primary',
        });
      });
    });

    describe('what redis costs the server at its default settings', () => {
      it.each([
        ['without a password', {}, {}],
        ['behind a password', { password }, {}],
        ['logged in', { password }, login],
        [
          'with a wrong password',
          { password },
          { credentials: { username: '', password: 'wrong', allowClearText: true } },
        ],
      ])(
        '%s: nothing in the log, one connection and at most one slot per probe',
        async (name, options, handler) => {
          const server = await start(options);
          const count = async (field: string) => Number(await server.info(field));
          const log = server.log();
          const connections = await count('total_connections_received');
          const commands = await count('total_commands_processed');
          for (let run = 0; run < 100; run += 1) await ask(server.port, handler);
          const spent = (await count('total_connections_received')) - connections;
          const asked = (await count('total_commands_processed')) - commands;
          const entries = await server.command('ACL', 'LOG');
          console.log(
            `${kin.name} ${name}: 100 probes, ${String(spent)} connections, ${String(asked)} commands,`,
            `${String(entries.split('\n').filter((line) => line === 'count').length)} entries in ACL LOG`,
          );
          expect(server.log()).toBe(log);
          expect(spent).toBeLessThan(110);
          expect(await count('connected_clients')).toBe(1);
        },
      );
    });
  });
