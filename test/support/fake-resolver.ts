import {
  isNews,
  learn,
  nothingKnown,
  questionKey,
  seeded,
  type Answer,
  type NameState,
  type Question,
  type Records,
} from '../../src/core/names.ts';
import type { RefreshBounds, Resolver } from '../../src/engine/ports.ts';
import type { ManualClock } from './manual-clock.ts';

/** The port `Resolver` with answers by hand: what is known follows the same rules as in the real one. */
export class FakeResolver implements Resolver {
  readonly #clock: ManualClock;
  readonly #states = new Map<string, NameState>();
  readonly #owners = new Map<string, readonly string[]>();
  /** Times that each owner asked for last. */
  readonly bounds = new Map<string, RefreshBounds>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** Questions followed now, by anybody. */
  get followed(): readonly string[] {
    return [...new Set([...this.#owners.values()].flat())].toSorted();
  }

  follow(owner: string, questions: readonly Question[], bounds: RefreshBounds): void {
    this.bounds.set(owner, bounds);
    this.#owners.set(owner, questions.map(questionKey));
    const followed = new Set(this.followed);
    for (const key of this.#states.keys()) if (!followed.has(key)) this.#states.delete(key);
  }

  state(question: Question): NameState {
    return this.#states.get(questionKey(question)) ?? nothingKnown;
  }

  seed(question: Question, records: Records): void {
    if (this.followed.includes(questionKey(question)))
      this.#states.set(questionKey(question), seeded(this.state(question), records, this.#at()));
  }

  /** An answer comes in; whether it is news. */
  answer(question: Question, answer: Answer): boolean {
    const before = this.state(question);
    const after = learn(before, answer, this.#at());
    this.#states.set(questionKey(question), after);
    return isNews(before, after);
  }

  /** The name has these addresses, and none of the other family. */
  addresses(name: string, ...ips: readonly string[]): void {
    const [six, four] = [true, false].map((is) => ips.filter((ip) => ip.includes(':') === is));
    this.answer({ name, type: 'A' }, records(four ?? []));
    this.answer({ name, type: 'AAAA' }, records(six ?? []));
  }

  /** Nobody answers for the name. */
  fails(name: string, times = 2): void {
    for (let i = 0; i < times; i++)
      for (const type of ['A', 'AAAA'] as const)
        this.answer({ name, type }, { kind: 'failed', message: 'no answer' });
  }

  /** The name is gone, and it is believed. */
  denies(name: string): void {
    const answer: Answer = { kind: 'none', reason: 'NoSuchName', ttlMs: 5000, vouchedAt: Infinity };
    for (let i = 0; i < 3; i++)
      for (const type of ['A', 'AAAA'] as const) this.answer({ name, type }, answer);
  }

  #at() {
    return { now: this.#clock.now(), wall: this.#clock.wall() };
  }
}

const records = (addresses: readonly string[]): Answer =>
  addresses.length === 0
    ? { kind: 'none', reason: 'NoAddress', ttlMs: 5000 }
    : { kind: 'records', addresses, services: [], ttlMs: 5000 };
