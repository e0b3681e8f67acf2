import { randomBytes } from 'node:crypto';

/**
 * PEM of finite-field parameters: a random odd number of so many bits, which OpenSSL's client takes (up to 10,000 bits)
 * without a look at its primality, and the generator 2.
 */
export function dhParameters(bits: number): string {
  const prime = randomBytes(bits / 8);
  prime[0] = (prime[0] ?? 0) | 0x80;
  prime[prime.length - 1] = (prime.at(-1) ?? 0) | 1;
  const body = Buffer.concat([der(0x02, Buffer.concat([Buffer.of(0), prime])), der(0x02, Buffer.of(2))]);
  const lines =
    der(0x30, body)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN DH PARAMETERS-----', ...lines, '-----END DH PARAMETERS-----', ''].join('\n');
}

/** A value of DER with its tag and length. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}
