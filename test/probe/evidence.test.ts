import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';

import type { Handler } from '../../src/core/probing/check.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';

const inSupport = (name: string) => join(import.meta.dirname, 'support', name);
const request = { path: '/', scheme: 'HTTP', insecureSkipVerify: false } as const;
const credentials = { username: 'prober', password: 'secret', allowClearText: true };
const tls = { insecureSkipVerify: true };
const mysql = { kind: 'mysql', saturatedIs: 'inconclusive' } as const;
const postgres = { kind: 'postgres', saturatedIs: 'inconclusive' } as const;

/** Every kind of probe, in clear, over TLS, and with a login. A kind without a row does not compile. */
const byKind: Readonly<Record<Exclude<Handler['kind'], 'unready' | 'icmp'>, readonly Handler[]>> = {
  tcpSocket: [{ kind: 'tcpSocket' }],
  tls: [{ kind: 'tls', tls }],
  httpGet: [
    { kind: 'httpGet', request },
    { kind: 'httpGet', request: { ...request, scheme: 'HTTPS' }, tls },
  ],
  grpc: [
    { kind: 'grpc', service: '' },
    { kind: 'grpc', service: '', tls },
  ],
  redis: [{ kind: 'redis' }, { kind: 'redis', tls }, { kind: 'redis', credentials }],
  memcached: [{ kind: 'memcached' }, { kind: 'memcached', tls }],
  mongodb: [{ kind: 'mongodb' }, { kind: 'mongodb', tls }],
  mysql: [mysql, { ...mysql, tls }, { ...mysql, credentials }, { ...mysql, tls, credentials }],
  postgres: [
    { ...postgres, sslMode: 'disable' },
    { ...postgres, sslMode: 'prefer' },
    { ...postgres, sslMode: 'require', tls },
    { ...postgres, sslMode: 'disable', credentials },
    { ...postgres, sslMode: 'require', tls, credentials },
  ],
};
const handlers = Object.values(byKind).flat();

const titleOf = (handler: Handler): string =>
  [
    handler.kind,
    ...('sslMode' in handler ? [handler.sslMode] : []),
    ...('tls' in handler ? ['over TLS'] : []),
    ...('credentials' in handler ? ['with a login'] : []),
  ].join(' ');

/** Returns the verdicts by address, of real probes in a network of their own. */
async function probe(all: readonly Handler[], addresses: readonly string[]) {
  const { stdout } = await promisify(execFile)(inSupport('ping-namespace.sh'), [
    ...['0 0', execPath, '--disable-warning=ExperimentalWarning', inSupport('evidence-program.ts')],
    ...['500', JSON.stringify(all), ...addresses],
  ]);
  return JSON.parse(stdout) as Readonly<Record<string, readonly Verdict[]>>;
}

const evidenceOf = ({ kind, isUnreached }: Verdict): string =>
  kind === 'down' ? (isUnreached === true ? 'unreached' : 'reached') : kind;

const [refuses, hole, prohibited, noWay, noRoute] = [
  '10.8.8.2:9',
  '10.5.5.1',
  '10.6.6.1',
  '10.7.7.1',
  '10.9.9.1',
] as const;

describe('a verdict down of a probe reports how far it came:', () => {
  let seen: Readonly<Record<string, readonly Verdict[]>>;

  beforeAll(async () => {
    seen = await probe(handlers, [refuses, 'mute', hole, prohibited, noWay, noRoute]);
  });

  describe.each([
    ['a port that refuses', refuses, 'Refused', 'reached'],
    ['a server that accepts and hangs', 'mute', 'Timeout', 'reached'],
    ['a black hole', hole, 'Timeout', 'unreached'],
    // A router sends a limited number of ICMP errors a second.
    ['a router that prohibits', prohibited, 'Unreachable|Timeout', 'unreached'],
    ['a router that has no route', noWay, 'Unreachable|Timeout', 'unreached'],
    ['a node that has no route', noRoute, 'Unreachable', 'unreached'],
  ])('%s', (_, address, reason, evidence) => {
    it.each(handlers.map((handler, at) => [titleOf(handler), at] as const))('%s', (title, at) => {
      const verdict = seen[address]?.[at];
      if (verdict === undefined) throw new Error('no verdict');
      if (address === 'mute' && title === 'tcpSocket') expect(verdict.kind).toBe('up');
      else expect(`${verdict.reason} ${evidenceOf(verdict)}`).toMatch(RegExp(`^(${reason}) ${evidence}$`));
    });
  });

  it('an echo request, by the reply or the silence', async () => {
    const found = await probe([{ kind: 'icmp' }], ['10.8.8.2', hole, prohibited, noRoute]);
    const told = Object.entries(found).map(([ip, [verdict]]) => [ip, verdict && evidenceOf(verdict)]);
    expect(Object.fromEntries(told)).toEqual({
      ...{ '10.8.8.2': 'up', [hole]: 'unreached', [prohibited]: 'unreached', [noRoute]: 'unreached' },
    });
  });
});
