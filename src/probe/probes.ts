import type { HandlerKind } from '../core/probing/handler-kinds.ts';
import { codeOf, proberFault } from './verdict/verdicts.ts';
import { CpuMeter, type CpuClock } from './connection/cpu-meter.ts';
import { createFallbacks } from './connection/fallbacks.ts';
import { createGrpc } from './grpc/grpc.ts';
import { createHttpGet } from './http/http.ts';
import type { HttpOptions } from './http/http.ts';
import { createIcmp } from './icmp/icmp.ts';
import type { IcmpOptions } from './icmp/icmp.ts';
import { createMemcached } from './memcached/memcached.ts';
import { createMongodb } from './mongodb/mongodb.ts';
import { createMysql } from './mysql/mysql.ts';
import { createMysqlPorts } from './mysql/mysql-ports.ts';
import { createOutstandingLogins } from './mysql/outstanding-logins.ts';
import { createPostgres } from './postgres/postgres.ts';
import type { Probe } from './connection/probe.ts';
import { createRedis } from './redis/redis.ts';
import { createTcpSocket } from './tcp/tcp.ts';
import { createTls } from './tls/tls.ts';

export interface ProbesOptions {
  readonly http?: HttpOptions;
  readonly icmp?: IcmpOptions;
  /** Default: the CPU time of runs is not measured. */
  readonly cpuNow?: CpuClock;
}

export interface Probes {
  /** Probes with the check's handler. Never rejects: an error on our side is `inconclusive` `ProberFault`. */
  readonly probe: Probe;
  /** Closes what the probes keep open between runs. Runs in flight end inconclusive. */
  readonly close: () => void;
}

/** Creates the probes of all handlers. Each protocol has one entry here. */
export function createProbes(options: ProbesOptions = {}): Probes {
  const icmp = createIcmp(options.icmp);
  const fallbacks = createFallbacks();
  const guard = createMysqlPorts();
  const byKind = {
    tcpSocket: createTcpSocket(),
    httpGet: createHttpGet(options.http ?? {}, guard),
    icmp: icmp.probe,
    unready: ({ handler }) => Promise.resolve(proberFault(handler.kind === 'unready' ? handler.message : '')),
    mysql: createMysql(createOutstandingLogins(), fallbacks),
    postgres: createPostgres(fallbacks, guard),
    redis: createRedis(fallbacks, guard),
    mongodb: createMongodb(guard),
    memcached: createMemcached(guard),
    tls: createTls(guard),
    grpc: createGrpc(guard),
  } satisfies Record<HandlerKind, Probe>;
  return {
    probe: guarded(
      (check, signal, meter) => byKind[check.handler.kind](check, signal, meter),
      options.cpuNow,
    ),
    close: () => icmp.close(),
  };
}

/**
 * Turns errors into verdicts with the name and code of the error only: its text may quote a header of the
 * user.
 */
function guarded(probe: Probe, cpuNow: CpuClock | undefined): Probe {
  return (check, signal) => {
    const meter = new CpuMeter(cpuNow);
    try {
      return probe(check, signal, meter).then(
        (verdict) => meter.charge(verdict),
        (error: unknown) => meter.charge(toFault(error)),
      );
    } catch (error) {
      return Promise.resolve(toFault(error));
    }
  };
}

function toFault(error: unknown) {
  const name = error instanceof Error ? error.name : typeof error;
  return proberFault(`the probe failed with ${name} ${codeOf(error)}`);
}
