import type { Verdict } from '../core/verdict.ts';

/**
 * For a server that keeps a connection until it has answered, though nobody waits: the dialogue goes on behind the verdict,
 * so that whoever has this can see to it that there is one such connection, and not one for each probe.
 */
export interface Patience {
  /** Milliseconds until the timeout: those of the check, or what is left of them. */
  readonly withinMs: number;
  /** Milliseconds from the timeout on; then it is left as one without patience is at its timeout. */
  readonly forMs: number;
  /** Time is up on a connection that stands. The verdict. */
  begin(): Verdict;
  /** The connection is closed: by the server, a reset or a dead peer, or because we left it. `late`: its verdict. */
  end(isLeft: boolean, late?: Verdict): void;
}

/**
 * Of a connection that is waited on. With Node's interval and count (1 s, 10 times) a host that vanished is noticed after
 * 20 s, one that was built anew after 10 s. The kernel of a server that hangs answers, which is the difference that is wanted.
 */
export const keepAliveMs = 10_000;
