import type { HttpGet, Port, ProbeSpec } from '../../api/external-backend.ts';
import type { Handler } from './check.ts';
import { lookUp } from '../look-up.ts';
import type { ProbeSecrets } from './probe-secrets.ts';

type HandlerSpec = Pick<ProbeSpec, 'postgres' | 'mysql' | 'redis' | 'mongodb' | 'tls' | 'grpc'>;

/** Returns the handler of a database, with its Secrets; undefined: the spec names none. */
export function databaseHandler(probe: HandlerSpec, materials: ProbeSecrets): Handler | undefined {
  const handler = withoutSecrets(probe);
  return handler && withMaterials(handler, materials);
}

/** Returns an httpGet handler. Over TLS it uses the `tls` block of the spec, as other handlers do. */
export function httpHandler(request: HttpGet, { tls, tlsMissing, tlsPending }: ProbeSecrets): Handler {
  const message = tlsMissing ?? tlsPending;
  if (request.scheme !== 'HTTPS') return { kind: 'httpGet', request };
  if (message !== undefined) return { kind: 'unready', message };
  return { kind: 'httpGet', request, ...(tls !== undefined && { tls }) };
}

function withoutSecrets({ postgres, mysql, redis, mongodb, tls, grpc }: HandlerSpec): Database | undefined {
  if (postgres !== undefined) {
    const { sslMode, saturatedIs, database, user } = postgres;
    return {
      kind: 'postgres',
      sslMode,
      saturatedIs,
      ...(database !== undefined && { database }),
      ...(user !== undefined && { user }),
    };
  }
  if (mysql !== undefined) return { kind: 'mysql', saturatedIs: mysql.saturatedIs };
  if (redis !== undefined) return { kind: 'redis' };
  if (mongodb !== undefined)
    return { kind: 'mongodb', ...(mongodb.setName !== undefined && { setName: mongodb.setName }) };
  if (tls !== undefined) return { kind: 'tls', tls: {} };
  if (grpc !== undefined) return { kind: 'grpc', service: grpc.service };
  return undefined;
}

type Database = Extract<Handler, { readonly kind: keyof HandlerSpec }>;

/** Kinds that can log in. */
const authenticatingKinds: readonly Database['kind'][] = ['postgres', 'mysql', 'redis'];

/**
 * Adds what the handler needs from Secrets.
 *
 * | a Secret of                           | is not read yet  | cannot be used                                          |
 * |---------------------------------------|------------------|---------------------------------------------------------|
 * | `tls`                                 | no probe is sent | no probe is sent                                        |
 * | `credentials`, the handler can log in | no probe is sent | it is probed as far as that is possible without a login |
 * | `credentials`, it cannot              | no effect        | no effect                                               |
 */
function withMaterials(handler: Database, materials: ProbeSecrets): Handler {
  const { tls, tlsMissing, tlsPending, credentials, credentialsPending } = materials;
  const logsIn = authenticatingKinds.includes(handler.kind);
  const message = tlsMissing ?? tlsPending ?? (logsIn ? credentialsPending : undefined);
  if (message !== undefined) return { kind: 'unready', message };
  return {
    ...handler,
    ...(tls !== undefined && { tls }),
    ...(credentials !== undefined && logsIn && { credentials }),
  };
}

/** Well-known numbers (IANA), used if the port does not name its protocol. */
const wellKnown: Readonly<Record<number, HandlerSpec>> = {
  5432: { postgres: { sslMode: 'prefer', saturatedIs: 'inconclusive' } },
  3306: { mysql: { saturatedIs: 'inconclusive' } },
  6379: { redis: {} },
  27017: { mongodb: {} },
};

const byAppProtocol: Readonly<Record<string, HandlerSpec | undefined>> = {
  postgresql: wellKnown[5432],
  postgres: wellKnown[5432],
  mysql: wellKnown[3306],
  mariadb: wellKnown[3306],
  redis: wellKnown[6379],
  mongodb: wellKnown[27017],
  mongo: wellKnown[27017],
};

/**
 * Returns the handler if the spec names none, and why.
 *
 * | appProtocol of the port | the probed port         | handler         |
 * |-------------------------|-------------------------|-----------------|
 * | of a supported database | any                     | that database's |
 * | another                 | any                     | tcpSocket       |
 * | none                    | 5432, 3306, 6379, 27017 | that database's |
 * | none                    | any other               | tcpSocket       |
 *
 * HTTP and gRPC are not chosen, because such a service need not respond at `/`, nor have a health service.
 */
export function defaultHandler(
  port: Port | undefined,
  dialled: number,
  { materials, choose }: { readonly materials: ProbeSecrets; readonly choose: boolean },
): { readonly handler: Handler; readonly why: string } {
  const protocol = port?.appProtocol;
  const said = protocol === undefined ? wellKnown[dialled] : lookUp(byAppProtocol, protocol);
  const plain = choose && said !== undefined ? withoutSecrets(said) : undefined;
  if (plain === undefined) return { handler: { kind: 'tcpSocket' }, why: 'tcpSocket: the default' };
  const why = protocol === undefined ? `port ${dialled}` : `appProtocol ${protocol}`;
  return { handler: withMaterials(plain, materials), why: `${plain.kind}: ${why}` };
}
