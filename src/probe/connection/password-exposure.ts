import type { Credentials } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';
import type { TlsPolicy } from './tls.ts';

/** Part of the server's certificate that is verified on a connection. Undefined: no TLS. */
export type VerifiedPart = TlsPolicy['verify'] | undefined;

/**
 * Returns true when the password may be sent to the server as it is, or in a form that can be used like it.
 *
 * | TLS                        | `allowClearText` | may be revealed |
 * |----------------------------|------------------|-----------------|
 * | verified (`full`, `ca`)    | any              | yes             |
 * | not verified, or no TLS    | true             | yes             |
 * | not verified, or no TLS    | false            | no              |
 *
 * Otherwise a login must not reveal the password to the server that answers:
 *
 * | method of the server                                 | the server, or an attacker on the way, gets | without verified TLS |
 * |------------------------------------------------------|---------------------------------------------|----------------------|
 * | PostgreSQL: none, SCRAM                              | nothing, or a proof that is valid once      | used                 |
 * | PostgreSQL: password, md5                            | the password; its hash under a chosen salt  | withheld             |
 * | MySQL: mysql_native_password, caching_sha2_password while the server remembers the account | a hash that is valid once | used |
 * | MySQL: caching_sha2_password otherwise, sha256_password | the password, in clear text or under a key that the server chooses | withheld |
 * | MySQL: mysql_clear_password                          | the password                                | never used           |
 * | Redis: AUTH                                          | the password                                | withheld             |
 *
 * A proof or a hash lets its owner guess passwords offline, so the password of a probe should be long and
 * random.
 */
export function mayRevealPassword({ allowClearText }: Credentials, verified: VerifiedPart): boolean {
  return allowClearText === true || verified === 'full' || verified === 'ca';
}

/**
 * Returns the message for credentials that were not used.
 *
 * @param fix fields to set: `plain` without TLS, `any` with TLS that accepts any certificate
 */
export function withheldMessage(
  verified: VerifiedPart,
  fix: { readonly plain: string; readonly any: string },
): string {
  const [what, how] =
    verified === undefined
      ? ['the password would be sent in clear text', fix.plain]
      : ['the password would go to an unverified server', fix.any];
  return `${what}: ${how} (or credentials.allowClearText: true)`;
}

/** Fixes for the handlers that have a `tls` block. */
export const fixOfTls = { plain: 'set tls', any: 'remove insecureSkipVerify' };
/** Fixes for a postgres probe, where the mode alone decides. */
export const fixOfPostgres = { plain: 'set sslMode: verify-full', any: 'set sslMode: verify-full' };

/**
 * Returns the verdict of a probe that did not use its credentials. If the server reports a role without them,
 * the verdict is unchanged.
 */
export function withheld(result: Verdict, message: string): Verdict {
  if (result.kind !== 'up' || result.role !== undefined || result.isRoleless === true) return result;
  return Object.freeze({ ...result, ...verdict('up', 'CredentialsWithheld', message) });
}
