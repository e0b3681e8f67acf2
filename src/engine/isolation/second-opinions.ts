import { fittingChecks, type AskedCheck } from '../../core/isolation/second-opinion.ts';
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

/** Hosts with the same evidence, and a sample of them about which the other replicas are asked. */
export interface ConsultedHosts {
  readonly count: number;
  readonly asked: readonly HeldCheck[];
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

/** A check that is kept is asked about again after its period, and after this time at least. */
const AGAIN_MS = 1_000;
/** Checks that become due within this time after a question are in the next one. */
const PAUSE_MS = 250;

/**
 * Asks the other replicas about silent addresses, before these are removed. All that are due are one question, except
 * that a check waits for no other whose timeout is more than twice its own.
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
  /** Checks that wait for the next question. */
  readonly #due = new Map<string, HeldCheck>();
  /** Checks that wait for an answer. */
  readonly #asked = new Map<string, HeldCheck>();
  /** Checks that only this replica does not reach. */
  readonly #kept = new Map<string, Kept>();
  /** Pauses after a question, by the class of its timeouts: see `timeoutClass`. */
  readonly #pauses = new Map<number, Timer>();

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
      if (!this.hasWitness || !each.isUnreached) this.#release(each);
      else if (!this.#asked.has(keyOf(each))) this.#due.set(keyOf(each), each);
    for (const ofClass of new Set([...this.#due.values()].map(timeoutClass))) this.#consult(ofClass);
  }

  /**
   * Returns true if the other replicas reach most of the hosts that are silent here, and more hosts than this replica.
   * So the leader does not change to and fro when each replica reaches another half of the hosts.
   */
  async seesMore(silent: ConsultedHosts, reached: ConsultedHosts): Promise<boolean> {
    const results = await this.#results([...silent.asked, ...reached.asked], true);
    const ofSilent = reachedShare(results.slice(0, silent.asked.length));
    const ofReached = reachedShare(results.slice(silent.asked.length));
    if (ofSilent < 0.5) return false;
    return ofSilent * silent.count + ofReached * reached.count > reached.count;
  }

  /** The check has answered, so its verdict does not wait any more. */
  settle(answered: Pick<HeldCheck, 'owner' | 'check'>): void {
    this.#due.delete(keyOf(answered));
    this.#asked.delete(keyOf(answered));
    this.#drop(keyOf(answered));
  }

  reset(): void {
    for (const { timer } of this.#kept.values()) timer.cancel();
    for (const timer of this.#pauses.values()) timer.cancel();
    for (const each of [this.#kept, this.#pauses, this.#due, this.#asked]) each.clear();
  }

  #consult(ofClass: number): void {
    if (this.#pauses.has(ofClass)) return;
    const held = this.#fitting([...this.#due.values()].filter((each) => timeoutClass(each) === ofClass));
    if (held.length === 0) return;
    const timer = this.#options.clock.after(PAUSE_MS, () => {
      this.#pauses.delete(ofClass);
      this.#consult(ofClass);
    });
    this.#pauses.set(ofClass, timer);
    for (const each of held) {
      this.#due.delete(keyOf(each));
      this.#asked.set(keyOf(each), each);
    }
    void this.#await(held);
  }

  /** Decides by the answer. It has no effect on a check that was settled or forgotten meanwhile. */
  async #await(held: readonly HeldCheck[]): Promise<void> {
    const results = await this.#results(held);
    for (const [n, each] of held.entries()) {
      if (this.#asked.get(keyOf(each)) !== each) continue;
      this.#asked.delete(keyOf(each));
      this.#decide(each, results[n]);
    }
  }

  /** Returns as many of them as fit into one question. */
  #fitting(held: readonly HeldCheck[]): readonly HeldCheck[] {
    return held.slice(0, fittingChecks(held.map((each) => this.#askedOf(each))));
  }

  async #results(held: readonly HeldCheck[], isAboutLeader = false): Promise<readonly OpinionResult[]> {
    const { witnesses } = this.#options;
    if (witnesses === undefined || held.length === 0) return held.map(() => undefined);
    const checks = held.map((each) => this.#askedOf(each));
    const withinMs = Math.max(...held.map(({ check }) => check.timing.timeoutMs));
    return witnesses.consult(checks, withinMs, isAboutLeader);
  }

  /** The backend is empty if it was deleted meanwhile. Then the others have no opinion. */
  #askedOf({ owner, check: { id, ip, port, host } }: HeldCheck): AskedCheck {
    return { backend: this.#options.keyOf(owner) ?? '', id, ip, port, host };
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
    const timer = clock.after(Math.max(held.check.timing.periodMs, AGAIN_MS), () => this.#again(held));
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

function reachedShare(results: readonly OpinionResult[]): number {
  const known = results.filter((result) => result !== undefined);
  return known.length === 0 ? 0 : known.filter((result) => result !== 'unreached').length / known.length;
}

/** Timeouts of one class differ by less than a factor of two. */
const timeoutClass = ({ check }: HeldCheck): number => Math.ceil(Math.log2(check.timing.timeoutMs));
