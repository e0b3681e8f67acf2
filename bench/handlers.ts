import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';

import type { Handler } from '../src/core/probing/check.ts';
import { mustRun } from '../test/controlplane/run.ts';
import { createAuthority } from '../test/probe/support/certificates.ts';
import type { Authority, Certificate } from '../test/probe/support/certificates.ts';
import { startFerretDb } from '../test/support/servers/ferretdb.ts';
import { startMariaDb } from '../test/support/servers/mariadb.ts';
import { startMemcached } from '../test/support/servers/memcached.ts';
import { createPostgresCluster } from '../test/support/servers/postgres-cluster.ts';
import { freePort } from '../test/support/servers/ports.ts';
import { startRedis } from '../test/support/servers/redis.ts';
import type { Bench, Figure } from './report.ts';
import { treeCpuSeconds, withPid } from './server-cpu.ts';

const seconds = 2;
const rounds = 3;
const host = 'db.example';
const credentials = { username: 'probe', password: 'secret' };

interface Subject {
  readonly what: string;
  /** Undefined: a bare connect. */
  readonly handler: Handler | undefined;
  readonly port: number;
  /** CPU time of the server. */
  readonly pid: number;
}

interface Measured {
  readonly cpuMicros: number;
  readonly serverMicros: number;
}

/** Measures the CPU cost of a probe in the protocol of a database, compared with a connect to its port. */
export const handlers: Bench = {
  name: 'handlers',
  title: `CPU of a probe by its handler, against a bare connect: the best of ${rounds} rounds, and what it costs the server`,
  run: async () => {
    const stops: (() => Promise<void>)[] = [];
    const authority = createAuthority();
    try {
      const subjects = await start(authority, stops);
      const best = new Map<Subject, Measured>();
      for (let round = 0; round < rounds; round++)
        for (const subject of subjects) best.set(subject, least(best.get(subject), await measure(subject)));
      return figures(best);
    } finally {
      for (const stop of stops.reverse()) await stop();
      authority.remove();
    }
  },
};

async function start(authority: Authority, stops: (() => Promise<void>)[]): Promise<readonly Subject[]> {
  const tls = { ca: authority.ca };
  const certificate = authority.issue(`DNS:${host}`);
  const plain = await withPid(() => startPlain(certificate));
  stops.push(plain.server.stop);
  const postgres = await withPid(() => startPostgres(certificate));
  stops.push(() => postgres.server.remove());
  const mariadb = await withPid(async () =>
    startMariaDb('127.0.0.1', await freePort(), { 'skip-name-resolve': '' }),
  );
  stops.push(() => mariadb.server.remove());
  await mariadb.server.sql(
    "create user probe@'%' identified by 'secret'; grant replica monitor on *.* to probe@'%'",
  );
  const redis = await withPid(() => startRedis());
  stops.push(() => redis.server.remove());
  const memcached = await withPid(() => startMemcached());
  stops.push(() => memcached.server.remove());
  const ferretdb = await withPid(() => startFerretDb(authority));
  stops.push(() => ferretdb.server.remove());

  const { ports } = plain.server;
  const of = ({ pid }: { readonly pid: number }, port: number, what: string, handler?: Handler): Subject => ({
    what,
    handler,
    port,
    pid,
  });
  const request = { path: '/', scheme: 'HTTP', insecureSkipVerify: false } as const;
  const pg = { kind: 'postgres', sslMode: 'disable', saturatedIs: 'inconclusive' } as const;
  const my = { kind: 'mysql', saturatedIs: 'inconclusive' } as const;
  return [
    of(plain, ports.tcp, 'bare'),
    of(plain, ports.tcp, 'tcpSocket', { kind: 'tcpSocket' }),
    of(plain, ports.http, 'httpGet', { kind: 'httpGet', request }),
    of(plain, ports.tls, 'tls', { kind: 'tls', tls }),
    of(plain, ports.grpc, 'grpc', { kind: 'grpc', service: '' }),
    of(postgres, postgres.server.port, 'postgres', pg),
    of(postgres, postgres.server.port, 'postgres, verify-full', { ...pg, sslMode: 'verify-full', tls }),
    of(postgres, postgres.server.port, 'postgres, with credentials', { ...pg, credentials }),
    of(mariadb, mariadb.server.port, 'mysql (MariaDB)', my),
    of(mariadb, mariadb.server.port, 'mysql (MariaDB), with credentials', { ...my, credentials }),
    of(redis, redis.server.port, 'redis', { kind: 'redis' }),
    of(memcached, memcached.server.port, 'memcached', { kind: 'memcached' }),
    of(ferretdb, ferretdb.server.port, 'mongodb (FerretDB)', { kind: 'mongodb' }),
  ];
}

async function startPlain(certificate: Certificate) {
  const script = join(import.meta.dirname, 'handlers-servers.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(certificate)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const ports = JSON.parse(line.toString()) as Readonly<Record<'tcp' | 'http' | 'tls' | 'grpc', number>>;
  return { ports, stop: () => Promise.resolve(void child.kill('SIGKILL')) };
}

async function startPostgres({ cert, key }: Certificate) {
  const postgres = await createPostgresCluster();
  postgres.write('server.crt', cert);
  postgres.write('server.key', key);
  await postgres.start({ ssl: 'on' });
  await postgres.query(`create role ${credentials.username} login password '${credentials.password}'`);
  return postgres;
}

async function measure({ handler, port, pid }: Subject): Promise<Measured> {
  const script = join(import.meta.dirname, 'handlers-probe.ts');
  const before = treeCpuSeconds(pid);
  const printed = await mustRun([process.execPath, script, JSON.stringify({ handler, port, seconds, host })]);
  const { cpuMicros, probes } = JSON.parse(printed) as {
    readonly cpuMicros: number;
    readonly probes: number;
  };
  return { cpuMicros, serverMicros: ((treeCpuSeconds(pid) - before) / probes) * 1e6 };
}

const least = (a: Measured | undefined, b: Measured): Measured => ({
  cpuMicros: Math.min(a?.cpuMicros ?? Infinity, b.cpuMicros),
  serverMicros: Math.min(a?.serverMicros ?? Infinity, b.serverMicros),
});

function figures(best: ReadonlyMap<Subject, Measured>): readonly Figure[] {
  const [[, bare] = [], ...others] = [...best];
  const baseline = { what: 'bare Node: connect, end, close', value: bare?.cpuMicros ?? Number.NaN };
  return others.map(([{ what }, { cpuMicros, serverMicros }]) => ({
    what: `${what}: ${Math.round(1e6 / cpuMicros).toLocaleString('en')} probes/s a core; costs the server ${Math.round(serverMicros).toLocaleString('en')} µs`,
    value: cpuMicros,
    unit: 'µs',
    baseline,
  }));
}
