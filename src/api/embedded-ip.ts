import { ipFromBytes, type Ip } from './ip.ts';

/** An IPv4 address that an IPv6 address leads to. */
export interface EmbeddedIp {
  readonly ip: Ip;
  /** As in "its NAT64 form". */
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

/** A form whose prefix is followed by the address at one place. */
const fixed =
  (prefix: readonly number[], take: (bytes: readonly number[]) => readonly number[]): Form =>
  (bytes) =>
    startsWith(bytes, prefix) ? [take(bytes)] : [];

/**
 * Forms of IPv6 addresses that a translator, a relay or a tunnel delivers to an IPv4 address. What they lead to is judged
 * in addition to the address itself.
 *
 * | form                     | prefix            | the IPv4 address                                             |
 * |--------------------------|-------------------|--------------------------------------------------------------|
 * | IPv4-compatible, RFC 4291 | ::/96            | the last 32 bits; `::` and `::1` are no such addresses        |
 * | translated, RFC 2765     | ::ffff:0:0:0/96   | the last 32 bits                                             |
 * | NAT64, RFC 6052          | 64:ff9b::/96      | the last 32 bits                                             |
 * | local NAT64, RFC 8215    | 64:ff9b:1::/48    | each place of RFC 6052 that has zeros behind it: only the network knows which |
 * | 6to4, RFC 3056           | 2002::/16         | bits 16 to 47                                                |
 * | Teredo, RFC 4380         | 2001::/32         | the server, bits 32 to 63; the client, the last 32 bits inverted |
 * | ISATAP, RFC 5214         | any               | the last 32 bits after 0:5efe or 200:5efe                    |
 *
 * IPv4-mapped addresses (::ffff:0:0/96) are no addresses here at all (`parseIp`). A NAT64 prefix of a network's own cannot be
 * recognised: it takes `--deny-cidr`.
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
 * RFC 6052 2.2 for prefixes of 48, 56, 64 and 96 bits: the address leaves out bits 64 to 71, and zeros follow it. A short
 * place that reads as 0.0.0.0/8 is no address, but the zeros before a longer one.
 */
function localNat64(bytes: readonly number[]): readonly (readonly number[])[] {
  const without = [...bytes.slice(0, 8), ...bytes.slice(9)];
  const short = [6, 7, 8]
    .filter((from) => bytes[8] === 0 && isZero(without, from + 4, 15))
    .map((from) => without.slice(from, from + 4))
    .filter(([first]) => first !== 0);
  return isZero(bytes, 12) && short.length > 0 ? short : [...short, last(bytes)];
}

/** An address and all that it leads to. */
export const readingsOf = (ip: Ip): readonly Ip[] => [ip, ...embeddedIps(ip).map((each) => each.ip)];

/** The IPv4 addresses that an address leads to; empty for most. */
export function embeddedIps(ip: Ip): readonly EmbeddedIp[] {
  if (ip.family === 'IPv4') return [];
  return forms.flatMap(([form, read]) => read(ip.bytes).map((bytes) => ({ form, ip: ipFromBytes(bytes) })));
}
