import {
  isVisibleChange,
  applyAnswer,
  emptyNameState,
  questionKey,
  withPublishedRecords,
  type Answer,
  type NameState,
  type Question,
  type Records,
} from '../../../src/core/resolution/name-state.ts';
import type { RefreshBounds, Resolver } from '../../../src/engine/ports.ts';
import type { ManualClock } from './manual-clock.ts';

/** The port `Resolver` with manual answers. Its states follow the same rules as in the real one. */
export class FakeResolver implements Resolver {
  readonly #clock: ManualClock;
  readonly #states = new Map<string, NameState>();
  readonly #owners = new Map<string, readonly string[]>();
  /** Refresh times of the last request of each owner. */
  readonly bounds = new Map<string, RefreshBounds>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** Queries that any owner subscribes to now. */
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
    return this.#states.get(questionKey(question)) ?? emptyNameState;
  }

  restore(question: Question, records: Records): void {
    if (this.followed.includes(questionKey(question)))
      this.#states.set(
        questionKey(question),
        withPublishedRecords(this.state(question), records, this.#at()),
      );
  }

  /** Applies an answer. Returns true if backends must be reconciled. */
  answer(question: Question, answer: Answer): boolean {
    const before = this.state(question);
    const after = applyAnswer(before, answer, this.#at());
    this.#states.set(questionKey(question), after);
    return isVisibleChange(before, after);
  }

  /** Answers the name with these addresses, and with none of the other family. */
  addresses(name: string, ...ips: readonly string[]): void {
    const [six, four] = [true, false].map((is) => ips.filter((ip) => ip.includes(':') === is));
    this.answer({ name, type: 'A' }, records(four ?? []));
    this.answer({ name, type: 'AAAA' }, records(six ?? []));
  }

  /** Makes queries of the name fail. */
  fails(name: string, times = 2): void {
    for (let i = 0; i < times; i++)
      for (const type of ['A', 'AAAA'] as const)
        this.answer({ name, type }, { kind: 'failed', message: 'no answer' });
  }

  /** Gives the name a confirmed negative answer. */
  denies(name: string): void {
    const answer: Answer = { kind: 'none', reason: 'NoSuchName', ttlMs: 5000, serverAnsweredAt: Infinity };
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
