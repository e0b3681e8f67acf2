import type { HttpGet } from '../api/external-backend.ts';
import type { Family } from './objects.ts';

/** How an address is asked. One member per probe kind; `src/probe` has one function for each. */
export type Handler =
  | { readonly kind: 'tcpSocket' }
  | { readonly kind: 'httpGet'; readonly request: HttpGet }
  | { readonly kind: 'icmp' };

/** The kubelet's six numbers, in milliseconds where they are times. */
export interface Timing {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** One thing that is probed again and again: an address, a port and the way to ask. Immutable. */
export interface Check {
  /** Unique within its backend and stable over restarts: see `checksOf`. */
  readonly id: string;
  /** Canonical text of the IP that is dialled; nothing is resolved again. */
  readonly ip: string;
  readonly family: Family;
  /** The port that is dialled; 0 for icmp. */
  readonly port: number;
  /** The target's host as the user wrote it: Host header and server name. */
  readonly host: string;
  readonly handler: Handler;
  readonly timing: Timing;
}
