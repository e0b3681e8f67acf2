import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';

import { createMysql } from '../../src/probe/mysql/mysql.ts';
import { createProbes } from '../../src/probe/probes.ts';
import { createTcpSocket } from '../../src/probe/tcp/tcp.ts';
import { addAddress } from '../controlplane/network.ts';
import { forever, tcpCheck } from '../probe/support/checks.ts';
import { foreignHandlers } from '../probe/support/foreign-handlers.ts';
import { listen } from '../probe/support/listener.ts';
import { eventually } from '../support/eventually.ts';
import { startMariaDb } from '../support/servers/mariadb.ts';
import type { MariaDb } from '../support/servers/mariadb.ts';
import { mysqlCheck } from '../support/builders/mysql-check.ts';
import { bringMySql } from '../support/servers/mysql.ts';
import { useAuthority } from '../probe/support/resources.ts';

// With their defaults (max_connect_errors 100, names looked up) both refuse every client of an address (1129) that left
// a hundred handshakes unfinished. Prober and client have one address here, as pods have behind that of their node.
interface Contender {
  readonly title: string;
  readonly isHad: boolean;
  readonly address: string;
  readonly start: typeof startMariaDb;
  /** Forgets what it counted. */
  readonly forget: string;
  /** How accounts may be identified without more being installed. */
  readonly identified: readonly string[];
  /** Whether the address has a validated entry; errors that count for max_connect_errors, broken handshakes, refused answers. */
  readonly counted?: string;
}

const supply = await bringMySql();
const contenders: readonly Contender[] = [
  {
    title: 'MariaDB',
    isHad: true,
    address: '10.20.33.1',
    start: startMariaDb,
    forget: 'flush hosts',
    identified: ["by 'x'"],
  },
  {
    ...supply,
    address: '10.20.33.2',
    forget: 'truncate performance_schema.host_cache',
    identified: ["with caching_sha2_password by 'x'", "with sha256_password by 'x'"],
    counted: `select host_validated, sum_connect_errors, count_handshake_errors, count_auth_plugin_errors
      from performance_schema.host_cache`,
  },
];
const probe = createMysql();
const authority = useAuthority();
const certificate = authority.issue('DNS:db.example');
let db: MariaDb;

/** What a client of the prober's address is told: nothing wrong, or the server's error. */
async function login(): Promise<string> {
  const { stdout, stderr } = await db.client({ user: 'app', password: 'secret' });
  return stdout === '1\n' ? 'welcome' : stderr;
}

async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await act();
}

/** Waits for an up, which comes after whatever stood before it in the backlog: first come, first accepted. */
async function isUp(): Promise<void> {
  await eventually(
    () => probe(mysqlCheck(db), forever),
    ({ kind }) => kind === 'up',
    { fact: 'it is up' },
  );
}

/** Nobody is connected but who asks. (Aborted_connects would not do: of two that end at once it may count one.) */
async function settled(): Promise<void> {
  await eventually(
    () => db.status('Threads_connected'),
    (connected) => connected === 1,
    { fact: 'it is done with whom it accepted' },
  );
}

function connectAndClose(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(db.port, db.address, () => socket.end());
    socket.resume().on('close', resolve).on('error', reject);
  });
}

