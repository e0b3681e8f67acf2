import fc from 'fast-check';
import type { databaseProbes } from '../../src/api/database-probes.ts';

/** Mostly the first, seldom the second. */
const mostly = <A, B>(usual: fc.Arbitrary<A>, odd: fc.Arbitrary<B>): fc.Arbitrary<A | B> =>
  fc.oneof<[{ weight: number; arbitrary: fc.Arbitrary<A> }, { weight: number; arbitrary: fc.Arbitrary<B> }]>(
    { weight: 15, arbitrary: usual },
    { weight: 1, arbitrary: odd },
  );

/** An object with the fields of `always`, and at most four of `sometimes`. */
function partly(always: Fields, sometimes: Fields): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const names = Object.keys(sometimes);
  return fc
    .tuple(
      fc.record(always),
      fc.record(sometimes),
      fc.subarray(names, { maxLength: Math.min(4, names.length) }),
    )
    .map(([fixed, all, kept]) => ({
      ...fixed,
      ...Object.fromEntries(kept.map((name) => [name, all[name]])),
    }));
}
type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;

const few = <T>(entry: fc.Arbitrary<T>) => fc.array(entry, { minLength: 1, maxLength: 2 });

const oddWord = fc.stringMatching(/^[a-zA-Z0-9._:%/ -]{0,8}$/);
const word = mostly(fc.constantFrom('a', 'b1', 'c-d'), oddWord);
const addresses = mostly(
  fc.constantFrom('10.20.0.11', '10.20.0.12', '2001:db8::1', 'fd00::A'),
  fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    oddWord,
    fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
    fc.constantFrom('::ffff:a00:1', '127.0.0.1', 'fe80::1', '1.2.3'),
  ),
);
const names = fc.oneof(
  fc.domain(),
  fc.constantFrom('db.example.com', 'a_b.c', 'DB.', '_a._tcp.db', '_A._b.c_d.', '_a._tcp', '_a._tcp.1'),
  fc.stringMatching(/^[_.a1-]{0,8}$/),
);
const hosts = mostly(addresses, names);
const anyHost = fc.oneof(hosts, names);
const networks = fc.oneof(
  fc.constantFrom('10.0.0.0/8', '2001:db8::/32', '10.0.0.0/33', '10.0.0.0/08'),
  // Of all bits: the API server alone refuses bits after the prefix.
  fc
    .tuple(addresses, fc.nat(2))
    .map(([address, more]) => `${address}/${(address.includes(':') ? 128 : 32) + more}`),
);

const targets = partly(
  { host: anyHost },
  {
    port: fc.constantFrom(0, 5432),
    drain: fc.boolean(),
    name: word,
    zone: word,
    priority: mostly(fc.constantFrom(0, 1, 9), fc.constantFrom(-1, 10)),
    role: fc.constantFrom('Primary', 'Replica'),
  },
);

/** Handlers that use the protocol of the server, with fields that are mostly right. One is missing: does not compile. */
const databaseHandlers = {
  postgres: partly(
    {},
    {
      user: word,
      database: word,
      sslMode: fc.constantFrom('prefer', 'verify-full'),
      saturatedIs: fc.constant('down'),
    },
  ),
  mysql: fc.constant({}),
  redis: mostly(fc.constant({}), fc.constant({ port: 6379 })),
  mongodb: partly({}, { setName: word }),
  memcached: fc.constant({}),
  tls: fc.constant({}),
  grpc: partly({}, { service: word }),
} satisfies Readonly<Record<keyof typeof databaseProbes, fc.Arbitrary<unknown>>>;

const probes = partly(
  {},
  {
    ...databaseHandlers,
    tcpSocket: fc.constant({}),
    icmp: fc.constant({}),
    disabled: fc.constant({}),
    httpGet: partly({}, { path: mostly(fc.constant('/a'), oddWord), host: hosts }),
    port: fc.constantFrom(1, 2, 3, 'a', 'b1', '1', 6379, 5432),
    periodSeconds: mostly(fc.constantFrom(1, 3600), fc.constantFrom(0, 3601)),
    periodMilliseconds: mostly(fc.constantFrom(100, 60_000), fc.constantFrom(99, 60_001)),
    timeoutMilliseconds: mostly(fc.constantFrom(100, 60_000), fc.constantFrom(99, 60_001)),
    retryPeriodSeconds: mostly(fc.constantFrom(1, 3600), fc.constantFrom(0, 3601)),
    retryPeriodMilliseconds: mostly(fc.constantFrom(100, 60_000), fc.constantFrom(99, 60_001)),
  },
);

