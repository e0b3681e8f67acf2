import { parseIp, type Ip } from './ip.ts';

export interface Cidr {
  readonly text: string;
  readonly ip: Ip;
  readonly bits: number;
}

/** Parses a network such as `10.0.0.0/8` or `fd00::/8`. Returns undefined for any other text. */
export function parseCidr(text: string): Cidr | undefined {
  const [address, bits, ...rest] = text.split('/');
  const ip = parseIp(address ?? '');
  if (ip === undefined || bits === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  const count = Number(bits);
  return count <= ip.bytes.length * 8 ? { text, ip, bits: count } : undefined;
}

export function contains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.ip.family !== ip.family) return false;
  const whole = cidr.bits >> 3;
  for (let i = 0; i < whole; i++) if (cidr.ip.bytes[i] !== ip.bytes[i]) return false;
  const mask = 0xff00 >> (cidr.bits & 7);
  return (
    (cidr.bits & 7) === 0 ||
    ((cidr.ip.bytes[whole] ?? 0) & mask & 0xff) === ((ip.bytes[whole] ?? 0) & mask & 0xff)
  );
}

/** Returns the network that contains only this address. */
export const hostCidr = (ip: Ip): Cidr => {
  const bits = ip.bytes.length * 8;
  return { text: `${ip.text}/${bits}`, ip, bits };
};
