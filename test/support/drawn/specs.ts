import fc from 'fast-check';
import type { SpecInput } from '../builders/builders.ts';
import { aliasHosts, hosts } from './outside.ts';
import { portProbe, probe } from './probes.ts';
import { repaired } from './repaired.ts';
import { service, serviceNames } from './services.ts';
import { some, type Fields, type Model } from './some.ts';

const one = fc.constantFrom;

const target = some(
  { host: one(...hosts) },
  {
    port: one(0, 7000, 7001),
    name: one('a', 'b'),
    zone: one('z1', 'z2'),
    priority: one(0, 1),
    role: one('Replica', 'Primary'),
    drain: fc.boolean(),
  },
);

const port = some(
  { port: one(5432, 6432) },
  {
    name: one('a', 'b'),
    targetPort: one(5432, 5433, 6379),
    protocol: one('TCP', 'UDP', 'SCTP'),
    appProtocol: one('postgresql', 'http'),
    nodePort: one(30_001, 30_002),
    probe: portProbe,
  },
);

const ports = fc.uniqueArray(port, {
  minLength: 1,
  maxLength: 2,
  selector: (each) => `${String(each['port'])} ${String(each['name'])}`,
});

const tls = some(
  {},
  {
    caSecret: some({ name: fc.constant('ca') }, { key: one('ca.crt', 'other.crt') }),
    certificateSecretName: one('client'),
    serverName: one('db.example.com'),
    verify: one('full', 'ca'),
    insecureSkipVerify: fc.boolean(),
  },
);

const dns = some(
  {},
  {
    minRefreshSeconds: one(1, 5),
    maxRefreshSeconds: one(60, 300),
    families: one(['IPv4'], ['IPv6'], ['IPv4', 'IPv6']),
    staleSeconds: one(0, 3600),
    keepSeconds: one(0, 10),
  },
);

const services = (fields: fc.Arbitrary<Fields>) =>
  fc
    .tuple(fc.subarray([...serviceNames], { minLength: 1 }), fc.array(fields, { minLength: 3, maxLength: 3 }))
    .map(([names, all]) => names.map((name, i) => named(name, all[i] ?? {})));

/**
 * No Service has the fixed address that another one has had, because it is free only after that one is
 * deleted.
 */
function named(name: string, { clusterIP, ...fields }: Fields): Fields {
  const own = serviceNames.findIndex((each) => each === name);
  return { ...fields, ...(clusterIP !== undefined && { clusterIP: `${clusterIP as string}${own}` }), name };
}

/** Windows that are not active, because others would change what is published. */
const maintenance = fc
  .record({
    when: one({ schedule: '0 2 * * sun' }, { start: '2031-01-01T00:00:00Z' }),
    more: some(
      {},
      {
        timeZone: one('UTC', 'Europe/Berlin'),
        until: one('2032-01-01T00:00:00Z'),
        targets: one([hosts[0]]),
        action: one('Drain', 'Freeze', 'Quiet'),
        description: one('text'),
      },
    ),
  })
  .map(({ when, more }) => [
    { name: 'later', ...when, durationSeconds: 60, from: '2030-01-01T00:00:00Z', ...more },
  ]);

const shared: Model = {
  maintenance,
  credentials: fc.constantFrom({ secretName: 'login' }, { secretName: 'login', allowClearText: true }),
  tls,
  dns,
  failbackSeconds: one(0, 20),
  suspend: fc.constant(false),
  observe: fc.constant(false),
};

/** At most one target is declared to be the primary: of two, the elected one depends on their history. */
function onePrimary(targets: readonly Fields[]): readonly Fields[] {
  const first = targets.find(({ role }) => role === 'Primary');
  return targets.map((each) =>
    each['role'] === 'Primary' && each !== first ? { ...each, role: 'Replica' } : each,
  );
}

const endpoints = some(
  {
    targets: fc
      .uniqueArray(target, { minLength: 1, maxLength: 5, selector: (each) => each['host'] })
      .map(onePrimary),
    ports,
  },
  { ...shared, mode: fc.constant('Endpoints'), probe, services: services(service) },
);

const aliasTargets = fc.subarray([...aliasHosts], { minLength: 1 }).chain((names) =>
  fc
    .array(fc.record({ drain: fc.boolean() }, { requiredKeys: [] }), {
      minLength: names.length,
      maxLength: names.length,
    })
    // The last host can always be chosen: if no host can be chosen, the published one remains.
    .map((all) => all.map((each, i) => ({ ...(i < names.length - 1 && each), host: names[i] }))),
);

const alias = some(
  { mode: fc.constant('ExternalName'), targets: aliasTargets },
  {
    ...shared,
    ports: ports.map((all) => all.map(({ nodePort: _n, targetPort: _t, ...each }) => each)),
    probe,
    services: services(
      some({}, { labels: one({ a: '1' }), annotations: one({ note: 'z' }), adopt: fc.boolean() }),
    ),
  },
);

/** Specs that the schema accepts, with all of its fields; never suspended, and never only observing. */
export const specs: fc.Arbitrary<SpecInput> = fc
  .oneof({ weight: 6, arbitrary: endpoints }, { weight: 1, arbitrary: alias })
  .map(repaired)
  .filter((spec) => spec !== undefined);
