import { kindsWhere } from '../../../src/api/probe-kinds.ts';
import {
  endpoints,
  alias,
  target,
  service,
  aliasService,
  addresses,
  tooSmall,
  tooBig,
  s0,
  none,
  login,
  roles,
  unknownPort,
  type BadSample,
  type GoodSample,
} from './builders.ts';

const needsProbe = 'services[].role Primary and Replica, and maxLagSeconds, need a probe that reports them';
const needsLogin = 'credentials is missing: PostgreSQL and MySQL report role and lag only after a login';
const blindProbes = kindsWhere(({ reportsRole }) => reportsRole === 'never');

export const badRoles: readonly BadSample[] = [
  ...blindProbes.map((handler) => ({
    name: `a Service for the primary, and a probe that cannot tell it: ${handler}`,
    spec: endpoints({ ...roles('Primary'), ...login, probe: { [handler]: {} } }),
    field: 'spec.services',
    message: needsProbe,
  })),
  {
    name: 'a Service for replicas on a port that is known for nothing',
    spec: unknownPort({ ...roles('Replica'), ...login }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a Service for the primary on the port of memcached, whose servers have no roles',
    spec: endpoints({ ...roles('Primary'), ...login, ports: [{ port: 11211 }] }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a Service for replicas on a database’s port that says it speaks something else',
    spec: endpoints({ ...roles('Replica'), ports: [{ port: 6379, appProtocol: 'http' }] }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a Service for the primary, whose ports all have probes that cannot tell it',
    spec: endpoints({
      ...roles('Any', 'Primary'),
      ...login,
      probe: { tcpSocket: {} },
      ports: [
        { name: 'a', port: 5432, probe: { tcpSocket: {} } },
        { name: 'b', port: 6379, probe: { icmp: {} } },
      ],
    }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a bound of lag, and roles of targets[].role',
    spec: endpoints({
      targets: [{ host: '10.20.0.11', role: 'Replica' }],
      services: [{ name: 'ro', role: 'Replica', maxLagSeconds: 10 }],
      probe: { tcpSocket: {} },
    }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a bound of lag on a port that is known for nothing',
    spec: unknownPort({ services: [{ name: 'db', maxLagSeconds: 10 }] }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'roles of PostgreSQL without credentials',
    spec: endpoints({ ...roles('Primary', 'Replica'), probe: { postgres: {} } }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of MySQL without credentials',
    spec: endpoints({ ...roles('Primary'), probe: { mysql: {} } }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of a chosen probe without credentials',
    spec: endpoints(roles('Primary')),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of a probe chosen by appProtocol, without credentials',
    spec: endpoints({ ...roles('Primary'), ports: [{ port: 7000, appProtocol: 'mariadb' }] }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of a probe of a port, without credentials',
    spec: endpoints({ ...roles('Primary'), ports: [{ port: 7000, probe: { postgres: {} } }] }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'a bound of lag of PostgreSQL without credentials',
    spec: service({ maxLagSeconds: 0 }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'a fallback of a Service for every role',
    spec: service({ fallbackToPrimary: true }),
    field: `${s0}.fallbackToPrimary`,
    message: 'fallbackToPrimary needs role: Replica',
  },
  {
    name: 'a fallback of the primary',
    spec: { ...service({ role: 'Primary', fallbackToPrimary: true }), ...login },
    field: `${s0}.fallbackToPrimary`,
    message: 'fallbackToPrimary needs role: Replica',
  },
  {
    name: 'a bound of lag of the primary',
    spec: { ...service({ role: 'Primary', maxLagSeconds: 10 }), ...login },
    field: `${s0}.maxLagSeconds`,
    message: 'maxLagSeconds has no effect with role: Primary',
  },
  {
    name: 'a bound of lag below 0',
    spec: { ...service({ role: 'Replica', maxLagSeconds: -1 }), ...login },
    field: `${s0}.maxLagSeconds`,
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'a bound of lag over a day',
    spec: { ...service({ role: 'Replica', maxLagSeconds: 86401 }), ...login },
    field: `${s0}.maxLagSeconds`,
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'an unknown role of a Service',
    spec: { ...service({ role: 'Standby' }), ...login },
    field: `${s0}.role`,
    message: 'Invalid option',
    server: 'Unsupported value: "Standby"',
  },
  {
    name: 'an unknown role of a target',
    spec: target({ role: 'Any' }),
    field: 'spec.targets[0].role',
    message: 'Invalid option',
    server: 'Unsupported value: "Any"',
  },
  {
    name: 'an alias with a Service by role',
    spec: aliasService({ role: 'Primary' }),
    field: 'spec.services',
    message: `services[].role ${none}`,
  },
  {
    name: 'an alias with a bound of lag',
    spec: aliasService({ maxLagSeconds: 10 }),
    field: 'spec.services',
    message: `services[].maxLagSeconds ${none}`,
  },
  {
    name: 'an alias with the role of a target',
    spec: alias({ targets: [{ host: 'db.example.com', role: 'Primary' }] }),
    field: 'spec.targets',
    message: `targets[].role ${none}`,
  },
];

export const goodRoles: readonly GoodSample[] = [
  {
    name: 'a Service for the primary and one for the replicas',
    spec: endpoints({
      ...login,
      services: [
        { name: 'rw', role: 'Primary' },
        { name: 'ro', role: 'Replica', maxLagSeconds: 10, fallbackToPrimary: true },
        { name: 'all', role: 'Any', maxLagSeconds: 86400 },
      ],
    }),
  },
  {
    name: 'roles of PostgreSQL',
    spec: unknownPort({ ...roles('Primary'), ...login, probe: { postgres: {} } }),
  },
  {
    name: 'roles of PostgreSQL by a user without a password',
    spec: endpoints({ ...roles('Primary'), probe: { postgres: { user: 'probe' } } }),
  },
  { name: 'roles of MySQL', spec: unknownPort({ ...roles('Replica'), ...login, probe: { mysql: {} } }) },
  {
    name: 'roles of Redis without credentials',
    spec: unknownPort({ ...roles('Primary'), probe: { redis: {} } }),
  },
  {
    name: 'roles of MongoDB without credentials',
    spec: unknownPort({ ...roles('Primary'), probe: { mongodb: {} } }),
  },
  {
    name: 'roles of a chosen probe of Redis',
    spec: endpoints({ ...roles('Primary', 'Replica'), ports: [{ port: 16379, targetPort: 6379 }] }),
  },
  {
    name: 'roles of a probe chosen by appProtocol',
    spec: endpoints({ ...roles('Primary'), ports: [{ port: 7000, appProtocol: 'mongo' }] }),
  },
  {
    name: 'roles of a probe chosen for another port',
    spec: unknownPort({ ...roles('Primary'), ...login, probe: { port: 5432 } }),
  },
  {
    name: 'roles by the probe of one port',
    spec: endpoints({
      ...roles('Primary'),
      ...login,
      ports: [
        { name: 'db', port: 7000, probe: { postgres: {} } },
        { name: 'metrics', port: 9187, probe: { tcpSocket: {} } },
      ],
    }),
  },
  {
    name: 'roles of targets[].role',
    spec: endpoints({
      ...roles('Primary', 'Replica'),
      targets: [
        { host: '10.20.0.11', role: 'Primary' },
        { host: '10.20.0.12', role: 'Replica' },
      ],
      probe: { disabled: {} },
    }),
  },
  {
    name: '15 targets, 32 ports with a probe each and 16 Services by role',
    spec: {
      ...login,
      targets: addresses(15),
      ports: Array.from({ length: 32 }, (_, i) => ({
        name: `p${i}`,
        port: i + 1,
        probe: i === 31 ? { mysql: {} } : { tcpSocket: {} },
      })),
      services: Array.from({ length: 16 }, (_, i) => ({ name: `s${i}`, role: 'Replica', maxLagSeconds: i })),
    },
  },
];
