import { describe, expect, it } from '@jest/globals';
import { kindsWhere, probeKindNames, probeKinds } from '../../src/api/probe-kinds.ts';
import type { ProbeKindTraits } from '../../src/api/probe-kinds.ts';
import { handlerKinds, handlerTraits } from '../../src/core/probing/handler-kinds.ts';

const rows: readonly (readonly [string, (traits: ProbeKindTraits) => boolean, readonly string[]])[] = [
  ['open no TCP connection', ({ opensTcp }) => !opensTcp, ['icmp', 'disabled']],
  ['ask the same for every host', ({ usesHost }) => !usesHost, ['tcpSocket', 'icmp', 'disabled']],
  ['log in', ({ logsIn }) => logsIn, ['postgres', 'mysql', 'redis']],
  ['report a role without a login', ({ reportsRole }) => reportsRole === 'always', ['redis', 'mongodb']],
  [
    'report a role only after a login',
    ({ reportsRole }) => reportsRole === 'withLogin',
    ['postgres', 'mysql'],
  ],
  [
    'speak TLS from the first byte if spec.tls is set',
    ({ tls }) => tls === 'ifSet',
    ['redis', 'mongodb', 'memcached', 'grpc'],
  ],
  [
    'use TLS only if spec.tls is set',
    ({ tls }) => tls === 'ifSet' || tls === 'afterGreeting',
    ['mysql', 'redis', 'mongodb', 'memcached', 'grpc'],
  ],
  ['never use TLS', ({ tls }) => tls === 'never', ['tcpSocket', 'icmp', 'disabled']],
];

describe('the probe kinds', () => {
  it('are in the order of the fields of spec.probe', () => {
    expect(probeKindNames).toEqual([
      ...[
        'tcpSocket',
        'httpGet',
        'icmp',
        'postgres',
        'mysql',
        'redis',
        'mongodb',
        'memcached',
        'tls',
        'grpc',
        'disabled',
      ],
    ]);
  });

  it.each(rows)('that %s are those', (_, holds, expected) => {
    expect(kindsWhere(holds)).toEqual(expected);
  });

  it('that a port or an appProtocol selects are those, each by its own', () => {
    const selected = Object.entries<ProbeKindTraits>(probeKinds)
      .filter(([, { port }]) => port !== undefined)
      .map(([kind, { port, appProtocols }]) => [kind, port, appProtocols]);
    expect(selected).toEqual([
      ['postgres', 5432, ['postgresql', 'postgres']],
      ['mysql', 3306, ['mysql', 'mariadb']],
      ['redis', 6379, ['redis']],
      ['mongodb', 27017, ['mongodb', 'mongo']],
      ['memcached', 11211, ['memcached', 'memcache']],
    ]);
  });
});

describe('the kinds of handlers', () => {
  it('are the probe kinds that probe, and unready', () => {
    const probing = probeKindNames.filter((kind) => kind !== 'disabled');
    expect(handlerKinds).toEqual([...probing, 'unready']);
  });

  it('that may report a role are those', () => {
    const reporting = handlerKinds.filter((kind) => handlerTraits[kind].reportsRole !== 'never');
    expect(reporting).toEqual(['postgres', 'mysql', 'redis', 'mongodb', 'unready']);
  });

  it('that ask the same for every host are those', () => {
    expect(handlerKinds.filter((kind) => !handlerTraits[kind].usesHost)).toEqual(['tcpSocket', 'icmp']);
  });
});
