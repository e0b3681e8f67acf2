import type { Credentials } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { verdict } from './classify.ts';
import type { Securing } from './secure.ts';

/** What is verified of the server on a connection; undefined: there is no TLS. */
export type Verified = Securing['verify'] | undefined;

/**
 * Returns true where the password may go to the other end of the connection as it is, or in a form that is as good.
 *
 * | TLS                        | `allowClearText` | may be revealed |
 * |----------------------------|------------------|-----------------|
 * | verified (`full`, `ca`)    | any              | yes             |
 * | of any certificate, or none | true            | yes             |
 * | of any certificate, or none | false           | no              |
 *
 * Without that a login must not reveal it to whoever answers:
 *
 * | method of the server                                 | the server, or who is in between, gets      | without verified TLS |
 * |------------------------------------------------------|---------------------------------------------|----------------------|
 * | PostgreSQL: none, SCRAM                              | nothing, a proof that is good once          | used                 |
 * | PostgreSQL: password, md5                            | the password; its hash under a chosen salt  | withheld             |
 * | MySQL: mysql_native_password, caching_sha2_password while the server remembers the account | a hash that is good once | used |
 * | MySQL: caching_sha2_password otherwise, sha256_password | the password, in clear or under a key of the server's choice | withheld |
 * | MySQL: mysql_clear_password                          | the password                                | never used           |
 * | Redis: AUTH                                          | the password                                | withheld             |
 *
 * A proof or hash lets who has it guess passwords offline, so a password of the probe should be long and random.
 */
export function mayReveal({ allowClearText }: Credentials, verified: Verified): boolean {
  return allowClearText === true || verified === 'full' || verified === 'ca';
}

/** Message of credentials that were not used; `fix` has the fields that change it, when there is no TLS, and when it takes any certificate. */
export function withheldMessage(
  verified: Verified,
  fix: { readonly plain: string; readonly any: string },
): string {
  const [what, how] =
    verified === undefined
      ? ['the password would be sent in clear', fix.plain]
      : ['the password would go to an unverified server', fix.any];
  return `${what}: ${how} (or credentials.allowClearText: true)`;
}

/** Fields of a `tls` block. */
export const fixOfTls = { plain: 'set tls', any: 'remove insecureSkipVerify' };
/** Fields of a postgres probe: the mode alone decides. */
export const fixOfPostgres = { plain: 'set sslMode: verify-full', any: 'set sslMode: verify-full' };

/** Verdict of a probe that asked without its credentials. A role that the server reports all the same is what was wanted. */
export function withheld(said: Verdict, message: string): Verdict {
  if (said.kind !== 'up' || said.role !== undefined || said.isRoleless === true) return said;
  return Object.freeze({ ...said, ...verdict('up', 'CredentialsWithheld', message) });
}
