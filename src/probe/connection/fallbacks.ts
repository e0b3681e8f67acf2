import type { Check, Handler } from '../../core/probing/check.ts';
import { isSame } from '../../core/kubernetes/is-same.ts';

/**
 * Second attempts, after the server refused the first one.
 *
 * | fallback     | first attempt                                    | second attempt                          |
 * |--------------|--------------------------------------------------|-----------------------------------------|
 * | no TLS       | postgres, sslMode prefer: over TLS               | without                                 |
 * | TLS alone    | the same, and refused also without TLS           | none                                    |
 * | role alone   | postgres: role, lag and timeline                 | the role                                |
 * | no channels  | mysql: the replication channels, without a right | none: `read_only` and similar variables |
 * | no group     | mysql: the members of its group                  | none                                    |
 * | no login     | mysql: a login that would reveal the password    | a handshake without credentials         |
 * | no INFO      | redis: INFO replication                          | none                                    |
 */
export type Fallback =
  'no TLS' | 'TLS alone' | 'role alone' | 'no channels' | 'no group' | 'no login' | 'no INFO';

/**
 * Fallbacks by address, so that a server that refuses the first attempt does not log an error for each probe.
 * An entry belongs to a host, an address, a port and a complete handler. It ends when the Secret or the spec
 * changes, and after ten minutes, when the first attempt is made again.
 */
export interface Fallbacks {
  /** Returns the answer of the server to the first attempt. Undefined: make the first attempt. */
  get(check: Check, fallback: Fallback): string | undefined;
  remember(check: Check, fallback: Fallback, answer?: string): void;
  forget(check: Check, fallback: Fallback): void;
}

export interface FallbacksOptions {
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Milliseconds until the first attempt is made again, plus or minus a quarter. */
  readonly forMs?: number;
  /** Maximum number of handlers of one address, and of addresses. */
  readonly most?: { readonly handlers: number; readonly addresses: number };
}

interface Entry {
  readonly handler: Handler;
  readonly answers: Map<Fallback, { readonly answer: string; readonly until: number }>;
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
    const [key, entry] = [keyOf(check), { handler: check.handler, answers: new Map() }];
    const live = (known.get(key) ?? []).filter(({ answers }) =>
      [...answers.values()].some(({ until }) => until > now()),
    );
    known.delete(key);
    known.set(key, [entry, ...live].slice(0, most.handlers));
    const [oldest] = known.size > most.addresses ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    return entry;
  };
  return {
    get: (check, fallback) => {
      const answer = entryOf(check)?.answers.get(fallback);
      return answer !== undefined && answer.until > now() ? answer.answer : undefined;
    },
    remember: (check, fallback, answer = '') => {
      const { answers } = entryOf(check) ?? enter(check);
      answers.set(fallback, { answer, until: now() + forMs * (0.75 + 0.5 * random()) });
    },
    forget: (check, fallback) => {
      entryOf(check)?.answers.delete(fallback);
    },
  };
}

const keyOf = ({ host, ip, port }: Check): string => `${host} ${ip} ${port}`;
