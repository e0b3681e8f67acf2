export interface Ip {
  readonly family: 'IPv4' | 'IPv6';
  /** Canonical (RFC 5952): what the API server and other controllers write, so texts compare as addresses do. */
  readonly text: string;
  /** 4 or 16 bytes, in network order. */
  readonly bytes: readonly number[];
}

/**
 * Reads exactly what `isIP` of Kubernetes' CEL library takes (Go's `netip.ParseAddr` without zones and without
 * IPv4-mapped IPv6): four decimal fields without leading zeros, or RFC 4291 text in any case.
 */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(':')) {
    const bytes = parseIpv4(text);
    return bytes && { family: 'IPv4', text, bytes };
  }
  const groups = parseIpv6(text);
  if (groups === undefined || isMapped(groups)) return undefined;
  return {
    family: 'IPv6',
    text: ipv6Text(groups),
    bytes: groups.flatMap((group) => [group >> 8, group & 0xff]),
  };
}

/** Canonical text of an address of 4 or 16 bytes in network order; undefined where it is an IPv4-mapped one. */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  const groups = pairs(bytes);
  return isMapped(groups) ? undefined : ipv6Text(groups);
}

/** Character by character, for every host of every backend comes through here several times. */
function parseIpv4(text: string): readonly number[] | undefined {
  const bytes: number[] = [];
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const digit = text.charCodeAt(i) - zero;
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return undefined;
      value = value < 0 ? digit : value * 10 + digit;
    } else {
      if (value < 0 || value > 255 || (i < text.length && text[i] !== '.')) return undefined;
      bytes.push(value);
      value = -1;
    }
  }
  return bytes.length === 4 ? bytes : undefined;
}

const zero = 48;

/** Eight groups of 16 bits. `::` stands for at least one group of zeros and occurs at most once. */
function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** The last two groups of an address may be written as IPv4: `64:ff9b::192.0.2.1`. */
function parseGroups(text: string, last: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const ipv4 = last && parts.at(-1)?.includes('.') === true ? parseIpv4(parts.pop() ?? '') : [];
  if (ipv4 === undefined || !parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  return [...parts.map((part) => parseInt(part, 16)), ...pairs(ipv4)];
}

/** Bytes as groups of 16 bits. */
const pairs = (bytes: ArrayLike<number>): readonly number[] =>
  Array.from({ length: bytes.length / 2 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));

const isMapped = (groups: readonly number[]): boolean =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;

/** RFC 5952: lower case, no leading zeros, the first of the longest runs of two or more zero groups as `::`. */
function ipv6Text(groups: readonly number[]): string {
  const hex = groups.map((group) => group.toString(16));
  const run = longestZeroRun(groups);
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}

export interface ForbiddenRange {
  /** As in "is a loopback address". */
  readonly name: string;
  readonly ranges: string;
  readonly includes: (ip: Ip) => boolean;
  /** Twin of `includes` on a CEL `ip`. */
  readonly cel: (ip: string) => string;
  /** A resource that was stored before the range was forbidden keeps its other addresses: see `AdmissionRule`. */
  readonly admissionOnly?: true;
}

const byte = (ip: Ip, index: number): number => ip.bytes[index] ?? 0;
const isAll = (ip: Ip, value: number, from = 0, to = ip.bytes.length): boolean =>
  ip.bytes.slice(from, to).every((each) => each === value);

/**
 * Metadata and credential services of clouds outside the link-local range, which has 169.254.169.254 (all large clouds),
 * 169.254.170.2 and 169.254.170.23 (containers of AWS) and 169.254.42.42 (Scaleway):
 *
 * | address                           | service                                   |
 * |-----------------------------------|-------------------------------------------|
 * | 168.63.129.16                     | Azure, WireServer                         |
 * | 100.100.100.200                   | Alibaba Cloud                             |
 * | 192.0.0.192                       | Oracle Cloud, classic                     |
 * | fd00:ec2::254                     | AWS, instances                            |
 * | fd00:ec2::23                      | AWS, containers (EKS Pod Identity)        |
 * | fd20:ce::254                      | Google Cloud                              |
 * | fd00:42::42                       | Scaleway                                  |
 */
const metadataServices: readonly string[] = [
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:42::42',
];

/**
 * Addresses that are never published nor probed: all that the API server refuses in Endpoints (`ValidateEndpointIP`), multicast and
 * broadcast, which are no servers either, and metadata services of clouds, which give credentials to whoever reaches them.
 * The ranges are disjoint, so an address breaks one rule only.
 *
 * | range        | IPv4               | IPv6      |
 * |--------------|--------------------|-----------|
 * | unspecified  | 0.0.0.0            | ::        |
 * | loopback     | 127.0.0.0/8        | ::1       |
 * | link-local   | 169.254.0.0/16     | fe80::/10 |
 * | multicast    | 224.0.0.0/4        | ff00::/8  |
 * | broadcast    | 255.255.255.255    |           |
 * | metadata     | `metadataServices` | the same  |
 */
export const forbiddenRanges: readonly ForbiddenRange[] = [
  {
    name: 'an unspecified',
    ranges: '0.0.0.0, ::',
    includes: (ip) => isAll(ip, 0),
    cel: (ip) => `${ip}.isUnspecified()`,
  },
  {
    name: 'a loopback',
    ranges: '127.0.0.0/8, ::1',
    includes: (ip) =>
      ip.family === 'IPv4' ? byte(ip, 0) === 127 : isAll(ip, 0, 0, 15) && byte(ip, 15) === 1,
    cel: (ip) => `${ip}.isLoopback()`,
  },
  {
    name: 'a link-local',
    ranges: '169.254.0.0/16 with the metadata service 169.254.169.254, fe80::/10',
    includes: (ip) =>
      ip.family === 'IPv4'
        ? byte(ip, 0) === 169 && byte(ip, 1) === 254
        : byte(ip, 0) === 0xfe && (byte(ip, 1) & 0xc0) === 0x80,
    cel: (ip) => `${ip}.isLinkLocalUnicast()`,
  },
  {
    name: 'a multicast or broadcast',
    ranges: '224.0.0.0/4, ff00::/8, 255.255.255.255',
    includes: (ip) =>
      ip.family === 'IPv4' ? (byte(ip, 0) & 0xf0) === 0xe0 || isAll(ip, 255) : byte(ip, 0) === 0xff,
    // CEL knows link-local multicast only; what is not global unicast and none of the above is multicast or broadcast.
    cel: (ip) =>
      `!${ip}.isGlobalUnicast() && !${ip}.isUnspecified() && !${ip}.isLoopback() && !${ip}.isLinkLocalUnicast()`,
  },
  {
    name: 'a cloud metadata',
    ranges: metadataServices.join(', '),
    includes: (ip) => metadataServices.includes(ip.text),
    cel: (ip) => `string(${ip}) in [${metadataServices.map((text) => `'${text}'`).join(', ')}]`,
    admissionOnly: true,
  },
];

/** Why an address may neither be published nor probed, in words ("a loopback address (…)"); undefined when it may. */
export function forbiddenRule(ip: Ip): string | undefined {
  const range = forbiddenRanges.find((candidate) => candidate.includes(ip));
  return range && `${range.name} address (${range.ranges})`;
}
