import { createPublicKey } from 'node:crypto';

/** Maximum size of the RSA key of a server. MySQL generates keys of 2,048 bits. */
export const maxKeyBits = 4_096;
/** Maximum length of its PEM. A key of 4,096 bits has 800 bytes. */
const maxKeyBytes = 1_024;
const maxExponent = 2n ** 32n;

/**
 * Returns true when the payload of a packet is the public key of caching_sha2_password or sha256_password,
 * and encrypting the password with it would take long: the server chooses the key, OpenSSL accepts 16,384
 * bits, and the thread waits.
 *
 *     01 "-----BEGIN PUBLIC KEY-----" …
 */
export function isCostlyKey(payload: Buffer): boolean {
  if (payload[0] !== 1 || payload.length <= 2) return false;
  const pem = payload.subarray(1);
  return pem.length > maxKeyBytes || !isSmallKey(pem);
}

/**
 * Reads no other kind of PEM, because a private key may be encrypted under a password whose derivation takes
 * arbitrarily long.
 */
function isSmallKey(pem: Buffer): boolean {
  const text = pem.toString('latin1');
  if (!/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(text)) return false;
  try {
    const { asymmetricKeyType, asymmetricKeyDetails = {} } = createPublicKey(text);
    const { modulusLength = Infinity, publicExponent = maxExponent } = asymmetricKeyDetails;
    return asymmetricKeyType === 'rsa' && modulusLength <= maxKeyBits && publicExponent < maxExponent;
  } catch {
    return false;
  }
}
