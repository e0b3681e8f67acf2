/**
 * Returns the text of an extended DNS error (RFC 8914): the name of its code, and the text that the server
 * adds.
 */
export function extendedErrorText(code: number, words: Buffer): string {
  const name = names[code] ?? `extended error ${code}`;
  const text = words
    .toString('utf8')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  const cut = text.length > longestWords ? `${text.slice(0, longestWords)}…` : text;
  return cut === '' ? name : `${name}: ${cut}`;
}

const longestWords = 120;

/** Names of the codes (RFC 8914 section 4, and the IANA registry). */
const names: readonly string[] = [
  'Other',
  'Unsupported DNSKEY Algorithm',
  'Unsupported DS Digest Type',
  'Stale Answer',
  'Forged Answer',
  'DNSSEC Indeterminate',
  'DNSSEC Bogus',
  'Signature Expired',
  'Signature Not Yet Valid',
  'DNSKEY Missing',
  'RRSIGs Missing',
  'No Zone Key Bit Set',
  'NSEC Missing',
  'Cached Error',
  'Not Ready',
  'Blocked',
  'Censored',
  'Filtered',
  'Prohibited',
  'Stale NXDOMAIN Answer',
  'Not Authoritative',
  'Not Supported',
  'No Reachable Authority',
  'Network Error',
  'Invalid Data',
];
