/** A form of IPv6 address that leads to an IPv4 address. */
export interface Embedding {
  readonly name: string;
  readonly embed: (ipv4: string) => string;
}

const bytesOf = (ipv4: string): readonly number[] => ipv4.split('.').map(Number);
const hex = (ipv4: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = bytesOf(ipv4);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
};
const inverted = (ipv4: string): string =>
  bytesOf(ipv4)
    .map((byte) => byte ^ 0xff)
    .join('.');

/** All forms that have one place for the address. */
export const embeddings: readonly Embedding[] = [
  { name: 'NAT64', embed: (ipv4) => `64:ff9b::${ipv4}` },
  { name: 'local NAT64', embed: (ipv4) => `64:ff9b:1::${ipv4}` },
  { name: '6to4', embed: (ipv4) => `2002:${hex(ipv4)}::1` },
  { name: 'server of Teredo', embed: (ipv4) => `2001:0:${hex(ipv4)}:0:0:${inverted('8.8.8.8')}` },
  { name: 'client of Teredo', embed: (ipv4) => `2001:0:808:808:0:0:${inverted(ipv4)}` },
  { name: 'IPv4-compatible', embed: (ipv4) => `::${ipv4}` },
  { name: 'IPv4-translated', embed: (ipv4) => `::ffff:0:${ipv4}` },
  { name: 'ISATAP', embed: (ipv4) => `2001:db8::5efe:${ipv4}` },
  { name: 'ISATAP of a global address', embed: (ipv4) => `2001:db8::200:5efe:${ipv4}` },
];
