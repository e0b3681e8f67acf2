import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';

const label = '[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?';
const dnsName = new RegExp(`^${label}(\\.${label})*$`);

/** Returns true for a possible DNS name, and false for an address. */
export const isDnsName = (name: string): boolean => isIP(name) === 0 && dnsName.test(name);

/** Returns the name to send as SNI, which only DNS names may be (RFC 6066). Empty: none. */
export const sniOf = (name: string): string => (isDnsName(name) ? name : '');

/**
 * Checks the name in a certificate. Returns undefined when the certificate is valid for the name.
 *
 * | name                               | must be in                                                        |
 * |------------------------------------|-------------------------------------------------------------------|
 * | a DNS name                         | alternative names of DNS; without any, the common name (Node)      |
 * | an address                         | alternative names of addresses; with `commonName` and without any, the common name, as in libpq |
 * | anything else (`project:instance`, | any alternative name or the common name, letter for letter        |
 * | a URI)                             |                                                                   |
 */
export function checkIdentity(
  name: string,
  certificate: PeerCertificate,
  { commonName = false }: { readonly commonName?: boolean } = {},
): Error | undefined {
  if (isIP(name) === 0 && !isDnsName(name)) {
    const names = [...alternativeNames(certificate), ...commonNames(certificate)];
    return names.includes(name) ? undefined : unlike(name);
  }
  const error = checkServerIdentity(name, certificate);
  if (error === undefined || !commonName || isIP(name) === 0) return error;
  const hasAddress = /(^|, )IP Address:/.test(certificate.subjectaltname ?? '');
  return !hasAddress && commonNames(certificate).includes(name) ? undefined : error;
}

/** Returns the error of a certificate that is not valid for the name. The code is Node's. */
const unlike = (name: string): Error =>
  Object.assign(new Error(`the certificate is not valid for ${name}`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });

/** Returns the common names. Node has an array when the subject has several. */
const commonNames = ({ subject }: PeerCertificate): readonly string[] =>
  [(subject as { readonly CN?: string | readonly string[] } | undefined)?.CN ?? []].flat();

/** Parses `DNS:one, URI:"two, with a comma"`: Node writes a name that looks like several as JSON. */
function alternativeNames({ subjectaltname = '' }: PeerCertificate): readonly string[] {
  return [...subjectaltname.matchAll(/[A-Za-z ]+:("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].map(([, text = '']) =>
    text.startsWith('"') ? unquoted(text) : text,
  );
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
