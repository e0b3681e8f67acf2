import { describe, expect, it } from '@jest/globals';
import type { Credentials, Handler, TlsOptions } from '../../../src/core/probing/check.ts';
import { mayRevealPassword } from '../../../src/probe/connection/password-exposure.ts';
import { useProbes } from '../support/use-probes.ts';
import type { Certificate } from '../support/certificates.ts';
import { forever, tcpCheck } from '../support/checks.ts';
import { greedyMysql, greedyPostgres, greedyRedis, md5Of } from '../support/greedy-servers.ts';
import type { GreedyServer } from '../support/greedy-servers.ts';
import { listen } from '../support/listener.ts';
import { useAuthority } from '../support/resources.ts';

const authority = useAuthority();
const certificate = authority.issue('IP:127.0.0.1,DNS:db.example');
const credentials: Credentials = { username: 'app', password: 'open sesame' };
const saturatedIs = 'inconclusive';
const { probe } = useProbes();
/** How the connection is secured, and what of it the handler says. */
interface Way {
  readonly name: string;
  readonly tls?: TlsOptions;
  readonly sslMode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  readonly certificate?: Certificate;
  readonly isVerified: boolean;
}

const { ca } = authority;
const ways: readonly Way[] = [
  { name: 'without TLS', sslMode: 'disable', isVerified: false },
  { name: 'without TLS that is preferred', sslMode: 'prefer', isVerified: false },
  {
    name: 'over TLS of any certificate',
    sslMode: 'require',
    tls: { insecureSkipVerify: true },
    certificate,
    isVerified: false,
  },
  { name: 'over TLS that is verified', sslMode: 'verify-full', tls: { ca }, certificate, isVerified: true },
  {
    name: 'over TLS whose authority is verified',
    sslMode: 'verify-ca',
    tls: { ca, verify: 'ca', serverName: 'other.example' },
    certificate,
    isVerified: true,
  },
];

/** A handler that logs in, the server that it meets, and what that learns where it may. */
interface Row {
  readonly name: string;
  readonly handler: (way: Way, credentials: Credentials) => Handler;
  readonly server: GreedyServer;
  readonly secret: string | undefined;
}

const postgres: Row['handler'] = ({ sslMode, tls }, account) => ({
  kind: 'postgres',
  sslMode,
  saturatedIs,
  credentials: account,
  ...(tls && { tls }),
});
const mysql: Row['handler'] = ({ tls }, account) => ({
  kind: 'mysql',
  saturatedIs,
  credentials: account,
  ...(tls && { tls }),
});
const redis: Row['handler'] = ({ tls }, account) => ({
  kind: 'redis',
  credentials: account,
  ...(tls && { tls }),
});
const { username, password } = credentials;
const rows: readonly Row[] = [
  { name: 'PostgreSQL by password', handler: postgres, server: greedyPostgres(3), secret: password },
  {
    name: 'PostgreSQL by md5',
    handler: postgres,
    server: greedyPostgres(5),
    secret: md5Of(username, password),
  },
  ...['caching_sha2_password', 'sha256_password', 'mysql_clear_password'].flatMap((plugin) =>
    [false, true].map((asNamed) => ({
      name: `MySQL by ${plugin}${asNamed ? ' from the greeting on' : ''}`,
      handler: mysql,
      server: greedyMysql(plugin, { asNamed }),
      secret: plugin === 'mysql_clear_password' ? undefined : password,
    })),
  ),
  { name: 'Redis by AUTH', handler: redis, server: greedyRedis, secret: password },
];

/** What the server learned, and what the probe says of it, the first time and the second. */
async function asked(row: Row, way: Way, account: Credentials) {
  const learned: string[] = [];
  const listener = await listen({
    onConnection: (socket) => row.server.serve(socket, way.certificate, (secret) => learned.push(secret)),
  });
  const check = tcpCheck(listener.port, { handler: row.handler(way, account), timeoutMs: 5_000 });
  const verdicts = [await probe(check, forever), await probe(check, forever)];
  await listener.stop();
  return { learned, verdicts };
}

const cases = rows.flatMap((row) => ways.map((way) => ({ title: `${row.name}, ${way.name}`, row, way })));

describe('a server that wants the password', () => {
  it.each(cases)('gets it of a verified connection alone: $title', async ({ row, way }) => {
    const { learned, verdicts } = await asked(row, way, credentials);
    if (way.isVerified && row.secret !== undefined) {
      expect(new Set(learned)).toEqual(new Set([row.secret]));
      return;
    }
    expect(learned).toEqual([]);
    for (const verdict of verdicts)
      expect(verdict).toMatchObject({ kind: 'up', reason: 'CredentialsWithheld' });
  });

  it.each(cases)('gets it where clear text is allowed: $title', async ({ row, way }) => {
    const { learned } = await asked(row, way, { ...credentials, allowClearText: true });
    expect(new Set(learned)).toEqual(new Set(row.secret === undefined ? [] : [row.secret]));
  });
});

describe('the message of credentials that are withheld', () => {
  const [, plain, anyone] = ways;
  const [byPassword] = rows;
  const byAuth = rows.at(-1);
  it.each([
    [
      byPassword,
      plain,
      'the password would be sent in clear text: set sslMode: verify-full (or credentials.allowClearText: true)',
    ],
    [
      byPassword,
      anyone,
      'the password would go to an unverified server: set sslMode: verify-full (or credentials.allowClearText: true)',
    ],
    [
      byAuth,
      plain,
      'the password would be sent in clear text: set tls (or credentials.allowClearText: true)',
    ],
    [
      byAuth,
      anyone,
      'the password would go to an unverified server: remove insecureSkipVerify (or credentials.allowClearText: true)',
    ],
  ])('names what to change', async (row, way, message) => {
    if (row === undefined || way === undefined) throw new Error('no such row');
    const { verdicts } = await asked(row, way, credentials);
    expect(verdicts.map((verdict) => verdict.message)).toEqual([message, message]);
  });
});

it.each([
  [undefined, undefined, false],
  [undefined, 'none', false],
  [false, 'none', false],
  [undefined, 'ca', true],
  [undefined, 'full', true],
  [true, undefined, true],
  [true, 'none', true],
] as const)(
  'with allowClearText %s and a server verified %s, the password may be revealed: %s',
  (allowed, verified, may) => {
    expect(
      mayRevealPassword(
        { ...credentials, ...(allowed !== undefined && { allowClearText: allowed }) },
        verified,
      ),
    ).toBe(may);
  },
);
