import type { HttpGet, Port, ProbeSpec } from '../../api/external-backend.ts';
import type { ProbeKind } from '../../api/probe-kinds.ts';
import type { Handler } from './check.ts';
import { handlerTraits } from './handler-kinds.ts';
import type { ProbeSecrets } from './probe-secrets.ts';

/** Kinds whose handler follows from the options of the kind and from Secrets. */
type OptionKind = Exclude<ProbeKind, 'httpGet' | 'disabled'>;

/** Options of each kind. An option that is left out has the default of the schema. */
type OptionsOf = { readonly [K in OptionKind]: Partial<NonNullable<ProbeSpec[K]>> };
type HandlerSpec = { readonly [K in OptionKind]?: OptionsOf[K] | undefined };

type Named<K extends OptionKind = OptionKind> = Extract<Handler, { readonly kind: K }>;

/** Handlers without Secrets. A kind of the table without a line does not compile. */
const handlerWith: { readonly [K in OptionKind]: (options: OptionsOf[K]) => Named<K> } = {
  tcpSocket: () => ({ kind: 'tcpSocket' }),
  icmp: () => ({ kind: 'icmp' }),
  postgres: ({ sslMode = 'prefer', saturatedIs = 'inconclusive', database, user }) => ({
    kind: 'postgres',
    sslMode,
    saturatedIs,
    ...(database !== undefined && { database }),
    ...(user !== undefined && { user }),
  }),
  mysql: ({ saturatedIs = 'inconclusive' }) => ({ kind: 'mysql', saturatedIs }),
  redis: () => ({ kind: 'redis' }),
  mongodb: ({ setName }) => ({ kind: 'mongodb', ...(setName !== undefined && { setName }) }),
  memcached: () => ({ kind: 'memcached' }),
  tls: () => ({ kind: 'tls', tls: {} }),
  grpc: ({ service = '' }) => ({ kind: 'grpc', service }),
};

const optionKinds = Object.keys(handlerWith) as readonly OptionKind[];

/** Returns the handler that the spec names, with its Secrets; undefined: the spec names none of these. */
export function namedHandler(probe: HandlerSpec, secrets: ProbeSecrets): Handler | undefined {
  const kind = optionKinds.find((each) => probe[each] !== undefined);
  return kind && handlerOf(kind, probe[kind] ?? {}, secrets);
}

function handlerOf<K extends OptionKind>(kind: K, options: OptionsOf[K], secrets: ProbeSecrets): Handler {
  return withSecrets(handlerWith[kind](options), secrets);
}

/** Returns an httpGet handler. Over TLS it uses the `tls` block of the spec, as other handlers do. */
export function httpHandler(request: HttpGet, { tls, tlsMissing, tlsPending }: ProbeSecrets): Handler {
  const message = tlsMissing ?? tlsPending;
  if (request.scheme !== 'HTTPS') return { kind: 'httpGet', request };
  if (message !== undefined) return { kind: 'unready', message };
  return { kind: 'httpGet', request, ...(tls !== undefined && { tls }) };
}

/**
 * Adds what the handler needs from Secrets.
 *
 * | a Secret of                           | is not read yet  | cannot be used                                          |
 * |---------------------------------------|------------------|---------------------------------------------------------|
 * | `tls`                                 | no probe is sent | no probe is sent                                        |
 * | `credentials`, the handler can log in | no probe is sent | it is probed as far as that is possible without a login |
 * | `credentials`, it cannot              | no effect        | no effect                                               |
 */
function withSecrets(handler: Named, secrets: ProbeSecrets): Handler {
  const { tls, tlsMissing, tlsPending, credentials, credentialsPending } = secrets;
  const { tls: usesTls, logsIn } = handlerTraits[handler.kind];
  if (usesTls === 'never' && !logsIn) return handler;
  const message = tlsMissing ?? tlsPending ?? (logsIn ? credentialsPending : undefined);
  if (message !== undefined) return { kind: 'unready', message };
  return {
    ...handler,
    ...(tls !== undefined && { tls }),
    ...(credentials !== undefined && logsIn && { credentials }),
  };
}

const selectable = optionKinds.map((kind) => ({ kind, ...handlerTraits[kind] }));

/** Kinds by well-known port number, which counts if the port does not name its protocol. */
const wellKnown: ReadonlyMap<number, OptionKind> = new Map(
  selectable.flatMap(({ kind, port }) => (port === undefined ? [] : [[port, kind] as const])),
);

const byAppProtocol: ReadonlyMap<string, OptionKind> = new Map(
  selectable.flatMap(({ kind, appProtocols = [] }) => appProtocols.map((name) => [name, kind] as const)),
);

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
  { secrets, choose }: { readonly secrets: ProbeSecrets; readonly choose: boolean },
): { readonly handler: Handler; readonly why: string } {
  const protocol = port?.appProtocol;
  const kind = protocol === undefined ? wellKnown.get(dialled) : byAppProtocol.get(protocol);
  if (!choose || kind === undefined) return { handler: { kind: 'tcpSocket' }, why: 'tcpSocket: the default' };
  const why = protocol === undefined ? `port ${dialled}` : `appProtocol ${protocol}`;
  return { handler: handlerOf(kind, {}, secrets), why: `${kind}: ${why}` };
}
