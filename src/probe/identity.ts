import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';

const label = '[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?';
const dnsName = new RegExp(`^${label}(\\.${label})*$`);

/** A name that DNS may have, and no address. */
export const isDnsName = (name: string): boolean => isIP(name) === 0 && dnsName.test(name);

/** The name to send as SNI: RFC 6066 has DNS names alone. Empty: none. */
export const sniOf = (name: string): string => (isDnsName(name) ? name : '');

/**
 * Checks the name in a certificate; undefined: it is the one that is wanted.
 *
 * | name                               | is found in                                                       |
 * |------------------------------------|-------------------------------------------------------------------|
 * | a DNS name                         | alternative names of DNS; the common name where there is none (Node) |
 * | an address                         | alternative names of addresses; with `commonName`, as libpq has it, the common name where there is none |
 * | anything else (`project:instance`, | any alternative name, and the common name, letter for letter      |
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

/** Of a certificate that is not for the name; the code is Node's. */
const unlike = (name: string): Error =>
  Object.assign(new Error(`the certificate is not for ${name}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });

/** Node has an array of a subject with several. */
const commonNames = ({ subject }: PeerCertificate): readonly string[] =>
  [(subject as { readonly CN?: string | readonly string[] } | undefined)?.CN ?? []].flat();

/** `DNS:one, URI:"two, with a comma"`: Node writes what could be taken for more than one as JSON. */
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
