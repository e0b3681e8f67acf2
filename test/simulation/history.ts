import type { IsolationLimits } from '../../src/core/isolation/isolation.ts';
import type { SpecInput } from '../support/builders/builders.ts';
import type { ApiFault } from './api/faults.ts';
import type { Link } from './api/wire.ts';
import type { Host } from './network/targets.ts';
import type { NameAnswer } from './network/zones.ts';

/** Replica that an event concerns: by its index, or the one that leads then. */
export type Which = number | 'leader';

/** One event. `forMs`: it ends by itself after that time. */
export type Act =
  | { readonly op: 'hosts'; readonly ips: readonly string[]; readonly is: Host }
  | { readonly op: 'name'; readonly name: string; readonly is: NameAnswer; readonly forMs?: number }
  | { readonly op: 'cut'; readonly replica: Which; readonly ips: readonly string[]; readonly forMs: number }
  | { readonly op: 'prober'; readonly replica: Which; readonly forMs: number }
  | { readonly op: 'link'; readonly replica: Which; readonly link: Link; readonly forMs: number }
  | { readonly op: 'lag'; readonly replica: Which; readonly lagMs: number; readonly forMs: number }
  | { readonly op: 'api'; readonly fault: ApiFault; readonly share: number; readonly forMs: number }
  | {
      readonly op: 'atWrite';
      readonly replica: Which;
      /** Number of the write, from then on, at which it happens. */
      readonly write: number;
      /** When the write is sent, or after it is executed and before its answer. */
      readonly when: 'before' | 'after';
      readonly then: Mishap;
      readonly forMs: number;
    }
  | { readonly op: 'kill' | 'stop' | 'pause'; readonly replica: Which; readonly forMs: number }
  | { readonly op: 'wall'; readonly replica: Which; readonly ms: number }
  | { readonly op: 'edit'; readonly backend: string; readonly spec: SpecInput }
  | {
      readonly op: 'annotate';
      readonly backend: string;
      /** Text of the maintenance annotation; undefined: it is removed. */
      readonly text: string | undefined;
    }
  | { readonly op: 'delete'; readonly backend: string }
  | { readonly op: 'tamper'; readonly service: string; readonly how: Tampering };

/**
 * What happens to a process at one of its writes: SIGKILL and a new process, SIGSTOP, or SIGSTOP while the network
 * is cut, so that what it has sent arrives later.
 */
export type Mishap = 'kill' | 'pause' | 'stall';

/** Edit of an object of the operator by another client. It only removes addresses. */
export type Tampering = 'delete slices' | 'empty slices' | 'unlabel slices' | 'delete Service';

/** Everything that a run depends on. The same history runs the same way each time. */
export interface History {
  /** Seed of delays and jitter. */
  readonly seed: number;
  readonly replicas: number;
  readonly maxEndpointsPerSlice: number;
  readonly hasThreads: boolean;
  /** `--second-opinion`. */
  readonly secondOpinion: boolean;
  readonly isolation: IsolationLimits & {
    /** IPs, also in `hosts`. */
    readonly canaries: readonly string[];
  };
  /** True: the wall clocks of all machines agree, because maintenance windows depend on them. */
  readonly hasOneWall: boolean;
  readonly hosts: Readonly<Record<string, Host>>;
  readonly names: Readonly<Record<string, NameAnswer>>;
  /** Name -> spec at the beginning. */
  readonly backends: Readonly<Record<string, SpecInput>>;
  /** `at`: milliseconds from the time when everything is published and quiet. */
  /** Time at which the last maintenance window ends, in the same milliseconds; 0: there is none. */
  readonly windowsEndAt: number;
  readonly acts: readonly (Act & { readonly at: number })[];
}

/**
 * Time after a disturbance in which the operator recovers: a new term, a watch, a backoff; after a fault of the API
 * server also the deadline of a request.
 */
export const recoverMs = 8_000;
export const recoverFromApiMs = 14_000;

/** Time in which two replicas start, one leads, and everything is published. Events count from then on. */
export const beginMs = 5_000;

/** Time at which the last event of a history is over. */
export const endOf = ({ acts, windowsEndAt }: History): number =>
  Math.max(windowsEndAt, ...acts.map((act) => act.at + ('forMs' in act ? (act.forMs ?? 0) : 0)));
