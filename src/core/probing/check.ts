import type { SslMode } from '../../api/database-probes.ts';
import type { HttpGet, ProbeSpec, Spec } from '../../api/external-backend.ts';
import type { Family } from '../kubernetes/objects.ts';

/** PEM texts and names, from the spec's `tls` block and its Secrets. */
export interface TlsOptions {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Default: the check's host. */
  readonly serverName?: string;
  /** `full`: chain and name, the default; `ca`: the chain alone. */
  readonly verify?: NonNullable<NonNullable<Spec['tls']>['verify']>;
  readonly insecureSkipVerify?: boolean;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** True if the password may be sent to a server that is not verified. Default: false. */
  readonly allowClearText?: boolean;
}

/** Verdict about a server without a free connection. */
type SaturatedIs = NonNullable<ProbeSpec['postgres']>['saturatedIs'];

export interface PostgresHandler {
  readonly kind: 'postgres';
  /** Default `postgres`. */
  readonly database?: string;
  /** User of the startup packet; with credentials their user name. */
  readonly user?: string;
  /** libpq's modes. */
  readonly sslMode: SslMode;
  readonly saturatedIs: SaturatedIs;
  readonly tls?: TlsOptions;
  readonly credentials?: Credentials;
}

export interface MysqlHandler {
  readonly kind: 'mysql';
  readonly saturatedIs: SaturatedIs;
  /** Undefined: no TLS. */
  readonly tls?: TlsOptions;
  readonly credentials?: Credentials;
}

export interface RedisHandler {
  readonly kind: 'redis';
  readonly tls?: TlsOptions;
  /** An empty user name is the default user. */
  readonly credentials?: Credentials;
}

export interface MongodbHandler {
  readonly kind: 'mongodb';
  readonly setName?: string;
  readonly tls?: TlsOptions;
}

export interface MemcachedHandler {
  readonly kind: 'memcached';
  readonly tls?: TlsOptions;
}

export interface TlsHandler {
  readonly kind: 'tls';
  readonly tls: TlsOptions;
}

export interface GrpcHandler {
  readonly kind: 'grpc';
  /** Name of the service to check; empty: the server as a whole. */
  readonly service: string;
  readonly tls?: TlsOptions;
}

/** Protocol and options of a probe. One member per probe kind; `src/probe` has one function for each. */
export type Handler =
  | { readonly kind: 'tcpSocket' }
  | { readonly kind: 'httpGet'; readonly request: HttpGet; readonly tls?: TlsOptions }
  | { readonly kind: 'icmp' }
  /**
   * Something that the probe needs is missing (a Secret): the verdict is `inconclusive` with this message,
   * and nothing is sent.
   */
  | { readonly kind: 'unready'; readonly message: string }
  | MysqlHandler
  | PostgresHandler
  | RedisHandler
  | MongodbHandler
  | MemcachedHandler
  | TlsHandler
  | GrpcHandler;

/** The kubelet's five numbers of a probe, and the period of retries; times in milliseconds. */
export interface Timing {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  /** Period while verdicts count toward a change of the health. Left out: `periodMs`. */
  readonly retryMs?: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** A periodic probe: an address, a port and a handler. Immutable. */
export interface Check {
  /** Unique in its backend and stable over restarts: see `checksOf`. */
  readonly id: string;
  /** Canonical text of the IP that is probed; it is not resolved again. */
  readonly ip: string;
  readonly family: Family;
  /** The port that is probed; 0 for icmp. */
  readonly port: number;
  /** The target's host as the user wrote it, for the Host header and the server name. */
  readonly host: string;
  readonly handler: Handler;
  readonly timing: Timing;
  /** Lag limits of the Services, in seconds. Absent: none. */
  readonly lagLimits?: readonly number[];
  /** Cost of `probeCost`, in milliseconds. Left out: it is not notable. */
  readonly cpuMs?: number;
}

/** Formats the address of a check: `10.20.0.11:5432`, `[2001:db8::1]:5432`; for icmp the IP alone. */
export function formatHostPort({ ip, family, port }: Pick<Check, 'ip' | 'family' | 'port'>): string {
  if (port === 0) return ip;
  return family === 'IPv6' ? `[${ip}]:${port}` : `${ip}:${port}`;
}
