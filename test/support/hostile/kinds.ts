import type { Handler } from '../../../src/core/probing/check.ts';
import { protocolCases, tlsCases } from './table.ts';
import type { HostileCase } from './table.ts';

/** A hostile server, and the part of an ExternalBackend that makes the operator probe it. */
export interface HostileKind extends HostileCase {
  /** Name of its ExternalBackend. */
  readonly backend: string;
  readonly spec: { readonly probe: object };
}

/** The spec of a handler of the table. The credentials are in the Secret `login`. */
function specOf(handler: Handler): HostileKind['spec'] {
  const login = 'credentials' in handler && {
    credentials: { secretName: 'login', allowClearText: true },
  };
  const tls = 'tls' in handler && { tls: { insecureSkipVerify: true } };
  const probe = (fields: object) => ({ probe: fields, ...login, ...tls });
  switch (handler.kind) {
    case 'httpGet': {
      const { scheme, path } = handler.request;
      const isSecure = scheme === 'HTTPS';
      return probe({ httpGet: { path, scheme, ...(isSecure && { insecureSkipVerify: true }) } });
    }
    case 'postgres':
      return probe({ postgres: { sslMode: handler.sslMode } });
    default:
      return probe({ [handler.kind]: {} });
  }
}

/** Cases of the table that cost the most, of each protocol and of TLS: more servers than these measure the machine. */
const worst: ReadonlySet<string> = new Set([
  ...['httpGet: interim answers', 'httpGet: header in pieces', 'httpGet: chunks of one byte'],
  ...['postgres: parameters', 'postgres: notice in pieces', 'postgres: login: SCRAM, 100 challenges at once'],
  ...['grpc: WINDOW_UPDATE', 'grpc: ALTSVC', 'grpc: PING', 'grpc: unknown frames', 'grpc: interim answers'],
  ...['grpc: empty DATA', 'redis: letters', 'redis, over TLS: status in pieces', 'mongodb: letters'],
  ...['mysql: silence', 'mysql: login: packet of 16 MB', 'mysql, over TLS: login: packet of 16 MB'],
  ...['tls: 60 certificates', 'tls: DHE of 10,000 bits', 'redis: renegotiation'],
  'redis: TLSv1.3: KeyUpdate that asks for another',
]);
const cases = [...protocolCases, ...tlsCases].filter(({ name }) => worst.has(name));

export const hostileKinds: readonly HostileKind[] = cases.map((one, index) => ({
  ...one,
  backend: `hostile-${index}`,
  spec: specOf(one.handler),
}));

/** Port of the first kind; each has one of its own, and an address of its own. */
const firstPort = 7101;
export const hostilePort = (index: number): number => firstPort + index;
/** Serves how often each kind was connected to, as JSON. */
export const countsPort = firstPort - 1;
