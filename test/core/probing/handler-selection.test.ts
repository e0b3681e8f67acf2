import { describe, expect, it } from '@jest/globals';
import { probeSchema } from '../../../src/api/external-backend.ts';
import { probeKinds } from '../../../src/api/probe-kinds.ts';
import type { ProbeKindTraits } from '../../../src/api/probe-kinds.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { defaultHandler, namedHandler, httpHandler } from '../../../src/core/probing/handler-selection.ts';
import type { ProbeSecrets } from '../../../src/core/probing/probe-secrets.ts';
import { aBackend, aPort } from '../../support/builders/builders.ts';

const choose = (port: Parameters<typeof aPort>[0], dialled: number, materials: ProbeSecrets = {}) =>
  defaultHandler(port === undefined ? undefined : aPort(port), dialled, { secrets: materials, choose: true });

describe('the chosen handler', () => {
  it.each([
    ['5432 is PostgreSQL', {}, 5432, 'postgres', 'postgres: port 5432'],
    ['3306 is MySQL', {}, 3306, 'mysql', 'mysql: port 3306'],
    ['6379 is Redis', {}, 6379, 'redis', 'redis: port 6379'],
    ['27017 is MongoDB', {}, 27017, 'mongodb', 'mongodb: port 27017'],
    ['any other number is nothing', {}, 5433, 'tcpSocket', 'tcpSocket: the default'],
    [
      'appProtocol decides at any port number',
      { appProtocol: 'postgresql' },
      6432,
      'postgres',
      'postgres: appProtocol postgresql',
    ],
    ['mariadb is MySQL', { appProtocol: 'mariadb' }, 1, 'mysql', 'mysql: appProtocol mariadb'],
    [
      'appProtocol comes before the port number',
      { appProtocol: 'redis' },
      5432,
      'redis',
      'redis: appProtocol redis',
    ],
    [
      'another appProtocol is nothing, whatever the number',
      { appProtocol: 'https' },
      5432,
      'tcpSocket',
      'tcpSocket: the default',
    ],
    [
      'one that every object has is nothing',
      { appProtocol: 'constructor' },
      5432,
      'tcpSocket',
      'tcpSocket: the default',
    ],
    [
      'a port outside the Service is judged by its number',
      undefined,
      5432,
      'postgres',
      'postgres: port 5432',
    ],
  ])('%s', (_, port, dialled, kind, why) => {
    const found = choose(port, dialled);
    expect([found.handler.kind, found.why]).toEqual([kind, why]);
  });

  it('is tcpSocket when choosing is disabled', () => {
    const off = defaultHandler(aPort(), 5432, { secrets: {}, choose: false });
    expect(off).toEqual({ handler: { kind: 'tcpSocket' }, why: 'tcpSocket: the default' });
  });

  it('is reported also while its Secret is missing', () => {
    const { handler, why } = choose({}, 5432, { tlsMissing: 'Secret ca: there is no such Secret' });
    expect(handler).toEqual({ kind: 'unready', message: 'Secret ca: there is no such Secret' });
    expect(why).toBe('postgres: port 5432');
  });
});

const selectable = Object.entries<ProbeKindTraits>(probeKinds).flatMap(
  ([kind, { port, appProtocols = [] }]) => (port === undefined ? [] : [[kind, port, appProtocols] as const]),
);

describe.each(selectable)('%s', (kind, number, appProtocols) => {
  const named = namedHandler(probeSchema.parse({ [kind]: {} }), {});

  it('is the handler that its port number selects, with the options that the schema has by default', () => {
    expect(named).toMatchObject({ kind });
    expect(choose(undefined, number).handler).toEqual(named);
  });

  it.each(appProtocols)(
    'is the handler that the appProtocol %s selects, at any port number',
    (appProtocol) => {
      expect(choose({ appProtocol }, 1).handler).toEqual(named);
    },
  );
});

describe('a named handler', () => {
  const credentials = { username: 'probe', password: 'x' };
  const tls = { ca: 'THE CA' };
  const postgres = { sslMode: 'prefer', saturatedIs: 'down', database: 'orders' } as const;

  it.each([
    [
      'postgres with all it was given',
      { postgres },
      { tls, credentials },
      { kind: 'postgres', ...postgres, tls, credentials },
    ],
    [
      'mysql',
      { mysql: { saturatedIs: 'inconclusive' } },
      { credentials },
      { kind: 'mysql', saturatedIs: 'inconclusive', credentials },
    ],
    ['redis', { redis: {} }, { credentials }, { kind: 'redis', credentials }],
    [
      'mongodb never logs in',
      { mongodb: { setName: 'rs0' } },
      { tls, credentials },
      { kind: 'mongodb', setName: 'rs0', tls },
    ],
    ['tls', { tls: {} }, { tls }, { kind: 'tls', tls }],
    ['tls by the roots of the system', { tls: {} }, {}, { kind: 'tls', tls: {} }],
    ['grpc', { grpc: { service: 'orders' } }, { credentials }, { kind: 'grpc', service: 'orders' }],
    [
      'without credentials it probes without a login',
      { redis: {} },
      { credentialsMissing: 'no' },
      { kind: 'redis' },
    ],
    [
      'that cannot use TLS as required sends no probe',
      { redis: {} },
      { tlsMissing: 'no' },
      { kind: 'unready', message: 'no' },
    ],
    [
      'that waits for TLS sends no probe',
      { redis: {} },
      { tlsPending: 'soon' },
      { kind: 'unready', message: 'soon' },
    ],
    [
      'that waits for its credentials sends no probe',
      { redis: {} },
      { credentialsPending: 'soon' },
      { kind: 'unready', message: 'soon' },
    ],
    [
      'that never logs in does not wait',
      { mongodb: {} },
      { credentialsPending: 'soon' },
      { kind: 'mongodb' },
    ],
  ] as const)('%s', (_, probe, materials, handler) =>
    expect(namedHandler(probe, materials)).toEqual(handler),
  );

  it('is undefined when the spec names none', () => expect(namedHandler({}, {})).toBeUndefined());
});

describe('a bare connection', () => {
  it('does not wait for Secrets, because it needs none', () => {
    const { spec } = aBackend({ probe: { tcpSocket: {} } });
    const [group] = portGroups(spec, {
      secrets: { tlsMissing: 'no', credentialsPending: 'soon' },
      choose: true,
    });
    expect(group?.probe?.handler).toEqual({ kind: 'tcpSocket' });
  });
});

describe('an httpGet', () => {
  const request = (scheme: 'HTTP' | 'HTTPS') => ({ path: '/', scheme, insecureSkipVerify: false });

  it.each([
    [
      'over TLS has the tls block',
      'HTTPS',
      { tls: { serverName: 'db.example' } },
      { serverName: 'db.example' },
    ],
    ['without TLS has no use for it', 'HTTP', { tls: { serverName: 'db.example' } }, undefined],
    ['without TLS does not wait for a Secret', 'HTTP', { tlsMissing: 'Secret ca: gone' }, undefined],
  ] as const)('%s', (_, scheme, materials, tls) => {
    expect(httpHandler(request(scheme), materials)).toEqual({
      kind: 'httpGet',
      request: request(scheme),
      ...(tls !== undefined && { tls }),
    });
  });

  it('over TLS sends no probe while its certificates are missing', () => {
    expect(httpHandler(request('HTTPS'), { tlsMissing: 'Secret ca: gone' })).toEqual({
      kind: 'unready',
      message: 'Secret ca: gone',
    });
  });
});
