import type { SpecInput } from '../../support/builders/builders.ts';
import type { Act, Server } from './outside.ts';

/** Events and their times: milliseconds after the backend is published and nothing changes. */
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

/** Replica that leads after the cut. */
export type Successor = 'standby' | 'fresh';

interface CutBase {
  /** Number of the write at which it happens, counted from the first event or the previous cut. */
  readonly write: number;
  /** Before the write is sent, or after it is done and before its response. */
  readonly when: 'before' | 'after';
  /** Delay of the watch of the next leader, from the beginning of its term. */
  readonly lateMs: number;
}

export type Cut =
  | (CutBase & {
      readonly by: 'silence';
      /**
       * Time for which nothing passes between the leader and the API server and all targets, while it has the
       * lease.
       */
      readonly seconds: number;
    })
  | (CutBase & {
      readonly by: 'SIGKILL' | 'SIGTERM';
      readonly successor: Successor;
      /** Time until the successor leads. */
      readonly takeoverMs: number;
    })
  | (CutBase & {
      readonly by: 'lapse';
      readonly seconds: number;
      /** Time for which the replica still acts as the leader after the first renewal that failed. */
      readonly trustMs: number;
      /** Parts that cannot be reached. */
      readonly lost: { readonly api: boolean; readonly targets: boolean };
      /** Another leader in between: none; one that remains; one that ends before the first is back. */
      readonly other: 'none' | 'stays' | 'ends';
    });

export interface History {
  readonly scenario: Scenario;
  readonly cuts: readonly Cut[];
  /** Seed of delays and jitter. */
  readonly seed: number;
  readonly writeMs: number;
  readonly maxEndpointsPerSlice: number;
  /** True if a write that is in flight when the process is killed arrives. */
  readonly arrives: boolean;
}
