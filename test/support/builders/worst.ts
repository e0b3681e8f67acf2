import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { SpecInput } from './builders.ts';
import type { ReconcileWorld } from '../fakes/reconcile-world.ts';

/** A resource at the limits of the schema. */
export interface Worst {
  readonly name: string;
  readonly spec: SpecInput;
  /** Delivers the answers of the name servers. */
  readonly answer?: (world: ReconcileWorld) => void;
  /** Verdict of every probe. */
  readonly verdict: Verdict;
}

const list = <T>(count: number, make: (i: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Returns a DNS label that begins with `start` and is as long as possible. */
const label = (start: string): string => start.padEnd(63, 'x');

/** Returns a host name of 253 characters. */
const longHost = (start: string): string => `${label(start)}.${label('a')}.${label('b')}.${'c'.repeat(61)}`;

const longIp = (i: number): string => `fd00:1111:2222:3333:4444:5555:6666:${(0x1000 + i).toString(16)}`;

/** Every second one is of role Primary, which excludes all replicas. */
const services = (count: number) =>
  list(count, (i) => ({
    name: label(`s${i}-`),
    ipFamilies: ['IPv6'],
    ...(i % 2 === 0 ? { role: 'Primary' } : { role: 'Replica', maxLagSeconds: i }),
  }));

const plainServices = (count: number) =>
  list(count, (i) => ({ name: label(`s${i}-`), ipFamilies: ['IPv6'] }));

const ports = (count: number, probe?: object) =>
  list(count, (i) => ({ name: label(`p${i}-`), port: 1000 + i, ...(probe && { probe }) }));

const targets = (count: number) =>
  list(count, (i) => ({ host: longIp(i), name: label(`db-${i}-`), zone: label('zone-') }));

const message = 'x'.repeat(120);
const sick: Verdict = { kind: 'down', reason: 'CertificateExpired', message };
/** Healthy, and each with a warning. */
const chatty: Verdict = { kind: 'up', reason: 'AuthFailed', message, role: 'Replica', lagSeconds: 3600 };

const records = Array.from({ length: 10 }, (_, i) => `_redis._tcp.${label(`r${i}-`)}.example.com`);

function answerRecords({ resolver }: ReconcileWorld): void {
  records.forEach((name, record) => {
    const hosts = list(50, (i) => longHost(`h${record}-${i}-`));
    const of = (host: string) => ({ host, port: 60_000, priority: 65_535, weight: 65_535 });
    const answer = { kind: 'records', ttlMs: 60_000, services: [], addresses: [] } as const;
    resolver.answer({ name, type: 'SRV' }, { ...answer, services: hosts.map(of) });
    hosts.forEach((host, i) => {
      const addresses = list(4, (k) => longIp(4 * (50 * record + i) + k));
      resolver.answer({ name: host, type: 'AAAA' }, { ...answer, addresses });
    });
  });
}

const names = list(512, (i) => longHost(`n${i}-`));

/**
 * Each name has forbidden addresses, which its target reports, and its name servers fail with long messages.
 */
function answerNames({ resolver }: ReconcileWorld): void {
  for (const name of names) {
    const addresses = list(40, (i) => `127.0.0.${i + 1}`);
    resolver.answer({ name, type: 'A' }, { kind: 'records', ttlMs: 60_000, services: [], addresses });
    for (const type of ['A', 'AAAA'] as const)
      for (let i = 0; i < 3; i++)
        resolver.answer({ name, type }, { kind: 'failed', message: 'y'.repeat(1000) });
  }
}

const recordsSpec: SpecInput = {
  targets: records.map((host) => ({ host })),
  ports: [{ port: 6379 }],
  probe: { redis: {} },
  credentials: { secretName: 'login' },
  services: services(4),
  dns: { families: ['IPv6'] },
};

/** Every product of limits at its maximum, with the longest texts. */
export const worst: readonly Worst[] = [
  {
    name: '2,000 addresses of SRV records, 4 Services by role, all unhealthy',
    spec: recordsSpec,
    answer: answerRecords,
    verdict: sick,
  },
  {
    name: '2,000 addresses of SRV records, 4 Services by role, all with warnings',
    spec: recordsSpec,
    answer: answerRecords,
    verdict: chatty,
  },
  {
    name: '500 targets, 16 Services by role, 32 ports that share a probe',
    spec: {
      targets: targets(500),
      ports: ports(32),
      probe: { redis: {} },
      credentials: { secretName: 'login' },
      services: services(16),
    },
    verdict: chatty,
  },
  {
    name: '500 targets, 16 Services, 32 ports that share a probe',
    spec: { targets: targets(500), ports: ports(32), services: plainServices(16) },
    verdict: { kind: 'up', reason: 'Connected', message: '' },
  },
  {
    name: '15 targets, 16 Services, 32 ports with a probe each',
    spec: {
      targets: targets(15),
      ports: ports(32, { tcpSocket: {} }),
      services: plainServices(16),
    },
    verdict: { kind: 'up', reason: 'Connected', message: '' },
  },
  {
    name: '250 targets, one Service, 32 ports with a probe each, all unhealthy',
    spec: { targets: targets(250), ports: ports(32, { tcpSocket: {} }), services: plainServices(1) },
    verdict: sick,
  },
  {
    name: '512 names, all failing, with refused addresses',
    spec: {
      targets: names.map((host) => ({ host })),
      ports: [{ port: 5432 }],
      services: services(15),
      probe: { postgres: {} },
      credentials: { secretName: 'login' },
    },
    answer: answerNames,
    verdict: sick,
  },
];

/** Publishes a resource until everything is written. Its addresses have the verdict. */
export async function bringUpWorst(world: ReconcileWorld, { spec, answer, verdict }: Worst): Promise<void> {
  world.cluster.families = ['IPv4', 'IPv6'];
  world.secrets.set('login', { data: { username: 'probe', password: 'secret' } });
  world.store(spec);
  await world.run();
  answer?.(world);
  await world.run();
  answer?.(world); // the hosts of SRV records are queried once these are known
  world.clock.jump(2_000);
  await world.run();
  for (let i = 0; i < 3; i++) world.say(verdict);
  for (let i = 0; i < 3; i++) await world.run();
  if (world.ready() !== 'True Published') throw new Error(JSON.stringify(world.status().conditions));
}
