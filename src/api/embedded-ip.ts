import { ipFromBytes, type Ip } from './ip.ts';

/** IPv4 address that an IPv6 address leads to. */
export interface EmbeddedIp {
  readonly ip: Ip;
  /** Name of the form, for messages such as "NAT64". */
  readonly form: string;
}

type Form = (bytes: readonly number[]) => readonly (readonly number[])[];

const startsWith = (bytes: readonly number[], prefix: readonly number[], at = 0): boolean =>
  prefix.every((value, i) => bytes[at + i] === value);
const isZero = (bytes: readonly number[], from: number, to = 16): boolean =>
  bytes.slice(from, to).every((value) => value === 0);
const at = (from: number) => (bytes: readonly number[]) => bytes.slice(from, from + 4);
const last = at(12);
const zeros = (count: number): readonly number[] => new Array<number>(count).fill(0);

/** Returns a form with a prefix and the address at a fixed place after it. */
const fixed =
  (prefix: readonly number[], take: (bytes: readonly number[]) => readonly number[]): Form =>
  (bytes) =>
    startsWith(bytes, prefix) ? [take(bytes)] : [];

/**
 * Forms of IPv6 addresses that a translator, a relay or a tunnel delivers to an IPv4 address. The rules apply
 * to that IPv4 address in addition to the address itself.
 *
 * | form                     | prefix            | the IPv4 address                                             |
 * |--------------------------|-------------------|--------------------------------------------------------------|
 * | IPv4-compatible, RFC 4291 | ::/96            | the last 32 bits; `::` and `::1` are not such addresses       |
 * | translated, RFC 2765     | ::ffff:0:0:0/96   | the last 32 bits                                             |
 * | NAT64, RFC 6052          | 64:ff9b::/96      | the last 32 bits                                             |
 * | local NAT64, RFC 8215    | 64:ff9b:1::/48    | each place of RFC 6052 that is followed by zeros: only the network has the prefix length |
 * | 6to4, RFC 3056           | 2002::/16         | bits 16 to 47                                                |
 * | Teredo, RFC 4380         | 2001::/32         | the server, bits 32 to 63; the client, the last 32 bits inverted |
 * | ISATAP, RFC 5214         | any               | the last 32 bits after 0:5efe or 200:5efe                    |
 *
 * IPv4-mapped addresses (::ffff:0:0/96) are not addresses here (`parseIp`). A NAT64 prefix that belongs to a
 * network cannot be recognised: it needs `--deny-cidr`.
 */
const forms: readonly (readonly [name: string, form: Form])[] = [
  [
    'IPv4-compatible',
    (bytes) => (isZero(bytes, 0, 15) && (bytes[15] ?? 0) < 2 ? [] : fixed(zeros(12), last)(bytes)),
  ],
  ['IPv4-translated', fixed([...zeros(8), 0xff, 0xff, 0, 0], last)],
  ['NAT64', fixed([0, 0x64, 0xff, 0x9b, ...zeros(8)], last)],
  ['local NAT64', (bytes) => (startsWith(bytes, [0, 0x64, 0xff, 0x9b, 0, 1]) ? localNat64(bytes) : [])],
  ['6to4', fixed([0x20, 0x02], at(2))],
  ['Teredo server', fixed([0x20, 0x01, 0, 0], at(4))],
  ['Teredo', fixed([0x20, 0x01, 0, 0], (bytes) => last(bytes).map((value) => value ^ 0xff))],
  [
    'ISATAP',
    (bytes) => ([0, 2].some((first) => startsWith(bytes, [first, 0, 0x5e, 0xfe], 8)) ? [last(bytes)] : []),
  ],
];

/**
 * Returns the IPv4 addresses by RFC 6052 2.2 for prefixes of 48, 56, 64 and 96 bits. The address skips bits
 * 64 to 71, and zeros follow it. A result of a short prefix within 0.0.0.0/8 is not an address: it is the
 * zeros before the address of a longer prefix.
 */
function localNat64(bytes: readonly number[]): readonly (readonly number[])[] {
  const without = [...bytes.slice(0, 8), ...bytes.slice(9)];
  const short = [6, 7, 8]
    .filter((from) => bytes[8] === 0 && isZero(without, from + 4, 15))
    .map((from) => without.slice(from, from + 4))
    .filter(([first]) => first !== 0);
  return isZero(bytes, 12) && short.length > 0 ? short : [...short, last(bytes)];
}

/** Returns an address and all IPv4 addresses that it leads to. */
export const readingsOf = (ip: Ip): readonly Ip[] => [ip, ...embeddedIps(ip).map((each) => each.ip)];

/** Returns the IPv4 addresses that an address leads to; empty for most. */
export function embeddedIps(ip: Ip): readonly EmbeddedIp[] {
  if (ip.family === 'IPv4') return [];
  return forms.flatMap(([form, read]) => read(ip.bytes).map((bytes) => ({ form, ip: ipFromBytes(bytes) })));
}
