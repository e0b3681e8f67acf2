import type { NotableVerdict } from './prober.ts';

interface Reported extends NotableVerdict {
  readonly at: number;
}

/** What is notable is reported again after this time: a certificate that ends comes nearer to it. */
const AGAIN_MS = 60_000;

/** Remembers what was reported of which check, so that a verdict like the one before is not reported again at once. */
export class NotableVerdicts {
  /** Owner -> id of the check. */
  readonly #reported = new Map<string, Map<string, Reported>>();

  /**
   * Returns true when this verdict is to be reported, and takes it for reported then.
   *
   * @param now monotonic
   */
  take(owner: string, checkId: string, verdict: NotableVerdict, now: number): boolean {
    const known = this.#reported.get(owner)?.get(checkId);
    const { greeting, certificateExpiresAt } = verdict;
    const isSame = known?.greeting === greeting && known?.certificateExpiresAt === certificateExpiresAt;
    if (known !== undefined && isSame && now - known.at < AGAIN_MS) return false;
    const ofOwner = this.#reported.get(owner) ?? new Map<string, Reported>();
    const reported: Reported = {
      at: now,
      ...(greeting !== undefined && { greeting }),
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
