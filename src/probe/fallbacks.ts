import type { Check, Handler } from '../core/check.ts';
import { isSame } from '../core/same.ts';

/**
 * Second tries that follow a first one which the server refuses.
 *
 * | fallback     | the first try                                    | the second                              |
 * |--------------|--------------------------------------------------|-----------------------------------------|
 * | no TLS       | postgres, sslMode prefer: over TLS               | without                                 |
 * | TLS alone    | the same, and without TLS it is refused too      | none                                    |
 * | role alone   | postgres: role, lag and timeline                 | the role                                |
 * | no channels  | mysql: the replication channels, without a right | none: `read_only` and its kin           |
 * | no group     | mysql: the members of its group                  | none                                    |
 * | no login     | mysql: a login that would reveal the password    | a handshake without credentials         |
 * | no INFO      | redis: INFO replication                          | none                                    |
 */
export type Fallback =
  'no TLS' | 'TLS alone' | 'role alone' | 'no channels' | 'no group' | 'no login' | 'no INFO';

/**
 * Fallbacks by address, so that a server which refuses the first try does not log an error with each probe. An entry is
 * of a host, an address, a port and a handler with all that it contains: it ends with the Secret and the spec that it was
 * found with, and after ten minutes, when the first try is made again.
 */
export interface Fallbacks {
  /** Returns what the server answered to the first try; undefined: make it. */
  get(check: Check, fallback: Fallback): string | undefined;
  remember(check: Check, fallback: Fallback, answer?: string): void;
  forget(check: Check, fallback: Fallback): void;
}

export interface FallbacksOptions {
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Milliseconds until the first try is made again, a quarter more or less. */
  readonly forMs?: number;
  /** Handlers of one address, and addresses, that are remembered. */
  readonly most?: { readonly handlers: number; readonly addresses: number };
}

interface Entry {
  readonly handler: Handler;
  readonly found: Map<Fallback, { readonly answer: string; readonly until: number }>;
}

export function createFallbacks({
  now = () => performance.now(),
  random = Math.random,
  forMs = 600_000,
  most = { handlers: 8, addresses: 10_000 },
}: FallbacksOptions = {}): Fallbacks {
  const known = new Map<string, readonly Entry[]>();
  const entryOf = (check: Check): Entry | undefined =>
    known.get(keyOf(check))?.find(({ handler }) => isSame(handler, check.handler));
  const enter = (check: Check): Entry => {
    const [key, entry] = [keyOf(check), { handler: check.handler, found: new Map() }];
    const live = (known.get(key) ?? []).filter(({ found }) =>
      [...found.values()].some(({ until }) => until > now()),
    );
    known.delete(key);
    known.set(key, [entry, ...live].slice(0, most.handlers));
    const [oldest] = known.size > most.addresses ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    return entry;
  };
  return {
    get: (check, fallback) => {
      const found = entryOf(check)?.found.get(fallback);
      return found !== undefined && found.until > now() ? found.answer : undefined;
    },
    remember: (check, fallback, answer = '') => {
      const { found } = entryOf(check) ?? enter(check);
      found.set(fallback, { answer, until: now() + forMs * (0.75 + 0.5 * random()) });
    },
    forget: (check, fallback) => {
      entryOf(check)?.found.delete(fallback);
    },
  };
}

const keyOf = ({ host, ip, port }: Check): string => `${host} ${ip} ${port}`;
