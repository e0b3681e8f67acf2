import type { AuthPlugin, authPlugins as AuthPlugins } from 'mysql2';
import type { Credentials } from '../../core/probing/check.ts';
import { fixOfTls, mayRevealPassword, withheldMessage } from '../connection/password-exposure.ts';
import type { VerifiedPart } from '../connection/password-exposure.ts';
import { firstAnswer, nextAnswer } from './auth-plugins.ts';

export interface PluginOptions {
  readonly credentials: Credentials;
  readonly verified: VerifiedPart;
  /** Plugins of mysql2. */
  readonly known: typeof AuthPlugins;
  /** Called with the message when an answer does not contain the password that the server requested. */
  readonly onWithheld: (message: string) => void;
}

const never =
  'the account uses mysql_clear_password, which the probe never uses: choose another authentication plugin';

/**
 * Returns authentication plugins in place of mysql2's, for a server that must not receive the password. Each
 * request for it gets the answer of a probe without credentials (auth-plugins.ts): the handshake finishes,
 * and the server refuses the login.
 *
 * | plugin                | request of the server                 | verified TLS, or allowed | otherwise           |
 * |-----------------------|---------------------------------------|--------------------------|---------------------|
 * | mysql_native_password | a hash under its salt                 | the hash                 | the hash            |
 * | caching_sha2_password | a hash under its salt                 | the hash                 | the hash            |
 * |                       | the password, if the account is not in its cache | the password, under its key without TLS | no password |
 * | sha256_password       | the password                          | the same                 | no password         |
 * | mysql_clear_password  | the password                          | no password              | no password         |
 */
export function pluginsOf({
  credentials,
  verified,
  known,
  onWithheld,
}: PluginOptions): Readonly<Record<string, AuthPlugin>> {
  const keep =
    (plugin: string, message: string): AuthPlugin =>
    () =>
    () => {
      onWithheld(message);
      return Buffer.from(firstAnswer(plugin));
    };
  const clear = { mysql_clear_password: keep('mysql_clear_password', never) };
  if (mayRevealPassword(credentials, verified)) return clear;
  const message = withheldMessage(verified, fixOfTls);
  const caching: AuthPlugin = (about) => {
    const hash = known.caching_sha2_password({})(about);
    let isHashed = false;
    return (asked) => {
      if (!isHashed) {
        isHashed = true;
        return hash(asked);
      }
      const answer = nextAnswer('caching_sha2_password', asked, verified !== undefined);
      if (answer === undefined) return null;
      onWithheld(message);
      return Buffer.from(answer);
    };
  };
  return { ...clear, caching_sha2_password: caching, sha256_password: keep('sha256_password', message) };
}
