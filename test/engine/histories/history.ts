import type { SpecInput } from '../../support/builders.ts';
import type { Act, Server } from './outside.ts';

/** What happens, and when: milliseconds after the backend is published and still. */
export interface Scenario {
  readonly title: string;
  /** Undefined: the first edit creates the backend. */
  readonly spec: SpecInput | undefined;
  readonly servers: Readonly<Record<string, Server>>;
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Addresses of a Service and its Endpoints that a user wrote by hand. */
  readonly handmade?: readonly string[];
  readonly refuses: boolean;
  readonly acts: readonly (Act & { readonly at: number })[];
}

/** Who leads after the cut. */
export type Successor = 'standby' | 'fresh';

interface CutBase {
  /** At which write since the acts began, or since the cut before. */
  readonly write: number;
  /** Before the write is sent, or once it is done and not yet answered. */
  readonly when: 'before' | 'after';
  /** For how long the watch of whoever leads next is late, from the beginning of its term. */
  readonly lateMs: number;
}

export type Cut =
  | (CutBase & {
      readonly by: 'silence';
      /** For how long nothing passes between the leader and the API server and all targets, while it holds the lease. */
      readonly seconds: number;
    })
  | (CutBase & {
      readonly by: 'SIGKILL' | 'SIGTERM';
      readonly successor: Successor;
      /** Until the successor leads. */
      readonly takeoverMs: number;
    })
  | (CutBase & {
      readonly by: 'lapse';
      readonly seconds: number;
      /** How long the replica believes that it leads after the first renewal that failed. */
      readonly trustMs: number;
      /** What is out of reach. */
      readonly lost: { readonly api: boolean; readonly targets: boolean };
      /** Another leader in between: none; one that stays; one that ends before the first is back. */
      readonly other: 'none' | 'stays' | 'ends';
    });

export interface History {
  readonly scenario: Scenario;
  readonly cuts: readonly Cut[];
  /** Of delays and jitter. */
  readonly seed: number;
  readonly writeMs: number;
  readonly maxEndpointsPerSlice: number;
  /** Whether a write that is under way when the process dies arrives. */
  readonly arrives: boolean;
}
