import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Fallbacks } from './fallbacks.ts';

/** One connection, over TLS or without, and its end. */
export interface Attempt {
  readonly verdict: Verdict;
  /**
   * How it ended: before TLS was agreed on, by an error before the server let us in, or in another way. Without TLS the
   * first cannot be.
   */
  readonly end: 'no TLS' | 'refused' | 'other';
}

/** Makes one connection. */
export type Connect = (isSecure: boolean) => Promise<Attempt>;

/** Reasons of a server that was reached, and with which no TLS could be agreed on. */
const noAgreement: ReadonlySet<string> = new Set(['TlsFailed', 'WrongProtocol', 'ClosedEarly', 'Reset']);

/** Reasons that are no answer of the server. */
const unanswered: ReadonlySet<string> = new Set([
  'Refused',
  'Unreachable',
  'Timeout',
  'ProberFault',
  'Cancelled',
]);

/**
 * `sslMode: prefer` as libpq has it: TLS first, and a second connection without TLS where the first one is refused or
 * cannot be made secure. Unlike libpq before version 17, also where the server closes or answers an error to the SSLRequest.
 *
 * | over TLS                                        | without TLS           | verdict         | remembered (fallbacks.ts)   |
 * |-------------------------------------------------|-----------------------|-----------------|-----------------------------|
 * | in, or down for another reason                  | (not tried)           | of the first    |                             |
 * | refused before the server let us in (28xxx)     | in                    | of the second   | no TLS                      |
 * |                                                 | anything else         | of the first    | TLS alone                   |
 * | no TLS: `N`, `E`, closed, reset, the handshake  | in                    | of the second   | no TLS                      |
 * |                                                 | up, refused           | of the second   |                             |
 * |                                                 | down                  | of the first; of the second where it answered | |
 *
 * While `no TLS` is remembered, the connection without TLS is the first one. Both log in, by methods that do not reveal the
 * password (clear-text.ts). Whoever can break a handshake off can have the connection without TLS; `require` and the modes
 * above it never connect so.
 */
export async function prefer(check: Check, fallbacks: Fallbacks, connect: Connect): Promise<Verdict> {
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

const isIn = ({ verdict, end }: Attempt): boolean => verdict.kind === 'up' && end === 'other';

const isRefused = ({ verdict, end }: Attempt): boolean => verdict.kind === 'up' && end === 'refused';

/** Whatever the server did in place of TLS; not where it was not reached, or is of MySQL. */
const mayFallBack = (secure: Attempt): boolean =>
  isRefused(secure) ||
  (secure.end === 'no TLS' &&
    !unanswered.has(secure.verdict.reason) &&
    secure.verdict.greeting === undefined);

/** Of two that are not let in: what PostgreSQL answers counts more than that there is no TLS. */
const isBetter = ({ reason }: Verdict, { end }: Attempt): boolean =>
  end === 'no TLS' && !noAgreement.has(reason) && !unanswered.has(reason);
