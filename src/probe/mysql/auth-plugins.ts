import { lookUp } from '../../core/look-up.ts';

/**
 * Answers to a server that asks for a password. The account does not exist, so no answer is correct. Each
 * answer has the length that its plugin expects, because a server treats a wrong length as a broken handshake
 * and counts it for max_connect_errors. A wrong password is not counted.
 *
 * | plugin                | answer                             | otherwise                                             |
 * |-----------------------|------------------------------------|-------------------------------------------------------|
 * | mysql_native_password | 20 bytes                           | ER_HANDSHAKE_ERROR, counted                           |
 * | mysql_old_password    | 8 bytes and a zero                 | the same                                              |
 * | client_ed25519        | 64 bytes                           | counted                                               |
 * | parsec                | nothing, then 96 bytes             | counted                                               |
 * | caching_sha2_password | a zero: "no password"              | after a hash the server would ask for the password    |
 * | sha256_password       | a zero                             | the password, by RSA without TLS                      |
 * | any other             | a zero: the empty password as text | asks for text (dialog, mysql_clear_password) or fails |
 *
 * A server chooses the plugin of an unknown user at random (MySQL: one of its plugins; MariaDB: the plugin of
 * an account), so any of them may occur. Sources: MySQL sql/auth/{sql_authentication,sha2_password}.cc,
 * MariaDB sql/sql_acl.cc, plugin/auth_*.
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

/** Returns the first answer to a plugin: in the handshake response, or after a switch to it. */
export function firstAnswer(plugin: string): Uint8Array {
  return lookUp(answers, plugin) ?? noPassword;
}

/**
 * Returns the plugin to begin with. The plugin of the server saves a switch if its answer fits into the
 * handshake response.
 */
export function beginWith(plugin: string): string {
  return plugin === 'caching_sha2_password' || plugin === 'sha256_password' ? plugin : nativePassword;
}

/**
 * Returns the answer to a later packet of a plugin. Undefined: the server expects no answer.
 *
 * | plugin                | packet                           | answer                                                  |
 * |-----------------------|----------------------------------|---------------------------------------------------------|
 * | caching_sha2_password | 03: the hash is correct          | none, OK follows                                        |
 * |                       | 04: request for the password     | with TLS the empty one, else 02: request for the key    |
 * |                       | the public key                   | 256 bytes, as if encrypted: no password, valid length   |
 * | parsec                | salt                             | 96 bytes                                                |
 * | any other             | the next question                | the empty text                                          |
 */
export function nextAnswer(plugin: string, data: Buffer, isSecure: boolean): Uint8Array | undefined {
  if (plugin === 'parsec') return bytes(96);
  if (plugin !== 'caching_sha2_password') return noPassword;
  if (data.length > 1) return bytes(256);
  if (data[0] === 3) return undefined;
  return isSecure ? noPassword : Buffer.of(2);
}
