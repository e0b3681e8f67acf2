import { constants } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS } from 'node:tls';
import type { ConnectionOptions, SecureContext, SecureContextOptions } from 'node:tls';
import type { Check, TlsOptions } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { codeOf, proberFault } from '../verdict/verdicts.ts';
import { checkIdentity, sniOf } from './identity.ts';

/**
 * Returns the context of a `tls` block: its authorities and its client certificate. Throws when its
 * certificates cannot be used.
 */
export type SecureContextCache = (tls: TlsOptions) => SecureContext;

/**
 * Restrictions of every handshake that keep its cost low, whatever the server chooses:
 *
 * | not offered               | because                                                                                    |
 * |---------------------------|--------------------------------------------------------------------------------------------|
 * | finite-field DHE, TLS 1.2 | the server chooses the group: one of 10,000 bits takes 0.9 s of CPU                        |
 * | finite-field DHE, TLS 1.3 | ffdhe2048 and ffdhe3072, which OpenSSL offers last, cost more than all other groups        |
 * | renegotiation             | a server of TLS 1.2 could ask for handshakes without end; RFC 9325 and Go's clients refuse it |
 */
const offers: SecureContextOptions = {
  ciphers: `${DEFAULT_CIPHERS}:!kDHE`,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
};

/**
 * Default groups of OpenSSL without finite fields, for OpenSSL 3.5 (Node 24) and before. `*`: its key share
 * is sent at once.
 */
const groups = ['*X25519MLKEM768:*X25519:P-256:X448:P-384:P-521', 'X25519:P-256:X448:P-384:P-521'] as const;

function createContext(secrets: SecureContextOptions): SecureContext {
  try {
    return createSecureContext({ ...offers, ...secrets, ecdhCurve: groups[0] });
  } catch (error) {
    if (codeOf(error) !== unknownGroup) throw error;
    return createSecureContext({ ...offers, ...secrets, ecdhCurve: groups[1] });
  }
}

const unknownGroup = 'ERR_CRYPTO_OPERATION_FAILED';

/**
 * Returns a function that creates one context for each `tls` block, and one for all blocks without
 * certificates: to parse the authorities takes more CPU than a probe. A changed block is a new object, and
 * the context of the old one is collected with it. A context has no sessions, so each probe sees the
 * certificate.
 */
export function createSecureContextCache(authorities?: readonly string[]): SecureContextCache {
  const contexts = new WeakMap<TlsOptions, SecureContext>();
  const plain: TlsOptions = {};
  return (tls) => {
    const { ca, certificate, key } = tls;
    const block = ca === undefined && certificate === undefined && key === undefined ? plain : tls;
    const known = contexts.get(block);
    if (known !== undefined) return known;
    const context = createContext({
      ca: ca ?? (authorities && [...authorities]),
      cert: certificate,
      key,
    });
    contexts.set(block, context);
    return context;
  };
}

/** TLS settings of a protocol. `none` accepts any certificate, `ca` any name that the authority signed. */
export interface TlsPolicy {
  readonly tls: TlsOptions;
  readonly contexts: SecureContextCache;
  readonly verify: 'none' | 'ca' | 'full';
  /**
   * `at the end`: the protocol runs to its end with any certificate, which is verified then. For protocols that
   * send no secret, with servers that count a connection that ends earlier as an error of the client.
   */
  readonly verifyAt?: 'at once' | 'at the end';
  /** True when the clients of the protocol look for an address in the common name. */
  readonly commonName?: boolean;
  /** Protocol to request by ALPN (RFC 7301). */
  readonly protocol?: string;
}

/** Returns the settings of a `tls` block, for protocols without modes of their own. */
export function tlsPolicyOf(tls: TlsOptions, contexts: SecureContextCache): TlsPolicy {
  return { tls, contexts, verify: verificationOf(tls) };
}

/** Returns the part of the certificate that is verified. */
export const verificationOf = ({ insecureSkipVerify, verify = 'full' }: TlsOptions): TlsPolicy['verify'] =>
  insecureSkipVerify === true ? 'none' : verify;

/** Returns the name that the server must have, which is also sent as SNI. */
export function serverNameOf(check: Check, tls: TlsOptions | undefined): string {
  return (tls?.serverName ?? check.host).replace(/\.$/, '');
}

/** Returns options of `tls.connect`. Throws when the certificates cannot be used. */
export function tlsConnectOptions(
  { tls, contexts, verify, verifyAt, protocol, commonName = false }: TlsPolicy,
  name: string,
): ConnectionOptions {
  return {
    secureContext: contexts(tls),
    ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
    servername: sniOf(name),
    rejectUnauthorized: verify !== 'none' && verifyAt !== 'at the end',
    checkServerIdentity: (_, certificate) =>
      verify === 'full' ? checkIdentity(name, certificate, { commonName }) : undefined,
  };
}

/** Returns the verdict when `tlsConnectOptions` throws. */
export const unusableCertificates = (error: unknown): Verdict =>
  proberFault(`the certificates of spec.tls cannot be used: ${codeOf(error)}`);
