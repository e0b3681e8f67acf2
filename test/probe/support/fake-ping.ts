import { EventEmitter } from 'node:events';
import ping from 'net-ping';
import type { PingCallback, Request, Session, SessionOptions } from 'net-ping';
import type { PingLibrary } from '../../../src/probe/icmp/icmp-raw.ts';

/** Behaves as net-ping's session, without a socket: packets are handed in by the test. Believes every reply it is given. */
export class FakeSession extends EventEmitter implements Session {
  timeout = 0;
  isClosed = false;
  readonly sessionId: number;
  readonly options: SessionOptions;
  readonly reqs: Record<number, Request | undefined> = {};
  readonly socket = new EventEmitter();
  #lastId = 1;

  constructor(options: SessionOptions) {
    super();
    this.options = options;
    this.sessionId = options.sessionId ?? 0;
  }

  get reqsPending(): number {
    return Object.keys(this.reqs).length;
  }

  getSocket(): EventEmitter {
    return this.socket;
  }

  onSocketMessage(packet: Buffer): void {
    const offset = this.options.networkProtocol === ping.NetworkProtocol.IPv4 ? 20 : 0;
    const request = this.reqRemove(packet.readUInt16BE(offset + 6));
    request?.callback(null, request.target, new Date(0), new Date(0));
  }

  reqRemove(id: number): Request | undefined {
    const request = this.reqs[id];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    delete this.reqs[id];
    return request;
  }

  pingHost(target: string, callback: PingCallback): this {
    this.#lastId += 1;
    this.reqs[this.#lastId] = { id: this.#lastId, target, callback };
    this.emit('queued', this.#lastId);
    return this;
  }

  close(): this {
    this.isClosed = true;
    return this;
  }
}

export function fakePing(): { readonly library: PingLibrary; readonly sessions: FakeSession[] } {
  const sessions: FakeSession[] = [];
  const library: PingLibrary = {
    NetworkProtocol: ping.NetworkProtocol,
    DestinationUnreachableError: ping.DestinationUnreachableError,
    createSession: (options) => {
      const session = new FakeSession(options);
      sessions.push(session);
      return session;
    },
  };
  return { library, sessions };
}

/** An ICMP header as of an echo request or reply. */
export function echo(type: number, id: number, sequence: number): Buffer {
  const packet = Buffer.alloc(16);
  packet.writeUInt8(type, 0);
  packet.writeUInt16BE(id, 4);
  packet.writeUInt16BE(sequence, 6);
  return packet;
}

export function ipv4(payload: Buffer, destination = [10, 0, 0, 1]): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.set(destination, 16);
  return Buffer.concat([header, payload]);
}

/** `lastByte` of the destination 2001:db8::x. */
export function ipv6(payload: Buffer, lastByte: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt8(58, 6);
  header.set([0x20, 0x01, 0x0d, 0xb8], 24);
  header.writeUInt8(lastByte, 39);
  return Buffer.concat([header, payload]);
}

export function icmpError(type: number, quoted: Buffer): Buffer {
  return Buffer.concat([echo(type, 0, 0).subarray(0, 8), quoted]);
}
