import { lookUp } from '../../core/look-up.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { classifyErrno, closedEarly, codeOf, verdict } from '../verdict/verdicts.ts';

export const notTls = verdict(
  'down',
  'WrongProtocol',
  'the server did not answer with TLS: does it use TLS on this port?',
);
const tlsFailed = (message: string): Verdict => verdict('down', 'TlsFailed', message);
const unknownAuthority = tlsFailed('the certificate is signed by an unknown authority');
/** Alert 40 has no cause (RFC 5246, 7.2.2; RFC 8446, 4.1.1). */
const noCommonOffer = tlsFailed(
  'TLS alert 40: no common cipher (needs TLS 1.3 or ECDHE; DHE is not offered), or a client certificate is required',
);

/**
 * The same after the handshake, in TLS 1.2. A server that asks for another handshake gets the warning
 * no_renegotiation, and may answer it with alert 40 (RFC 5246, 7.2.2).
 */
const renegotiates = tlsFailed(
  'TLS alert 40 after the handshake: the server asked for renegotiation, which the probe refuses',
);

const byCode: Readonly<Record<string, Verdict>> = {
  CERT_HAS_EXPIRED: verdict('down', 'CertificateExpired'),
  CERT_NOT_YET_VALID: tlsFailed('the certificate is not valid yet'),
  CERT_REVOKED: tlsFailed('the certificate is revoked'),
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': noCommonOffer,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: noCommonOffer,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
  ERR_SSL_HTTP_REQUEST: notTls,
  ERR_SSL_UNEXPECTED_MESSAGE: notTls,
};

/**
 * Returns the verdict of a request that failed. Node reports ECONNRESET for a reset (a failed system call)
 * and for an early end.
 *
 * @param serverName name that the certificate was checked against
 * @param isSecured true after the TLS handshake
 */
export function classifyHttpError(error: unknown, serverName: string, isSecured = false): Verdict {
  const end = classify(error, serverName);
  return end === noCommonOffer && isSecured ? renegotiates : end;
}

function classify(error: unknown, serverName: string): Verdict {
  const code = codeOf(error);
  const known = lookUp(byCode, code);
  if (known !== undefined) return known;
  if (code === 'ECONNRESET' && !isSystemCall(error)) return closedEarly;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return tlsFailed(`the certificate is not valid for ${serverName}`);
  if (code === 'EPROTO' && /wrong version number|packet length too long|http request/.test(String(error)))
    return notTls;
  if (code === 'EPROTO' && /alert number 40\b/.test(String(error))) return noCommonOffer;
  if (isTls(code)) return tlsFailed(code);
  return classifyErrno(error);
}

function isSystemCall(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error && error.syscall !== undefined;
}

/** Returns true for OpenSSL's alerts and handshake failures, and for its X.509 verification codes. */
function isTls(code: string): boolean {
  return (
    code === 'EPROTO' ||
    /^(ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH)/.test(code)
  );
}
