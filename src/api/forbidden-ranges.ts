import { contains, parseCidr } from './cidr.ts';
import { embeddedIps } from './embedded-ip.ts';
import type { Ip } from './ip.ts';

export interface ForbiddenRange {
  /** Name with its article, for messages such as "is a loopback address". */
  readonly name: string;
  readonly ranges: string;
  readonly includes: (ip: Ip) => boolean;
  /** CEL form of `includes`, for an expression of type `ip`. */
  readonly cel: (ip: string) => string;
  /** True: a stored resource that is older than this rule keeps its other addresses, see `AdmissionRule`. */
  readonly admissionOnly?: true;
}

const byte = (ip: Ip, index: number): number => ip.bytes[index] ?? 0;
const isAll = (ip: Ip, value: number, from = 0, to = ip.bytes.length): boolean =>
  ip.bytes.slice(from, to).every((each) => each === value);
const isBroadcast = (ip: Ip): boolean => ip.family === 'IPv4' && isAll(ip, 255);

/** Returns both forms of the test "in one of these networks". */
function within(networks: readonly string[]): Pick<ForbiddenRange, 'ranges' | 'includes' | 'cel'> {
  const cidrs = networks.flatMap((text) => parseCidr(text) ?? []);
  return {
    ranges: networks.join(', '),
    includes: (ip) => cidrs.some((cidr) => contains(cidr, ip)),
    cel: (ip) => networks.map((text) => `cidr('${text}').containsIP(${ip})`).join(' || '),
  };
}

/**
 * Networks of metadata and credential services of clouds outside the link-local range. The link-local range
 * contains 169.254.169.254 (all large clouds), 169.254.170.2 and 169.254.170.23 (containers of AWS) and
 * 169.254.42.42 (Scaleway).
 *
 * | network                           | service                                                              |
 * |-----------------------------------|----------------------------------------------------------------------|
 * | 168.63.129.16                     | Azure, WireServer                                                    |
 * | 100.100.100.200                   | Alibaba Cloud                                                        |
 * | 192.0.0.0/24                      | Oracle Cloud, classic (192.0.0.192); RFC 6890 has no servers in it    |
 * | fd00:ec2::/32                     | AWS: metadata ::254, containers (EKS Pod Identity) ::23, DNS, time    |
 * | fd20:ce::/32                      | Google Cloud (::254)                                                  |
 * | fd00:42::42                       | Scaleway                                                              |
 */
const metadataNetworks: readonly string[] = [
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.0/24',
  'fd00:ec2::/32',
  'fd20:ce::/32',
  'fd00:42::42/128',
];

const reserved = within(['0.0.0.0/8', '240.0.0.0/4', 'fec0::/10']);

/**
 * Ranges that are never published or probed. They are the ranges that the API server refuses in Endpoints
 * (`ValidateEndpointIP`); multicast, broadcast and reserved addresses, which are not servers either; and
 * metadata services of clouds, which give credentials to any client that reaches them. The ranges are
 * disjoint, so an address breaks one rule only.
 *
 * | range        | IPv4                               | IPv6      |
 * |--------------|------------------------------------|-----------|
 * | unspecified  | 0.0.0.0                            | ::        |
 * | loopback     | 127.0.0.0/8                        | ::1       |
 * | link-local   | 169.254.0.0/16                     | fe80::/10 |
 * | multicast    | 224.0.0.0/4                        | ff00::/8  |
 * | broadcast    | 255.255.255.255                    |           |
 * | reserved     | the rest of 0.0.0.0/8, 240.0.0.0/4 | fec0::/10 |
 * | metadata     | `metadataNetworks`                 | the same  |
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
      ip.family === 'IPv4' ? (byte(ip, 0) & 0xf0) === 0xe0 || isBroadcast(ip) : byte(ip, 0) === 0xff,
    // CEL can test only link-local multicast. An address that is not global unicast and in none of the ranges
    // above is multicast or broadcast.
    cel: (ip) =>
      `!${ip}.isGlobalUnicast() && !${ip}.isUnspecified() && !${ip}.isLoopback() && !${ip}.isLinkLocalUnicast()`,
  },
  {
    name: 'a reserved',
    ranges: reserved.ranges,
    includes: (ip) => reserved.includes(ip) && !isAll(ip, 0) && !isBroadcast(ip),
    // In these networks, all addresses except the unspecified and the broadcast address are global unicast.
    cel: (ip) => `${ip}.isGlobalUnicast() && (${reserved.cel(ip)})`,
    admissionOnly: true,
  },
  { name: 'a cloud metadata', ...within(metadataNetworks), admissionOnly: true },
];

const rangeOf = (ip: Ip): string | undefined => {
  const range = forbiddenRanges.find((candidate) => candidate.includes(ip));
  return range && `${range.name} address (${range.ranges})`;
};

/**
 * Returns why an address may not be published or probed ("a loopback address (…)"); undefined if it may. An
 * IPv6 address that leads to a forbidden IPv4 address is forbidden too. The rules of the API server check
 * only the address as it is written.
 */
export function forbiddenRule(ip: Ip): string | undefined {
  const own = rangeOf(ip);
  if (own !== undefined) return own;
  for (const { ip: inner, form } of embeddedIps(ip)) {
    const rule = rangeOf(inner);
    if (rule !== undefined) return `it leads to ${inner.text} (${form}), ${rule}`;
  }
  return undefined;
}
