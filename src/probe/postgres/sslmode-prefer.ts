import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import type { Fallbacks } from '../connection/fallbacks.ts';

/** One connection, with or without TLS, and its end. */
export interface ConnectionAttempt {
  readonly verdict: Verdict;
  /**
   * End of the connection: before TLS was established, by an error before the login succeeded, or another
   * way. The first is not possible without TLS.
   */
  readonly end: 'no TLS' | 'refused' | 'other';
}

/** Makes one connection. */
export type ConnectFn = (isSecure: boolean) => Promise<ConnectionAttempt>;

/** Reasons of a server that was reached, but with which no TLS could be established. */
const noAgreement: ReadonlySet<string> = new Set(['TlsFailed', 'WrongProtocol', 'ClosedEarly', 'Reset']);

/** Reasons without an answer of the server. */
const unanswered: ReadonlySet<string> = new Set([
  'Refused',
  'Unreachable',
  'Timeout',
  'ProberFault',
  'Cancelled',
]);

/**
 * Connects by `sslMode: prefer` as libpq does: with TLS first, and a second time without TLS when the first
 * connection is refused or TLS fails. Unlike libpq before version 17, also when the server closes or answers
 * an error to the SSLRequest.
 *
 * | with TLS                                        | without TLS           | verdict         | remembered (fallbacks.ts)   |
 * |-------------------------------------------------|-----------------------|-----------------|-----------------------------|
 * | logged in, or down for another reason           | (not tried)           | of the first    |                             |
 * | refused before the login succeeded (28xxx)      | logged in             | of the second   | no TLS                      |
 * |                                                 | anything else         | of the first    | TLS alone                   |
 * | no TLS: `N`, `E`, closed, reset, the handshake  | logged in             | of the second   | no TLS                      |
 * |                                                 | up, refused           | of the second   |                             |
 * |                                                 | down                  | of the first; of the second if it answered | |
 *
 * While `no TLS` is remembered, the connection without TLS is the first one. Both log in, by methods that do
 * not reveal the password (password-exposure.ts). An attacker who can interrupt a handshake can force the connection
 * without TLS. `require` and the modes above it never connect without TLS.
 */
export async function connectPreferringTls(
  check: Check,
  fallbacks: Fallbacks,
  connect: ConnectFn,
): Promise<Verdict> {
  if (fallbacks.get(check, 'no TLS') !== undefined) {
    const plain = await connect(false);
    if (!isRefused(plain) && !noAgreement.has(plain.verdict.reason)) return plain.verdict;
    fallbacks.forget(check, 'no TLS');
    const secure = await connect(true);
    return isIn(secure) || plain.verdict.kind !== 'up' ? secure.verdict : plain.verdict;
  }
  const secure = await connect(true);
  if (!mayFallBack(secure) || fallbacks.get(check, 'TLS alone') !== undefined) return secure.verdict;
  const plain = await connect(false);
  if (isIn(plain)) fallbacks.remember(check, 'no TLS');
  else if (isRefused(secure)) fallbacks.remember(check, 'TLS alone');
  return isIn(plain) || isBetter(plain.verdict, secure) ? plain.verdict : secure.verdict;
}

const isIn = ({ verdict, end }: ConnectionAttempt): boolean => verdict.kind === 'up' && end === 'other';

const isRefused = ({ verdict, end }: ConnectionAttempt): boolean =>
  verdict.kind === 'up' && end === 'refused';

/**
 * Returns true for every result in place of TLS, except when the server was not reached or is a MySQL server.
 */
const mayFallBack = (secure: ConnectionAttempt): boolean =>
  isRefused(secure) ||
  (secure.end === 'no TLS' &&
    !unanswered.has(secure.verdict.reason) &&
    secure.verdict.detectedProtocol === undefined);

/**
 * Returns true when an answer of PostgreSQL without TLS takes precedence over the missing TLS, if neither
 * connection logs in.
 */
const isBetter = ({ reason }: Verdict, { end }: ConnectionAttempt): boolean =>
  end === 'no TLS' && !noAgreement.has(reason) && !unanswered.has(reason);
