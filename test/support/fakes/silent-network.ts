import type { Check } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { ProbeFn } from '../../../src/engine/ports.ts';
import { down, timedOut, up } from '../builders/verdicts.ts';
import { ManualClock } from './manual-clock.ts';

/** A network in which hosts answer after a millisecond, refuse, or are silent until the timeout. */
export class SilentNetwork {
  readonly clock = new ManualClock();
  readonly silent = new Set<string>();
  readonly refusing = new Set<string>();
  /** Number of probes. */
  probes = 0;

  readonly probe: ProbeFn = async ({ ip, timing }: Check): Promise<Verdict> => {
    this.probes += 1;
    const isSilent = this.silent.has(ip);
    await new Promise<void>((done) => this.clock.after(isSilent ? timing.timeoutMs : 1, done));
    if (isSilent) return { ...timedOut, isUnreached: true };
    return this.refusing.has(ip) ? down : up;
  };
}
