import type { Check } from '../../src/core/probing/check.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import type { Answer, Question } from '../../src/core/resolution/name-state.ts';
import type { Role } from '../../src/core/role.ts';
import type { ManualClock } from '../support/fakes/manual-clock.ts';
import type { Author } from './replica-options.ts';

/** What the verdicts of one term about an address amount to, from an instant on. */
export interface Heard {
  readonly at: number;
  /** Verdicts down, or up, in a row. */
  readonly downs: number;
  readonly ups: number;
  /** There was a verdict up in this term. */
  readonly hadUp: boolean;
  readonly role: Role | undefined;
}

/** Answer to a question about a name. */
interface Told {
  readonly at: number;
  readonly addresses: readonly string[] | undefined;
  /** Negative answers in a row, of which a failure is the end. */
  readonly negatives: number;
  /** The server of this negative answer answers other questions. */
  readonly isVouched: boolean;
}

/** Time without an answer of the API server after which verdicts are about the network, and none counts. */
const silenceMs = 3_000;

const silence: Heard = { at: -Infinity, downs: 0, ups: 0, hadUp: false, role: undefined };

/** What each term of each replica has seen of the servers and the names. */
export class Evidence {
  readonly #clock: ManualClock;
  /** Term and address -> id of the check -> what its verdicts amount to. */
  readonly #heard = new Map<string, Map<string, Heard[]>>();
  readonly #told = new Map<string, Told[]>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  verdict(by: Author, { ip, id: name, timing }: Check, { kind, role }: Verdict): void {
    if (kind === 'inconclusive' || by.replica.wire.silentMs > silenceMs) return;
    // Two backends may have checks of the same id.
    const id = `${name} ${Object.values(timing).join(' ')}`;
    const checks = this.#of(by, ip);
    const all = checks.get(id) ?? [];
    checks.set(id, all);
    const before = all.at(-1) ?? silence;
    all.push({
      at: this.#clock.now(),
      downs: kind === 'down' ? before.downs + 1 : 0,
      ups: kind === 'up' ? before.ups + 1 : 0,
      hadUp: before.hadUp || kind === 'up',
      role: kind === 'up' ? (role ?? before.role) : before.role,
    });
  }

  /**
   * Returns the end of the verdict that made an address fail as often as its threshold, of its present failures and the
   * check that failed first; undefined: none has failed so often.
   */
  downSince(by: Author, ip: string, threshold: number): number | undefined {
    const ends = [...this.#of(by, ip).values()].flatMap((all) => {
      const last = all.at(-1);
      return last !== undefined && last.downs >= threshold
        ? [all[all.length - 1 - (last.downs - threshold)]?.at ?? last.at]
        : [];
    });
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** Returns the most verdicts down in a row of one check, of those between two instants. */
  mostDowns(by: Author, ip: string, from: number, until = Infinity): number {
    const runs = [...this.#of(by, ip).values()].map((all) => {
      const counted = all.filter(({ at }) => at >= from && at <= until);
      const skipped = Math.max(0, (counted[0]?.downs ?? 1) - 1);
      const upTo = counted.findIndex(({ ups }) => ups > 0);
      return Math.max(
        0,
        ...counted.map(({ downs }, i) => (upTo >= 0 && i >= upTo ? downs : downs - skipped)),
      );
    });
    return Math.max(0, ...runs);
  }

  /** A replica resolves names also between its terms. */
  answer({ replica }: Author, { name, type }: Question, answer: Answer): void {
    if (type !== 'A') return;
    const key = `${replica.identity} ${name}`;
    const all = this.#told.get(key) ?? [];
    this.#told.set(key, all);
    const addresses = answer.kind === 'records' ? answer.addresses : undefined;
    const isNegative = answer.kind === 'none';
    const negatives = isNegative ? (all.at(-1)?.negatives ?? 0) + 1 : 0;
    const isVouched = isNegative && answer.serverAnsweredAt !== undefined;
    all.push({ at: this.#clock.now(), addresses, negatives, isVouched });
  }

  /** Returns what the term had seen of an address at any time since that instant. */
  heardSince(by: Author, ip: string, from: number): readonly Heard[] {
    return [...this.#of(by, ip).values()].flatMap((all) => since(all, from));
  }

  /** Returns true if an answer, or enough negative ones, showed the replica that the name has not this address. */
  hasLost({ replica }: Author, name: string, ip: string, from: number): boolean {
    return since(this.#told.get(`${replica.identity} ${name}`) ?? [], from).some(
      ({ addresses, negatives, isVouched }) =>
        (negatives >= 3 && isVouched) || (addresses !== undefined && !addresses.includes(ip)),
    );
  }

  /** Returns true if the replica has received an answer with this address since that instant. */
  hasFound({ replica }: Author, name: string, ip: string, from: number): boolean {
    const all = this.#told.get(`${replica.identity} ${name}`) ?? [];
    return all.some(({ at, addresses }) => at >= from && addresses?.includes(ip) === true);
  }

  #of({ replica, term }: Author, ip: string): Map<string, Heard[]> {
    const key = `${replica.identity} ${term} ${ip}`;
    const all = this.#heard.get(key) ?? new Map<string, Heard[]>();
    this.#heard.set(key, all);
    return all;
  }
}

/** Returns the items that held at any time since that instant: the last one before it too. */
function since<T extends { readonly at: number }>(all: readonly T[], from: number): readonly T[] {
  let first = all.length;
  while (first > 0 && (all[first - 1]?.at ?? 0) >= from) first -= 1;
  return all.slice(Math.max(0, first - 1));
}
