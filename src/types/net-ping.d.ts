/** The part of net-ping 1.2.4 that `src/probe/icmp/icmp-raw.ts` uses, its insides included: the reply's source is checked there. */
declare module 'net-ping' {
  import type { EventEmitter } from 'node:events';

  export enum NetworkProtocol {
    IPv4 = 1,
    IPv6 = 2,
  }

  export interface SessionOptions {
    readonly networkProtocol?: NetworkProtocol;
    readonly packetSize?: number;
    readonly retries?: number;
    /** The ICMP identifier; 0 is taken for "not given". */
    readonly sessionId?: number;
    readonly timeout?: number;
    readonly ttl?: number;
  }

  /** An echo request that waits for its reply. */
  export interface Request {
    readonly id: number;
    readonly target: string;
    readonly callback: PingCallback;
  }

  export type PingCallback = (error: Error | null, target: string, sent: Date, received: Date) => void;

  export interface Session extends EventEmitter {
    /** Milliseconds; read when a ping is queued. */
    timeout: number;
    readonly sessionId: number;
    /** By ICMP sequence number. */
    readonly reqs: Readonly<Record<number, Request | undefined>>;
    readonly reqsPending: number;
    getSocket(): EventEmitter;
    onSocketMessage(packet: Buffer, source: string): void;
    reqRemove(id: number): Request | undefined;
    pingHost(target: string, callback: PingCallback): this;
    close(): this;
  }

  /** Throws "Operation not permitted" without CAP_NET_RAW. */
  export function createSession(options?: SessionOptions): Session;

  export class DestinationUnreachableError extends Error {}
  export class TimeExceededError extends Error {}
  export class RequestTimedOutError extends Error {}
}
