import { z } from 'zod';
import { handler } from './handler.ts';
import { matches, withRules } from './rule.ts';

// The handlers that ask a server in its own protocol.

const saturatedIs = z
  .enum(['inconclusive', 'down'])
  .default('inconclusive')
  .describe(
    'What it means that the server has no connection left: inconclusive leaves the address as it is, because the others would get its load; down counts as a failure.',
  );

/** Names in a startup packet: no zero bytes, nothing that needs quoting to be read. */
const printable = (field: string) =>
  matches('^[ -~]+$', `${field} must be printable ASCII, such as postgres`);

export const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

export const databaseProbes = {
  postgres: handler('postgres', {
    database: withRules(z.string().max(63), [printable('database')])
      .optional()
      .describe('Database to connect to. Default: postgres.'),
    user: withRules(z.string().max(63), [printable('user')])
      .optional()
      .describe(
        'User name to send where spec.credentials is left out; the user need not exist. With credentials their user name is sent.',
      ),
    sslMode: z
      .enum(sslModes)
      .default('prefer')
      .describe('As in libpq: which TLS the connection has, and what is verified of the certificate.'),
    saturatedIs,
  }).describe(
    'Ready when PostgreSQL accepts sessions, as pg_isready has it, and more: starting up, shutting down and in recovery are different reasons. With spec.credentials also whether it is primary or replica, and how far behind.',
  ),
  mysql: handler('mysql', { saturatedIs }).describe(
    'Ready when MySQL or MariaDB finishes a handshake. It is never counted by max_connect_errors. With spec.credentials also whether it is primary or replica, and how far behind.',
  ),
  redis: handler('redis', {}).describe(
    'Ready when Redis, Valkey or KeyDB answers PING; loading, and a replica whose link is down, are not. With spec.credentials (or where none are needed) also whether it is primary or replica.',
  ),
  mongodb: handler('mongodb', {
    setName: withRules(z.string().max(256), [printable('setName')])
      .optional()
      .describe('Name of the replica set it must belong to.'),
  }).describe('Ready when MongoDB answers hello as primary or secondary. Needs no credentials.'),
  tls: handler('tls', {}).describe(
    'Ready when a TLS handshake succeeds and the certificate is valid for spec.tls.serverName or the host.',
  ),
  grpc: handler('grpc', {
    service: withRules(z.string().max(256), [matches('^[!-~]*$', 'service must be printable ASCII')])
      .default('')
      .describe('Service to ask for. Empty: the server as a whole.'),
  }).describe('Ready when the gRPC health service (grpc.health.v1) answers SERVING.'),
};
