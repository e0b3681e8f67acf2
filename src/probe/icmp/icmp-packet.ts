import { SocketAddress } from 'node:net';
import type { Family } from '../../core/kubernetes/objects.ts';

/** Content of a received ICMP packet about one of our echo requests. */
export interface IcmpPacket {
  readonly kind: 'reply' | 'unreachable';
  /** Identifier and sequence number of the echo request. */
  readonly id: number;
  readonly sequence: number;
  /**
   * Destination of the request, for an error (the source of the packet is a router). Undefined for a reply,
   * where the source counts.
   */
  readonly destination: string | undefined;
}

/** Returns the canonical text of an address, as the kernel prints it. */
export function canonical(ip: string, family: Family): string {
  return new SocketAddress({ address: ip, family: family === 'IPv6' ? 'ipv6' : 'ipv4' }).address;
}

/**
 * Parses a packet of a raw socket: with the IP header for IPv4, without it for IPv6. Returns undefined for
 * packets that do not end an echo request: our own requests (observed on loopback), redirects, source quench,
 * neighbour discovery.
 *
 * | family | reply (RFC 792, 4443) | unreachable, time exceeded |
 * |--------|-----------------------|----------------------------|
 * | IPv4   | type 0                | types 3, 11                |
 * | IPv6   | type 129              | types 1, 3                 |
 */
export function parsePacket(data: Buffer, family: Family): IcmpPacket | undefined {
  const icmp = family === 'IPv4' ? ipv4Payload(data) : data;
  if (icmp === undefined || icmp.length < 8) return undefined;
  const type = icmp.readUInt8(0);
  if (type === (family === 'IPv4' ? 0 : 129)) {
    return {
      kind: 'reply',
      id: icmp.readUInt16BE(4),
      sequence: icmp.readUInt16BE(6),
      destination: undefined,
    };
  }
  if (type !== 3 && type !== (family === 'IPv4' ? 11 : 1)) return undefined;
  return parseError(icmp.subarray(8), family);
}

/** Parses the packet that an ICMP error quotes, from its IP header on. */
function parseError(quoted: Buffer, family: Family): IcmpPacket | undefined {
  const request = family === 'IPv4' ? ipv4Payload(quoted) : ipv6Payload(quoted);
  if (request === undefined || request.length < 8 || request.readUInt8(0) !== (family === 'IPv4' ? 8 : 128))
    return undefined;
  const destination =
    family === 'IPv4' ? quoted.subarray(16, 20).join('.') : ipv6Text(quoted.subarray(24, 40));
  return { kind: 'unreachable', id: request.readUInt16BE(4), sequence: request.readUInt16BE(6), destination };
}

function ipv4Payload(data: Buffer): Buffer | undefined {
  const version = data.at(0);
  return data.length < 20 || version === undefined || version >> 4 !== 4
    ? undefined
    : data.subarray((version & 0x0f) * 4);
}

/** Returns the payload of a packet without extension headers, which our requests do not have. */
function ipv6Payload(data: Buffer): Buffer | undefined {
  return data.length < 40 || data.readUInt8(0) >> 4 !== 6 || data.readUInt8(6) !== 58
    ? undefined
    : data.subarray(40);
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return canonical(groups.join(':'), 'IPv6');
}
