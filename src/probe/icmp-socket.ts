import { createSocket } from 'node:dgram';
import type { Socket, SocketOptions } from 'node:dgram';
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import type { Family } from '../core/kubernetes/objects.ts';

/** Functions of the addon in `src/native`. */
export interface IcmpAddon {
  /** Returns a file descriptor, or a negative errno. */
  open(family: 4 | 6): number;
}

/** Datagram socket of ICMP, or the error code with which the kernel refuses it. */
export type IcmpSocket = { readonly socket: Socket } | { readonly code: string };

/**
 * Loads the addon from `src/native`, or from `native` next to the folder of the built program. Throws when it
 * is not there.
 */
export function loadIcmpAddon(): IcmpAddon {
  const loaded: unknown = createRequire(import.meta.url)('../native/icmp-socket.node');
  if (!isIcmpAddon(loaded)) throw new TypeError('icmp-socket.node has no function open');
  return loaded;
}

const isIcmpAddon = (loaded: unknown): loaded is IcmpAddon =>
  typeof loaded === 'object' && loaded !== null && 'open' in loaded && typeof loaded.open === 'function';

/**
 * Opens a socket that sends echo requests of the family and receives their replies. Throws when Node does not
 * accept the descriptor. libuv treats it as a UDP socket, because it checks the type of a socket and not its
 * protocol.
 *
 * IP_RECVERR is not set: libuv would read the errors of other routers, and Node then ends the process
 * (observed with 24.21).
 */
export function openIcmpSocket(addon: IcmpAddon, family: Family): IcmpSocket {
  const isIPv6 = family === 'IPv6';
  const fd = addon.open(isIPv6 ? 6 : 4);
  if (fd < 0) return { code: getSystemErrorName(fd) };
  const socket = createSocket({ type: isIPv6 ? 'udp6' : 'udp4', lookup: withoutLookup(isIPv6 ? 6 : 4) });
  try {
    socket.bind({ fd, exclusive: true });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { socket };
}

/** Lookup function that returns the address unchanged. */
const withoutLookup =
  (family: 4 | 6): NonNullable<SocketOptions['lookup']> =>
  (address, _options, callback) =>
    callback(null, address, family);
