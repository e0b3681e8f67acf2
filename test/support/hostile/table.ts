import type { Handler } from '../../../src/core/probing/check.ts';
import type { Certificate } from '../../probe/support/certificates.ts';
import { greeting } from '../../probe/support/mysql-bytes.ts';
import { credentials, none, up } from './attack.ts';
import type { Answer, Attack, AttackKind, Attacks, Expected, ProbeKind, Serve } from './attack.ts';
import { beginTls } from './begin-tls.ts';
import type { Prelude } from './begin-tls.ts';
import { drip, flood, letters, pieces } from './floods.ts';
import { grpcAttacks } from './grpc-attacks.ts';
import { httpAttacks } from './http-attacks.ts';
import { memcachedAttacks } from './memcached-attacks.ts';
import { mongodbAttacks } from './mongodb-attacks.ts';
import { mysqlAttacks } from './mysql-attacks.ts';
import { postgresAttacks } from './postgres-attacks.ts';
import { redisAttacks } from './redis-attacks.ts';
import { tlsAttacks } from './tls-attacks.ts';

const onConnect = none('nothing is read: the probe ends when the connection is established');
const onePacket = none('an answer is one packet, and the kernel gives those of this request alone');
const nothingSent = none('nothing is sent');
const noneOf = (reason: ReturnType<typeof none>): Attacks => ({
  ...{ bytes: reason, silence: reason, drip: reason, pieces: reason, messages: reason },
  ...{ preliminaries: reason, lengths: reason, nesting: reason, compression: reason, computation: reason },
});
const isUp = up('Connected');

/** Attacks of each protocol. A handler without them does not compile. */
export const attacks = {
  tcpSocket: {
    ...noneOf(onConnect),
    bytes: [{ name: 'letters', answer: (s) => flood(s, letters), expected: isUp }],
    silence: [{ name: 'silence', answer: () => undefined, expected: isUp }],
    drip: [{ name: 'drip', answer: (s) => drip(s, letters), expected: isUp }],
    pieces: [{ name: 'pieces', answer: (s) => pieces(s, letters), expected: isUp }],
  },
  httpGet: httpAttacks,
  icmp: noneOf(onePacket),
  unready: noneOf(nothingSent),
  mysql: mysqlAttacks,
  postgres: postgresAttacks,
  redis: redisAttacks,
  mongodb: mongodbAttacks,
  memcached: memcachedAttacks,
  tls: noneOf(none('a probe of TLS ends with the handshake: see tlsAttacks')),
  grpc: grpcAttacks,
} satisfies Record<ProbeKind, Attacks>;

const saturatedIs = 'inconclusive' as const;
const tls = { insecureSkipVerify: true };

interface Way {
  readonly clear?: (login: boolean) => Handler;
  readonly secure?: (login: boolean) => Handler;
  readonly prelude: Prelude;
  /** Bytes of the server before the client sends any, in clear. */
  readonly greeting?: Buffer;
  /** The server acts without waiting for the client. */
  readonly speaksFirst?: true;
}

const loginOf = (login: boolean) => (login ? { credentials } : {});
const request = { path: '/', insecureSkipVerify: true } as const;

const ways = {
  tcpSocket: { prelude: 'none', speaksFirst: true, clear: () => ({ kind: 'tcpSocket' }) },
  httpGet: {
    prelude: 'none',
    clear: () => ({ kind: 'httpGet', request: { ...request, scheme: 'HTTP' } }),
    secure: () => ({ kind: 'httpGet', request: { ...request, scheme: 'HTTPS' } }),
  },
  icmp: { prelude: 'none' },
  unready: { prelude: 'none' },
  mysql: {
    prelude: 'mysql',
    greeting: greeting(),
    clear: (login) => ({ kind: 'mysql', saturatedIs, ...loginOf(login) }),
    secure: (login) => ({ kind: 'mysql', saturatedIs, tls, ...loginOf(login) }),
  },
  postgres: {
    prelude: 'postgres',
    clear: (login) => ({ kind: 'postgres', saturatedIs, sslMode: 'disable', ...loginOf(login) }),
    secure: (login) => ({ kind: 'postgres', saturatedIs, sslMode: 'require', ...loginOf(login) }),
  },
  redis: {
    prelude: 'none',
    clear: () => ({ kind: 'redis' }),
    secure: () => ({ kind: 'redis', tls }),
  },
  mongodb: {
    prelude: 'none',
    clear: () => ({ kind: 'mongodb' }),
    secure: () => ({ kind: 'mongodb', tls }),
  },
  memcached: {
    prelude: 'none',
    clear: () => ({ kind: 'memcached' }),
    secure: () => ({ kind: 'memcached', tls }),
  },
  tls: { prelude: 'none', secure: () => ({ kind: 'tls', tls }) },
  grpc: {
    prelude: 'none',
    clear: () => ({ kind: 'grpc', service: '' }),
    secure: () => ({ kind: 'grpc', service: '', tls }),
  },
} satisfies Record<ProbeKind, Way>;

