import type { RefreshBounds } from '../../../src/engine/ports.ts';
import type { Question } from '../../../src/core/resolution/name-state.ts';
import { FakeResolver } from '../fakes/fake-resolver.ts';
import type { ManualClock } from '../fakes/manual-clock.ts';
import { answerTo } from './outside.ts';

/** Answers each query a moment after it is subscribed. */
export class ZoneResolver extends FakeResolver {
  readonly #clock: ManualClock;
  readonly #onNews: (owner: string) => void;

  constructor(clock: ManualClock, onNews: (owner: string) => void) {
    super(clock);
    this.#clock = clock;
    this.#onNews = onNews;
  }

  override follow(owner: string, questions: readonly Question[], bounds: RefreshBounds): void {
    super.follow(owner, questions, bounds);
    for (const question of questions)
      if (this.state(question).origin !== 'answer' && this.state(question).lastFailure === undefined)
        this.#clock.after(5, () => {
          if (this.answer(question, answerTo(question))) this.#onNews(owner);
        });
  }
}
