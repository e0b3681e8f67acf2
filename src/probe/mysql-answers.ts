import { lookUp } from '../core/look-up.ts';

/**
 * What we answer to a server that wants to know a password. The account does not exist, so no answer is a right one; but
 * each has the length that its plugin expects, for a wrong length is a broken handshake to the server, and these are
 * counted by max_connect_errors (a wrong password is not):
 *
 * | plugin                | answer                             | otherwise                                             |
 * |-----------------------|------------------------------------|-------------------------------------------------------|
 * | mysql_native_password | 20 bytes                           | ER_HANDSHAKE_ERROR, counted                           |
 * | mysql_old_password    | 8 bytes and a zero                 | the same                                              |
 * | client_ed25519        | 64 bytes                           | counted                                               |
 * | parsec                | nothing, then 96 bytes             | counted                                               |
 * | caching_sha2_password | a zero: "no password"              | a hash would make the server ask for the password     |
 * | sha256_password       | a zero                             | itself, and for RSA where there is no TLS             |
 * | any other             | a zero: the empty password as text | asks for text (dialog, mysql_clear_password) or fails |
 *
 * A server picks the plugin of an unknown user at random (MySQL: among its own; MariaDB: that of some account), so any of
 * them may be met. Sources: MySQL sql/auth/{sql_authentication,sha2_password}.cc, MariaDB sql/sql_acl.cc, plugin/auth_*.
 */
const noPassword: Uint8Array = Buffer.of(0);
const bytes = (length: number): Uint8Array => Buffer.alloc(length, 0x65);

const answers: Readonly<Record<string, Uint8Array>> = {
  mysql_native_password: bytes(20),
  mysql_old_password: Buffer.concat([bytes(8), noPassword]),
  client_ed25519: bytes(64),
  parsec: Buffer.alloc(0),
};

export const nativePassword = 'mysql_native_password';

/** The answer to a plugin's first words: in the handshake response, or after a switch to it. */
export function firstAnswer(plugin: string): Uint8Array {
  return lookUp(answers, plugin) ?? noPassword;
}

/** The plugin to begin with: the server's own saves a switch, where its answer fits into the handshake response. */
export function beginWith(plugin: string): string {
  return plugin === 'caching_sha2_password' || plugin === 'sha256_password' ? plugin : nativePassword;
}

/**
 * The answer to what a plugin says after our first; undefined: none is expected.
 *
 * | plugin                | says                             | answer                                                  |
 * |-----------------------|----------------------------------|---------------------------------------------------------|
 * | caching_sha2_password | 03: the hash is right            | none, OK follows                                        |
 * |                       | 04: the password itself, please  | with TLS the empty one, else 02: the public key, please |
 * |                       | the public key                   | 256 bytes, as if encrypted: no password, but no break   |
 * | parsec                | salt                             | 96 bytes                                                |
 * | any other             | the next question                | the empty text                                          |
 */
export function nextAnswer(plugin: string, said: Buffer, isSecure: boolean): Uint8Array | undefined {
  if (plugin === 'parsec') return bytes(96);
  if (plugin !== 'caching_sha2_password') return noPassword;
  if (said.length > 1) return bytes(256);
  if (said[0] === 3) return undefined;
  return isSecure ? noPassword : Buffer.of(2);
}
