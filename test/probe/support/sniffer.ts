import { createRequire } from 'node:module';
import type { EventEmitter } from 'node:events';

interface RawSocket extends EventEmitter {
  close(): void;
}

interface RawLibrary {
  createSocket(options: { protocol: number; bufferSize: number }): RawSocket;
  readonly Protocol: { readonly TCP: number };
}

/** Sees every IPv4 TCP packet that this host receives (loopback included) and counts the resets that clients send to a port. */
export interface Sniffer {
  /** Packets seen at all: proof that it sees. */
  packets(port: number): number;
  /** Sent to the port: the prober's, not the server's own. */
  resets(port: number): number;
  /** Resolves when no further packet of the port comes: one is read per turn of the event loop. */
  drained(port: number): Promise<void>;
  stop(): void;
}

/** Undefined without CAP_NET_RAW: then a test has only what the listener itself sees. */
export function sniff(): Sniffer | undefined {
  const raw = createRequire(import.meta.url)('raw-socket') as RawLibrary;
  const packets = new Map<number, { all: number; resets: number }>();
  let socket: RawSocket;
  try {
    socket = raw.createSocket({ protocol: raw.Protocol.TCP, bufferSize: 65_536 });
  } catch {
    return undefined;
  }
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    const tcp = data.subarray((data.readUInt8(0) & 0x0f) * 4);
    const isReset = (tcp.readUInt8(13) & 0x04) !== 0;
    for (const port of [tcp.readUInt16BE(0), tcp.readUInt16BE(2)]) {
      const count = packets.get(port) ?? { all: 0, resets: 0 };
      packets.set(port, {
        all: count.all + 1,
        resets: count.resets + (isReset && port === tcp.readUInt16BE(2) ? 1 : 0),
      });
    }
  });
  return {
    packets: (port) => packets.get(port)?.all ?? 0,
    resets: (port) => packets.get(port)?.resets ?? 0,
    drained: async (port) => {
      for (let seen = packets.get(port)?.all ?? 0, idle = 0; idle < 200; idle += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        const now = packets.get(port)?.all ?? 0;
        if (now !== seen) idle = 0;
        seen = now;
      }
    },
    stop: () => socket.close(),
  };
}
