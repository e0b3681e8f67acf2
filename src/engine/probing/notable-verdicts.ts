import type { NotableVerdict } from './prober.ts';

interface Reported extends NotableVerdict {
  readonly at: number;
}

/**
 * A notable verdict is reported again after this time, because its meaning depends on the time: a certificate
 * comes nearer to its expiry.
 */
const AGAIN_MS = 60_000;

/** Remembers what was reported for each check, so that an equal verdict is not reported again at once. */
export class NotableVerdicts {
  /** Owner -> id of the check. */
  readonly #reported = new Map<string, Map<string, Reported>>();

  /**
   * Returns true when this verdict must be reported, and remembers it as reported.
   *
   * @param now monotonic
   */
  take(owner: string, checkId: string, verdict: NotableVerdict, now: number): boolean {
    const known = this.#reported.get(owner)?.get(checkId);
    const { detectedProtocol, certificateExpiresAt } = verdict;
    const isSame =
      known?.detectedProtocol === detectedProtocol && known?.certificateExpiresAt === certificateExpiresAt;
    if (known !== undefined && isSame && now - known.at < AGAIN_MS) return false;
    const ofOwner = this.#reported.get(owner) ?? new Map<string, Reported>();
    const reported: Reported = {
      at: now,
      ...(detectedProtocol !== undefined && { detectedProtocol }),
      ...(certificateExpiresAt !== undefined && { certificateExpiresAt }),
    };
    this.#reported.set(owner, ofOwner.set(checkId, reported));
    return true;
  }

  /** Forgets every check of the owner except these. */
  retain(owner: string, checkIds: ReadonlySet<string>): void {
    const ofOwner = this.#reported.get(owner);
    if (ofOwner === undefined) return;
    for (const id of ofOwner.keys()) if (!checkIds.has(id)) ofOwner.delete(id);
    if (ofOwner.size === 0) this.#reported.delete(owner);
  }
}
