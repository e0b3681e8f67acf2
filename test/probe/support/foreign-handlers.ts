import type { Handler } from '../../../src/core/probing/check.ts';

const request = { path: '/', scheme: 'HTTP', insecureSkipVerify: false } as const;
const credentials = { username: 'prober', password: 'secret', allowClearText: true };
const postgres = { kind: 'postgres', saturatedIs: 'inconclusive' } as const;
const tls = { insecureSkipVerify: true };

/**
 * All handlers that speak in another protocol than MySQL's, in each way that they begin. A new handler without a line
 * does not compile.
 */
export const foreignHandlers: Readonly<
  Record<Exclude<Handler['kind'], 'mysql' | 'tcpSocket' | 'icmp' | 'unready'>, readonly Handler[]>
> = {
  httpGet: [
    { kind: 'httpGet', request },
    { kind: 'httpGet', request: { ...request, scheme: 'HTTPS', insecureSkipVerify: true } },
  ],
  grpc: [
    { kind: 'grpc', service: '' },
    { kind: 'grpc', service: '', tls },
  ],
  tls: [{ kind: 'tls', tls }],
  redis: [{ kind: 'redis' }, { kind: 'redis', tls }, { kind: 'redis', credentials }],
  mongodb: [{ kind: 'mongodb' }, { kind: 'mongodb', tls }],
  memcached: [{ kind: 'memcached' }, { kind: 'memcached', tls }],
  postgres: [
    { ...postgres, sslMode: 'prefer' },
    { ...postgres, sslMode: 'disable' },
    { ...postgres, sslMode: 'prefer', credentials },
    { ...postgres, sslMode: 'disable', credentials },
  ],
};