const ports = partly(
  { port: fc.constantFrom(1, 2, 3, 5432, 6379) },
  {
    name: word,
    targetPort: fc.constantFrom(1, 2, 3306, 27017),
    appProtocol: fc.constantFrom('postgresql', 'mariadb', 'mongo', 'redis', 'memcached', 'http'),
    protocol: fc.constantFrom('TCP', 'UDP'),
    nodePort: fc.constantFrom(30001, 30002),
    probe: partly(
      {},
      { ...databaseHandlers, tcpSocket: fc.constant({}), icmp: fc.constant({}), disabled: fc.constant({}) },
    ),
  },
);

const services = partly(
  { name: word },
  {
    role: fc.constantFrom('Any', 'Primary', 'Replica'),
    maxLagSeconds: mostly(fc.constantFrom(0, 10, 86400), fc.constantFrom(-1, 86401)),
    fallbackToPrimary: fc.boolean(),
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
    headless: fc.boolean(),
    clusterIP: addresses,
    ipFamilies: few(fc.constantFrom('IPv4', 'IPv6')),
    ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack'),
    sessionAffinity: fc.constantFrom('None', 'ClientIP'),
    sessionAffinityConfig: fc.constant({}),
    internalTrafficPolicy: fc.constant('Local'),
    externalTrafficPolicy: fc.constant('Local'),
    externalIPs: few(addresses),
    loadBalancerClass: word,
    loadBalancerSourceRanges: few(networks),
    publishNotReadyAddresses: fc.boolean(),
    whenNoneReady: fc.constantFrom('Empty', 'KeepLast', 'All'),
    labels: fc.dictionary(word, word, { maxKeys: 2 }),
    selector: fc.dictionary(word, word, { maxKeys: 2 }),
  },
);

const seconds = (...bounds: readonly number[]) =>
  mostly(fc.constantFrom(...bounds), fc.constantFrom(-1, 100_000));

const dns = partly(
  {},
  {
    minRefreshSeconds: seconds(1, 5, 300, 3600),
    maxRefreshSeconds: seconds(1, 5, 300, 86400),
    families: mostly(fc.subarray(['IPv4', 'IPv6'], { minLength: 1 }), few(fc.constantFrom('IPv4', 'IPv5'))),
    staleSeconds: seconds(0, 60),
    keepSeconds: seconds(0, 60),
  },
);

const secretNames = mostly(fc.constantFrom('login', 'ca.example', 'a-1'), fc.oneof(oddWord, word));
const credentials = partly({ secretName: secretNames }, { allowClearText: fc.boolean() });
const tls = partly(
  {},
  {
    caSecret: partly({ name: secretNames }, { key: oddWord }),
    certificateSecretName: secretNames,
    serverName: fc.oneof(names, fc.constantFrom('project:instance', '10.20.0.11')),
    verify: fc.constantFrom('full', 'ca'),
    insecureSkipVerify: fc.boolean(),
  },
);

/** Services by role, and what may tell it: each part alone is mostly right, together they often are not. */
const byRole = fc
  .tuple(
    fc.subarray([{ role: 'Primary' }, { role: 'Replica', fallbackToPrimary: true }, { maxLagSeconds: 10 }], {
      minLength: 1,
    }),
    fc.record(
      {
        credentials: fc.constant({ secretName: 'login' }),
        targets: fc.constantFrom([{ host: '10.20.0.11', role: 'Primary' }], [{ host: '10.20.0.11' }]),
        probe: probes,
        ports: fc.constantFrom(
          [{ port: 5432 }],
          [{ port: 1, targetPort: 6379 }],
          [{ port: 1, appProtocol: 'mariadb' }],
          [{ port: 27017, probe: {} }],
          [{ port: 1, probe: { mysql: {} } }],
          [{ port: 6379, appProtocol: 'http' }],
        ),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([services, fields]) => ({
    mode: 'Endpoints',
    targets: [{ host: '10.20.0.11' }],
    ports: onePort,
    services: services.map((service, i) => ({ name: `s${i}`, ...service })),
    ...fields,
  }));

const onePort = [{ port: 1, name: 'a' }];
const bases = fc.constantFrom(
  { mode: 'Endpoints', targets: [{ host: '10.20.0.11' }], ports: onePort },
  { mode: 'Endpoints', targets: [{ host: '_a._tcp.example.com' }, { host: '10.20.0.11' }], ports: onePort },
  { mode: 'ExternalName', targets: [{ host: 'a.example.com' }, { host: 'b.example.com' }], ports: onePort },
  { mode: 'ExternalName', targets: [{ host: 'db.example.com', drain: true }] },
);

const changes = partly(
  {},
  {
    targets: few(targets),
    ports: few(ports),
    probe: probes,
    services: few(services),
    dns,
    failbackSeconds: seconds(0, 30),
    credentials,
    tls,
  },
);

/** Specs of which about half are right, and the others wrong in one place or two. */
export const specs = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(bases, changes).map(([base, changed]) => ({ ...base, ...changed })) },
  { weight: 1, arbitrary: byRole },
);
