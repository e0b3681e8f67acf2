import type { X509Certificate } from 'node:crypto';
import { Budget } from './budget.ts';
import { connected, proberFault } from './classify.ts';
import { converse } from './dialogue.ts';
import type { Protocol } from './protocol.ts';
import { createMysqlPorts } from './mysql-ports.ts';
import type { Probe } from './probe.ts';
import { createTrust, securing } from './secure.ts';

/**
 * Up when the TLS handshake completes from the first byte and the certificate is good: its chain, its name, its time.
 * No byte of the protocol inside is sent. The verdict also carries `certificateExpiresAt`, with `insecureSkipVerify` too.
 *
 * A server that wants a client certificate says no only after the handshake where TLS 1.3 is spoken (RFC 8446, 4.4.2.4):
 * here it is up.
 */
export function createTls(guard = createMysqlPorts()): Probe {
  const trust = createTrust();
  return guard((check, signal, meter) =>
    check.handler.kind === 'tls'
      ? converse(check, signal, tlsDialogue(), securing(check.handler.tls, trust), {
          budget: new Budget({ meter }),
        })
      : Promise.resolve(proberFault('not a tls check')),
  );
}

/** The handshake, then the end. */
export function tlsDialogue(): Protocol {
  let expiresAt: number | undefined;
  let isSecure = false;
  return {
    maxBytes: 0,
    next: () => {
      if (isSecure) return { kind: 'done', verdict: verdictOf(expiresAt) };
      isSecure = true;
      return { kind: 'secure', consumed: 0 };
    },
    secured: (certificate) => {
      expiresAt = expiryOf(certificate);
    },
  };
}

function verdictOf(expiresAt: number | undefined) {
  return expiresAt === undefined
    ? connected
    : Object.freeze({ ...connected, certificateExpiresAt: expiresAt });
}

/** A chain with a loop is no chain, but who knows what a peer sends. */
const maxChain = 10;

/** The chain ends when the first of its certificates does; milliseconds of Unix time, undefined where a date is no date. */
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
