import type { X509Certificate } from 'node:crypto';
import { Budget } from '../connection/budget.ts';
import { connected, proberFault } from '../verdict/verdicts.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import type { Protocol } from '../connection/protocol.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import type { Probe } from '../connection/probe.ts';
import { createSecureContextCache, tlsPolicyOf } from '../connection/tls.ts';

/**
 * Creates the probe that is up when the TLS handshake from the first byte completes and the certificate is
 * valid: chain, name and dates. No byte of the inner protocol is sent. The verdict has
 * `certificateExpiresAt`, also with `insecureSkipVerify`.
 *
 * With TLS 1.3 a server that requires a client certificate refuses only after the handshake (RFC 8446,
 * 4.4.2.4), so it is up here.
 */
export function createTls(guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache();
  return guard((check, signal, meter) =>
    check.handler.kind === 'tls'
      ? runProtocol(check, signal, tlsProtocol(), tlsPolicyOf(check.handler.tls, contexts), {
          budget: new Budget({ meter }),
        })
      : Promise.resolve(proberFault('not a tls check')),
  );
}

/** Creates the protocol: the handshake, then the end. */
export function tlsProtocol(): Protocol {
  let expiresAt: number | undefined;
  let isSecure = false;
  return {
    maxBytes: 0,
    next: () => {
      if (isSecure) return { kind: 'done', verdict: verdictOf(expiresAt) };
      isSecure = true;
      return { kind: 'secure', consumed: 0 };
    },
    onTls: (certificate) => {
      expiresAt = expiryOf(certificate);
    },
  };
}

function verdictOf(expiresAt: number | undefined) {
  return expiresAt === undefined
    ? connected
    : Object.freeze({ ...connected, certificateExpiresAt: expiresAt });
}

/** Maximum length of a chain, because a peer may send a loop. */
const maxChain = 10;

/**
 * Returns the earliest end of a certificate of the chain, in milliseconds of Unix time. Undefined: no valid
 * date.
 */
function expiryOf(certificate: X509Certificate): number | undefined {
  let first = Infinity;
  let current: X509Certificate | undefined = certificate;
  for (let length = 0; current !== undefined && length < maxChain; length += 1) {
    const ends = Date.parse(current.validTo);
    if (Number.isFinite(ends)) first = Math.min(first, ends);
    current = current.issuerCertificate;
  }
  return Number.isFinite(first) ? first : undefined;
}