for (const { title, isHad, address, start, forget, identified, counted } of contenders)
  (isHad ? describe : describe.skip)(`with its defaults ${title}`, () => {
    beforeAll(async () => {
      await addAddress(address);
      db = await start(address, 3306, {}, certificate);
      await db.sql("create user app@'%' identified by 'secret'");
    }, 60_000);
    afterAll(() => db.remove());
    beforeEach(() => db.sql(forget));

    it('is recognised by a bare connection', async () => {
      const tcpSocket = createTcpSocket();
      // On a busy machine the first greeting may come after the probe went.
      await eventually(
        () => tcpSocket(tcpCheck(db.port, { ip: db.address }), forever),
        ({ kind, detectedProtocol }) => kind === 'up' && detectedProtocol === 'mysql',
        { fact: 'its greeting is heard' },
      );
    });

    it('locks out who connects and closes a hundred times, and every client of that address', async () => {
      await times(99, connectAndClose);
      await settled();
      expect(await login()).toBe('welcome');
      await times(100, connectAndClose);
      await settled();
      expect(await login()).toMatch(/\b1129\b.* is blocked because of many connection errors/);
      expect(await probe(mysqlCheck(db), forever)).toMatchObject({ kind: 'down', reason: 'Blocked' });
    });

    it.each(Object.entries(foreignHandlers))(
      'never refuses a client because it is probed by %s',
      async (_, handlers) => {
        const probes = createProbes();
        const check = tcpCheck(db.port, { ip: db.address, timeoutMs: 5_000 });
        for (const handler of handlers) {
          await times(120, async () => {
            expect(await probes.probe({ ...check, handler }, forever)).toMatchObject({
              kind: 'down',
              reason: 'WrongProtocol',
              message: 'a MySQL server answers on this port: use the mysql probe',
              detectedProtocol: 'mysql',
            });
          });
        }
        probes.close();
        await settled();
        expect(await login()).toBe('welcome');
        if (counted !== undefined) expect(await db.sql(counted)).toMatch(/^YES\t0\t0\t/);
      },
    );

    it('never refuses a client because it is probed by other handlers at a port that is not its own', async () => {
      const forwarder = await listen({
        onConnection: (socket) => {
          const server = connect(db.port, db.address);
          socket.pipe(server).pipe(socket);
          for (const [one, other] of [[socket, server] as const, [server, socket] as const])
            one.on('error', () => other.destroy());
        },
      });
      const check = tcpCheck(forwarder.port, { timeoutMs: 5_000 });
      for (const handler of Object.values(foreignHandlers).flat()) {
        const probes = createProbes();
        await times(20, async () => {
          expect(await probes.probe({ ...check, handler }, forever)).toMatchObject({
            reason: 'WrongProtocol',
          });
        });
        expect(await probes.probe({ ...check, handler }, forever)).toMatchObject({
          detectedProtocol: 'mysql',
        });
        probes.close();
      }
      await settled();
      expect(await login()).toBe('welcome');
      await forwarder.stop();
    });

    it('never refuses a client after 2,000 probes, nor between them', async () => {
      for (let done = 0; done < 2_000; done += 400) {
        await times(400, async () => {
          expect(await probe(mysqlCheck(db), forever)).toMatchObject({ kind: 'up', reason: 'AuthRequired' });
        });
        expect(await login()).toBe('welcome');
      }
      if (counted !== undefined) expect(await db.sql(counted)).toBe('YES\t0\t0\t2000');
    });

    it('never refuses a client because the certificate is not to the prober’s liking', async () => {
      const check = mysqlCheck(db, { tls: { serverName: 'another.example', ca: authority.ca } });
      await times(150, async () => {
        expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
      });
      expect(await login()).toBe('welcome');
    });

    it('never refuses a client because a probe with credentials does not like it either', async () => {
      const credentials = { username: 'app', password: 'secret' };
      const check = mysqlCheck(db, { credentials, tls: { serverName: 'another.example', ca: authority.ca } });
      await times(150, async () => {
        expect(await probe(check, forever)).toMatchObject({ kind: 'down', reason: 'TlsFailed' });
      });
      expect(await login()).toBe('welcome');
    });

    it('never refuses a client because probes were cancelled', async () => {
      await times(300, async () => {
        const cancel = new AbortController();
        const running = probe(mysqlCheck(db), cancel.signal);
        setImmediate(() => cancel.abort());
        expect(await running).toMatchObject({ reason: 'Cancelled' });
      });
      await isUp();
      await settled();
      expect(await login()).toBe('welcome');
    });

    it('never refuses a client because it hung while it was probed, again and again', async () => {
      for (let round = 0; round < 3; round += 1) {
        db.freeze();
        const check = mysqlCheck(db, {}, { timeoutMs: 300 });
        const verdicts = await Promise.all(Array.from({ length: 60 }, () => probe(check, forever)));
        expect(verdicts.map(({ reason }) => reason)).toEqual(verdicts.map(() => 'Timeout'));
        db.thaw();
        await isUp();
        await settled();
      }
      expect(await login()).toBe('welcome');
    });

    it.each(identified)(
      'never refuses a client because there is an account of that name, identified %s',
      async (how) => {
        await db.sql(`create user external_backend_probe@'%' identified ${how}`);
        for (const tls of [{}, { tls: { ca: authority.ca, serverName: 'db.example' } }]) {
          await times(110, async () => {
            expect(await probe(mysqlCheck(db, tls), forever)).toMatchObject({
              kind: 'up',
              reason: 'AuthRequired',
            });
          });
          expect(await login()).toBe('welcome');
        }
        await db.sql("drop user external_backend_probe@'%'");
      },
    );

    it('is up where no account may come from the prober’s address', async () => {
      await db.sql("rename user app@'%' to app@'192.0.2.1'; flush privileges");
      expect(await probe(mysqlCheck(db), forever)).toMatchObject({
        kind: 'up',
        reason: 'AuthRequired',
        message: expect.stringMatching(/^1130: Host '.*' is not allowed to connect/) as unknown,
      });
      await db.sql("rename user app@'192.0.2.1' to app@'%'; flush privileges");
    });
  });