/** One probe of one hostile server. */
export interface HostileCase {
  /** Unique. */
  readonly name: string;
  /** The attack that this is a case of. */
  readonly attack: string;
  readonly isSecure: boolean;
  readonly handler: Handler;
  readonly serve: (certificate: Certificate) => Serve;
  readonly expected: Expected;
  readonly isSlow: boolean;
}

const kinds = Object.keys(attacks) as readonly ProbeKind[];
const withLogin: ReadonlySet<ProbeKind> = new Set(['mysql', 'postgres']);

function inClear({ greeting: hello, speaksFirst }: Way, answer: Answer): Serve {
  return (socket) => {
    if (hello !== undefined) {
      socket.write(hello);
      answer(socket);
    } else if (speaksFirst === true) answer(socket);
    else socket.once('data', () => answer(socket));
  };
}

function overTls({ prelude, greeting: hello }: Way, answer: Answer): HostileCase['serve'] {
  return (certificate) => (socket) =>
    beginTls(socket, prelude, certificate, (secured) => {
      if (hello !== undefined) answer(secured);
      else secured.once('data', () => answer(secured));
    });
}

function casesOf(kind: ProbeKind, attack: Attack): readonly HostileCase[] {
  const way: Way = ways[kind];
  const { name, answer, expected, isSlow = false, login = false } = attack;
  const shared = { attack: `${kind}: ${name}`, expected, isSlow };
  return [
    ...(way.clear === undefined
      ? []
      : [
          {
            ...{ ...shared, name: `${kind}: ${name}`, isSecure: false },
            ...{ handler: way.clear(login), serve: () => inClear(way, answer) },
          },
        ]),
    ...(way.secure === undefined
      ? []
      : [
          {
            ...{ ...shared, name: `${kind}, over TLS: ${name}`, isSecure: true },
            ...{ handler: way.secure(login), serve: overTls(way, answer) },
          },
        ]),
  ];
}

/** Each attack of each protocol, in clear and over TLS where the protocol has both. */
export const protocolCases: readonly HostileCase[] = kinds.flatMap((kind) => {
  const table: Attacks = attacks[kind];
  return (Object.keys(table) as readonly AttackKind[]).flatMap((attackKind) => {
    const found = table[attackKind];
    return 'none' in found ? [] : found.flatMap((attack) => casesOf(kind, attack));
  });
});

/** Each handler that speaks TLS, without verification, and what comes before the handshake. */
export const tlsHandlers: readonly (readonly [title: string, prelude: Prelude, handler: Handler])[] =
  kinds.flatMap((kind) => {
    const { secure, prelude }: Way = ways[kind];
    if (secure === undefined) return [];
    const logins = withLogin.has(kind) ? [false, true] : [false];
    return logins.map(
      (login) => [`${kind}${login ? ' with credentials' : ''}`, prelude, secure(login)] as const,
    );
  });

/** Each attack on TLS, through each handler that speaks it. */
export const tlsCases: readonly HostileCase[] = tlsHandlers.flatMap(([title, prelude, handler]) =>
  tlsAttacks
    .filter(({ isAfterHandshake }) => handler.kind !== 'tls' || isAfterHandshake === undefined)
    .map(({ name, serve, expected, isSlow = false }) => ({
      ...{ name: `${title}: ${name}`, attack: name, expected, isSlow, isSecure: true },
      handler,
      serve: (certificate: Certificate) => serve(prelude, certificate),
    })),
);
