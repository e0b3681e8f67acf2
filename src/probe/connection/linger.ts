import type { Verdict } from '../../core/probing/verdict.ts';

/**
 * Wait for an answer after the verdict, for a server that keeps a connection until it has answered. The
 * exchange continues after the verdict, so that there is one such connection and not one for each probe.
 */
export interface Linger {
  /** Milliseconds until the timeout: the timeout of the check, or its remaining time. */
  readonly withinMs: number;
  /**
   * Milliseconds of the wait after the timeout. Then the connection is closed, as it is without a wait at the
   * timeout.
   */
  readonly forMs: number;
  /** Called at the timeout of an established connection. Returns the verdict. */
  begin(): Verdict;
  /**
   * Called when the connection is closed: by the server, a reset, a dead peer, or by us (`isLeft`). `late`:
   * its verdict.
   */
  end(isLeft: boolean, late?: Verdict): void;
}

/**
 * Keepalive of a connection that waits. With Node's interval and count (1 s, 10 times) a lost host is
 * detected after 20 s, and a rebuilt one after 10 s. The kernel of a server that hangs still answers, so such
 * a connection remains.
 */
export const keepAliveMs = 10_000;
