import type { Role } from '../role.ts';
import type { Reason, VerdictKind } from './reasons.ts';

/**
 * Result of one probe of one address. `up` and `down` are about the address. `inconclusive` is the prober's
 * own fault (no file descriptors, a missing capability, cancelled) and never changes a health state.
 */
export interface Verdict {
  readonly kind: VerdictKind;
  readonly reason: Reason;
  /**
   * Text for people: at most 120 printable ASCII characters, never bytes of an unexpected protocol, never a
   * credential. Empty if the reason is enough.
   */
  readonly message: string;
  /**
   * True if a `down` had no packet of the host, so that the fault may be on the path, which begins here.
   * Absent: the host was reached (`probe/verdict/verdicts.ts` has the table).
   */
  readonly isUnreached?: true;
  /** Role that the server reports; absent if the probe cannot find it out. */
  readonly role?: Role;
  /** The server answered the query, and is neither primary nor replica: nothing is missing. */
  readonly isRoleless?: true;
  /**
   * Lag of a replica in seconds; 0 when it has replayed all that it received. Absent if the probe cannot find
   * it out.
   */
  readonly lagSeconds?: number;
  /**
   * Epoch of a primary: of two that claim to be one, the one with the higher epoch is the later one
   * (PostgreSQL's timeline, MongoDB's term).
   */
  readonly epoch?: number;
  /**
   * Milliseconds of Unix time at which the first certificate of the server's chain expires. Absent if the
   * probe cannot find it out.
   */
  readonly certificateExpiresAt?: number;
  /**
   * The server greeted a probe of another protocol with this one. Such a probe does harm, see
   * `core/events/probe-warnings.ts`.
   */
  readonly detectedProtocol?: 'mysql';
  /**
   * CPU time that the run took of the thread that probes, in milliseconds. Left out where it is not notable
   * (`core/probing/probe-cost.ts`).
   */
  readonly cpuMs?: number;
}

/** Part of a verdict that contains nothing of what the server sent. */
export type BareVerdict = Pick<Verdict, 'kind' | 'reason' | 'isUnreached'>;

/** Returns the verdict without what the server sent. */
export function bareVerdict({ kind, reason, isUnreached }: BareVerdict): BareVerdict {
  return { kind, reason, ...(isUnreached === true && { isUnreached }) };
}

/**
 * Returns what a verdict shows of the path to the host. Undefined: nothing, because the run failed here.
 *
 * | verdict                          | path      |
 * |----------------------------------|-----------|
 * | up                               | reached   |
 * | down                             | by itself |
 * | inconclusive ProberFault, Cancelled | undefined |
 * | inconclusive for another reason: the server answered | reached |
 */
export function reachOf({ kind, reason, isUnreached }: BareVerdict): 'reached' | 'unreached' | undefined {
  if (kind === 'inconclusive' && (reason === 'ProberFault' || reason === 'Cancelled')) return undefined;
  return isUnreached === true ? 'unreached' : 'reached';
}
