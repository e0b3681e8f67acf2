import type { Verdict } from '../../core/probing/verdict.ts';
import { notableCpuMs } from '../../core/probing/probe-cost.ts';

/** CPU time of this thread since any instant, in milliseconds. */
export type CpuClock = () => number;

/** Shorter steps count as they are, because to read the CPU time costs more than it would correct. */
const shortMs = 1;

/**
 * Measures the CPU time that one run spends on what its server sends. A thread runs many probes in turns, so
 * the time is taken around the code that reads bytes: the handshake of TLS, which OpenSSL verifies inside
 * that call, and the parsers.
 *
 * | between the two instants          | counts |
 * |-----------------------------------|--------|
 * | this thread computed              | yes    |
 * | another process or thread had the CPU, or the quota of the container was used up | no |
 * | the run waited for its server, and other runs took their turns | no: no reader was running |
 *
 * Not more than the wall time counts: some kernels update the CPU time of a thread only every few
 * milliseconds.
 */
export class CpuMeter {
  readonly #cpuNow: CpuClock | undefined;
  #spentMs = 0;

  /** @param cpuNow default: nothing is measured */
  constructor(cpuNow?: CpuClock) {
    this.#cpuNow = cpuNow;
  }

  /** Milliseconds. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Runs a reader of received bytes, and counts its time. */
  measure<T>(read: () => T): T {
    const cpuNow = this.#cpuNow;
    if (cpuNow === undefined) return read();
    const from = performance.now();
    const cpuFrom = cpuNow();
    try {
      return read();
    } finally {
      const wallMs = performance.now() - from;
      this.#spentMs += wallMs < shortMs ? wallMs : Math.min(wallMs, Math.max(0, cpuNow() - cpuFrom));
    }
  }

  /** Returns the verdict with the CPU time of the run, where it is notable. */
  charge(verdict: Verdict): Verdict {
    return this.#spentMs < notableCpuMs ? verdict : Object.freeze({ ...verdict, cpuMs: this.#spentMs });
  }
}
