import { z } from 'zod';
import { handler } from './handler.ts';
import { matches, withRules } from './rule.ts';

// Handlers that use the protocol of the server.

const saturatedIs = z
  .enum(['inconclusive', 'down'])
  .default('inconclusive')
  .describe(
    'How to treat a server that has reached its connection limit. inconclusive keeps the current health, because removing the server would move its load to the others. down counts as a failed probe.',
  );

/** Rule of names in a startup packet: no zero bytes, and nothing that must be quoted to be readable. */
const printable = (field: string) =>
  matches('^[ -~]+$', `${field} must be printable ASCII, such as postgres`);

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

export const databaseProbes = {
  postgres: handler('postgres', {
    database: withRules(z.string().max(63), [printable('database')])
      .optional()
      .describe('Database to connect to. Default: postgres.'),
    user: withRules(z.string().max(63), [printable('user')])
      .optional()
      .describe(
        'User name to send if spec.credentials is not set. The user need not exist. With credentials, their user name is sent.',
      ),
    sslMode: z
      .enum(sslModes)
      .default('prefer')
      .describe('As in libpq: whether the connection uses TLS, and what is verified in the certificate.'),
    saturatedIs,
  }).describe(
    'Ready if PostgreSQL accepts sessions, as in pg_isready. Starting up, shutting down and in recovery are reported as different reasons. With spec.credentials the probe also reports whether the server is primary or replica, and its lag.',
  ),
  mysql: handler('mysql', { saturatedIs }).describe(
    'Ready if MySQL or MariaDB completes a handshake. max_connect_errors never counts this probe. With spec.credentials the probe also reports whether the server is primary or replica, and its lag.',
  ),
  redis: handler('redis', {}).describe(
    'Ready if Redis, Valkey or KeyDB answers PING. Not ready while it loads its data, or if it is a replica whose link to the primary is down. With spec.credentials (or if none are needed) the probe also reports whether the server is primary or replica.',
  ),
  mongodb: handler('mongodb', {
    setName: withRules(z.string().max(256), [printable('setName')])
      .optional()
      .describe('Name of the replica set that the server must be a member of.'),
  }).describe('Ready if MongoDB answers hello as primary or secondary. Needs no credentials.'),
  memcached: handler('memcached', {}).describe(
    'Ready if memcached answers the command version of its text protocol. Needs no credentials. Not for servers with SASL, which have no text protocol.',
  ),
  tls: handler('tls', {}).describe(
    'Ready if a TLS handshake succeeds and the certificate is valid for spec.tls.serverName (default: the host of the target).',
  ),
  grpc: handler('grpc', {
    service: withRules(z.string().max(256), [matches('^[!-~]*$', 'service must be printable ASCII')])
      .default('')
      .describe('Service to check. Empty means the server as a whole.'),
  }).describe('Ready if the gRPC health service (grpc.health.v1) returns SERVING.'),
};
