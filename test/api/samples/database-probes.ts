import { databaseProbes } from '../../../src/api/database-probes.ts';
import { endpoints, alias, port, probe, needsNumber, type BadSample, type GoodSample } from './builders.ts';

export const badDatabaseProbes: readonly BadSample[] = [
  {
    name: 'two databases in one probe',
    spec: probe({ postgres: {}, mysql: {} }),
    field: 'spec.probe',
    message: 'more than one handler',
  },
  {
    name: 'tls next to tcpSocket',
    spec: port({ probe: { tcpSocket: {}, tls: {} } }),
    field: 'spec.ports[0].probe',
    message: 'more than one handler',
  },
  {
    name: 'an unknown sslMode',
    spec: probe({ postgres: { sslMode: 'allow' } }),
    field: 'spec.probe.postgres.sslMode',
    message: 'Invalid option',
    server: 'Unsupported value: "allow"',
  },
  {
    name: 'an unknown meaning of saturated',
    spec: probe({ mysql: { saturatedIs: 'up' } }),
    field: 'spec.probe.mysql.saturatedIs',
    message: 'Invalid option',
    server: 'Unsupported value: "up"',
  },
  {
    name: 'a database with a line break',
    spec: probe({ postgres: { database: 'a\nb' } }),
    field: 'spec.probe.postgres.database',
    message: 'database must be printable ASCII',
  },
  {
    name: 'a user with an umlaut',
    spec: probe({ postgres: { user: 'müller' } }),
    field: 'spec.probe.postgres.user',
    message: 'user must be printable ASCII',
  },
  {
    name: 'a user that is empty',
    spec: probe({ postgres: { user: '' } }),
    field: 'spec.probe.postgres.user',
    message: 'user must be printable ASCII',
  },
  {
    name: 'a replica set without a name',
    spec: probe({ mongodb: { setName: '' } }),
    field: 'spec.probe.mongodb.setName',
    message: 'setName must be printable ASCII',
  },
  {
    name: 'a gRPC service with a space',
    spec: probe({ grpc: { service: 'a b' } }),
    field: 'spec.probe.grpc.service',
    message: 'service must be printable ASCII',
  },
  ...Object.keys(databaseProbes).map((handler) => ({
    name: `a UDP port asked by ${handler}`,
    spec: endpoints({
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2, protocol: 'UDP', probe: { [handler]: {} } },
      ],
    }),
    field: 'spec.ports[1].probe',
    message: 'probe of a UDP or SCTP port cannot open a TCP connection',
  })),
  {
    name: 'an alias without ports asked by a database’s probe without a port',
    spec: alias({ probe: { postgres: {} } }),
    field: 'spec.probe.port',
    message: needsNumber,
  },
];

export const goodDatabaseProbes: readonly GoodSample[] = [
  ...Object.keys(databaseProbes).flatMap((handler) => [
    { name: `a backend probed by ${handler}`, spec: probe({ [handler]: {}, port: 5432 }) },
    { name: `a port probed by ${handler}`, spec: port({ probe: { [handler]: {} } }) },
    { name: `an alias probed by ${handler}`, spec: alias({ probe: { [handler]: {}, port: 5432 } }) },
  ]),
  {
    name: 'every field of postgres',
    spec: probe({
      postgres: { database: 'orders db', user: 'probe', sslMode: 'verify-full', saturatedIs: 'down' },
    }),
  },
  { name: 'every field of mongodb', spec: probe({ mongodb: { setName: 'rs0' } }) },
  { name: 'every field of grpc', spec: probe({ grpc: { service: 'shop.v1.Orders' } }) },
];
