import { MAX_CHECKS, type AskedCheck } from '../../core/isolation/second-opinion.ts';
import { formatHostPort, type Check } from '../../core/probing/check.ts';
import type { Clock, Timer } from '../../util/clock.ts';
import type { OpinionResult, Witnesses } from '../ports.ts';
import type { Prober } from '../probing/prober.ts';

/** A check whose verdict waits. */
export interface HeldCheck {
  readonly owner: string;
  readonly check: Check;
  /** False: the connection was accepted, and then hung. Another place cannot know better. */
  readonly isUnreached: boolean;
}

export interface SecondOpinionsOptions {
  readonly clock: Clock;
  /** Undefined: there are no other replicas to ask. */
  readonly witnesses: Witnesses | undefined;
  readonly prober: () => Pick<Prober, 'release' | 'healthOf'>;
  /** Returns `namespace/name` of a backend by its UID. */
  readonly keyOf: (owner: string) => string | undefined;
  /**
   * Called with a check that another replica reached one period ago. It must be submitted again, unless most hosts are
   * silent now.
   */
  readonly onDue: (held: HeldCheck) => void;
  /** True while most hosts are silent: then no check becomes unhealthy for silence. */
  readonly isIsolated: () => boolean;
  /** Called with backends that have an address that only this replica does not reach, and at the end of that. */
  readonly onChanged: (owners: readonly string[]) => void;
}

interface Kept extends HeldCheck {
  readonly timer: Timer;
}

/**
 * Asks the other replicas about silent addresses, before these are removed. All that are due are one question.
 *
 * | the other replicas       | the check                                              |
 * |--------------------------|--------------------------------------------------------|
 * | it passes there          | remains healthy, and they are asked again each period  |
 * | it fails there with an answer | becomes unhealthy                                 |
 * | none reaches it          | becomes unhealthy                                      |
 * | no answer, or there are none | becomes unhealthy                                  |
 */
export class SecondOpinions {
  readonly #options: SecondOpinionsOptions;
  readonly #due = new Map<string, HeldCheck>();
  /** Checks that only this replica does not reach. */
  readonly #kept = new Map<string, Kept>();
  #isAsking = false;
  /** Changes when everything is forgotten, so that an answer to an earlier question has no effect. */
  #term = 0;

  constructor(options: SecondOpinionsOptions) {
    this.#options = options;
  }

  /** True when there is a replica that can be asked. */
  get hasWitness(): boolean {
    return (this.#options.witnesses?.count ?? 0) > 0;
  }

  /** Returns the addresses of a backend that only this replica does not reach. */
  keptOf(owner: string): readonly string[] {
    return [...this.#kept.values()]
      .filter((kept) => kept.owner === owner)
      .map(({ check }) => formatHostPort(check));
  }

  submit(held: readonly HeldCheck[]): void {
    for (const each of held)
      if (this.hasWitness && each.isUnreached) this.#due.set(keyOf(each), each);
      else this.#release(each);
    void this.#ask();
  }

  /** Asks about a sample of checks that are silent together with most hosts. */
  async reachedShare(held: readonly HeldCheck[]): Promise<number> {
    const results = await this.#results(held, true);
    const known = results.filter((result) => result !== undefined);
    return known.length === 0 ? 0 : known.filter((result) => result !== 'unreached').length / known.length;
  }

  /** The check has answered, so its verdict does not wait any more. */
  settle(answered: Pick<HeldCheck, 'owner' | 'check'>): void {
    this.#due.delete(keyOf(answered));
    this.#drop(keyOf(answered));
  }

  reset(): void {
    this.#term += 1;
    for (const { timer } of this.#kept.values()) timer.cancel();
    this.#kept.clear();
    this.#due.clear();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const term = this.#term;
    while (this.#due.size > 0) {
      const held = [...this.#due.values()].slice(0, MAX_CHECKS);
      const results = await this.#results(held);
      if (term !== this.#term) break;
      for (const [n, each] of held.entries())
        if (this.#due.delete(keyOf(each))) this.#decide(each, results[n]);
    }
    this.#isAsking = false;
    if (this.#due.size > 0) void this.#ask();
  }

  async #results(held: readonly HeldCheck[], isAboutLeader = false): Promise<readonly OpinionResult[]> {
    const { witnesses, keyOf: backendOf } = this.#options;
    const known = held.flatMap(({ owner, check }) => {
      const backend = backendOf(owner);
      return backend === undefined ? [] : { check, backend };
    });
    if (witnesses === undefined || known.length < held.length) return held.map(() => undefined);
    const checks = known.map(({ check, backend }) => askedOf(check, backend));
    const withinMs = Math.max(...known.map(({ check }) => check.timing.timeoutMs));
    return witnesses.ask(checks, withinMs, isAboutLeader);
  }

  #decide(held: HeldCheck, result: OpinionResult): void {
    const { isIsolated, onDue } = this.#options;
    if (result === 'reached') this.#keep(held);
    else if (isIsolated()) onDue(held);
    else this.#release(held);
  }

  #keep(held: HeldCheck): void {
    const { clock, onChanged } = this.#options;
    const isNew = !this.#kept.has(keyOf(held));
    const timer = clock.after(held.check.timing.periodMs, () => this.#again(held));
    this.#kept.get(keyOf(held))?.timer.cancel();
    this.#kept.set(keyOf(held), { ...held, timer });
    if (isNew) onChanged([held.owner]);
  }

  #again(held: HeldCheck): void {
    const health = this.#options.prober().healthOf(held.owner)(held.check.id);
    if (health?.state !== 'healthy') this.#drop(keyOf(held));
    else this.#options.onDue(held);
  }

  #release(held: HeldCheck): void {
    this.#drop(keyOf(held));
    this.#options.prober().release(held.owner, held.check.id);
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    kept.timer.cancel();
    this.#kept.delete(key);
    this.#options.onChanged([kept.owner]);
  }
}

const keyOf = ({ owner, check }: Pick<HeldCheck, 'owner' | 'check'>): string => `${owner}/${check.id}`;

const askedOf = ({ id, ip, port, host }: Check, backend: string): AskedCheck => ({
  backend,
  id,
  ip,
  port,
  host,
});
