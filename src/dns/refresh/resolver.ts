import {
  isVisibleChange,
  applyAnswer,
  emptyNameState,
  questionKey,
  withPublishedRecords,
} from '../../core/resolution/name-state.ts';
import type { Answer, NameState, Question, Records } from '../../core/resolution/name-state.ts';
import type { QuestionResult } from '../../core/resolution/resolution-states.ts';
import { DeadlineTimer } from '../../util/deadline-timer.ts';
import type { FollowOptions, Resolver } from '../../engine/ports.ts';
import type { Logger } from '../../util/log.ts';
import type { Clock, Random } from '../../util/clock.ts';
import type { TokenBucket } from '../../util/token-bucket.ts';
import { QueryScheduler } from './query-scheduler.ts';
import {
  nextQueryAt,
  recordAnswer,
  addOwner,
  removeOwner,
  newTrackedQuestion,
  sameBounds,
} from './tracked-question.ts';
import type { TrackedQuestion } from './tracked-question.ts';

export interface QueryFnOptions {
  /**
   * Monotonic. A negative answer counts only if its server has answered another question with records since
   * then: see `core/resolution/name-state.ts`.
   */
  readonly confirmSince?: number;
}

/** Resolves one question once. Ends by its own timeouts. */
export type QueryFn = (question: Question, options: QueryFnOptions) => Promise<Answer>;

/** Receives the result of each question, for metrics. */
export interface DnsObserver {
  dnsQueried(result: QuestionResult, durationMs: number): void;
}

export interface DnsResolverOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly query: QueryFn;
  /**
   * Called with the owners of a question whose resolution state has changed. Never called from within
   * `follow` or `restore`.
   */
  readonly onNews: (owners: Iterable<string>) => void;
  readonly observer?: DnsObserver;
  /** Default 64. */
  readonly maxInFlight?: number;
  /** Default 16. */
  readonly maxSuspects?: number;
  /**
   * Limit of queries per second. The resolver takes one token for each question. The caller takes those of
   * further queries. Default: no limit.
   */
  readonly rate?: Pick<TokenBucket, 'take' | 'waitMs'>;
}

export interface ResolverStats {
  /** Number of questions that are followed. */
  readonly questions: number;
  /** Time since the oldest answer in use was confirmed; undefined: there is none. */
  readonly oldestAnswerMs: number | undefined;
  readonly inFlight: number;
  /** Number of questions that are due and wait for a slot, or for the limit of queries per second. */
  readonly waiting: number;
}

/** Arguments of the last `follow` of an owner, for a quick comparison with the next ones. */
interface Subscription {
  readonly questions: readonly Question[];
  readonly options: FollowOptions;
  readonly tracked: ReadonlySet<TrackedQuestion>;
}

/**
 * Follows names: resolves every question again before its answer expires, and notifies the owners of changes.
 * It has one timer, and one small record per question.
 *
 * What must hold:
 * - one question is resolved once for all its owners, and never twice at a time;
 * - a question without owners is dropped. If it is in flight, it is dropped when its answer comes, which is
 *   ignored; it holds its slot until then;
 * - `query-scheduler.ts` decides which question may be sent, `tracked-question.ts` when it is due, and
 *   `core/resolution/name-state.ts` the effect of an answer;
 * - an error that `query` or `onNews` throws does not end the loop.
 */
export class DnsResolver implements Resolver {
  readonly #options: DnsResolverOptions;
  readonly #timer: DeadlineTimer;
  readonly #scheduler: QueryScheduler<TrackedQuestion>;
  readonly #tracked = new Map<string, TrackedQuestion>();
  readonly #subscriptions = new Map<string, Subscription>();
  #closed = false;

  constructor(options: DnsResolverOptions) {
    this.#options = options;
    const { clock, maxInFlight = 64, maxSuspects = 16 } = options;
    this.#timer = new DeadlineTimer(clock, () => this.#pump());
    this.#scheduler = new QueryScheduler({ maxInFlight, maxSuspects });
  }

  follow(owner: string, questions: readonly Question[], options: FollowOptions): void {
    const before = this.#subscriptions.get(owner);
    if (this.#closed || (before !== undefined && isSameSubscription(before, questions, options))) return;
    const tracked = new Set(questions.map((question) => this.#enter(question, options)));
    for (const each of tracked) this.#join(each, owner, options);
    for (const each of before?.tracked ?? []) if (!tracked.has(each)) this.#leave(each, owner);
    if (tracked.size > 0) this.#subscriptions.set(owner, { questions: [...questions], options, tracked });
    else this.#subscriptions.delete(owner);
    this.#arm();
  }

  state(question: Question): NameState {
    return this.#tracked.get(questionKey(question))?.state ?? emptyNameState;
  }

  /** Restores the records of a question. If it has more than one owner, all owners are notified. */
  restore(question: Question, records: Records): void {
    const tracked = this.#tracked.get(questionKey(question));
    if (this.#closed || tracked === undefined) return;
    const before = tracked.state;
    tracked.state = withPublishedRecords(before, records, this.#at());
    if (tracked.owners.size > 1 && tracked.state !== before) queueMicrotask(() => this.#notify(tracked));
  }

  stats(): ResolverStats {
    let oldest = Infinity;
    let questions = 0;
    for (const { state, owners } of this.#tracked.values()) {
      if (owners.size === 0) continue;
      questions += 1;
      if (state.origin === 'answer' && !state.isConfirmedNegative)
        oldest = Math.min(oldest, state.confirmedAt);
    }
    return {
      questions,
      oldestAnswerMs: oldest === Infinity ? undefined : this.#options.clock.now() - oldest,
      inFlight: this.#scheduler.running,
      waiting: this.#scheduler.waiting,
    };
  }

  /**
   * Sends no more queries and notifies no owner, for good. Answers of questions in flight are ignored.
   * `state` still returns the last state.
   */
  close(): void {
    this.#closed = true;
    this.#timer.cancel();
  }

  /** Returns the record of the question. A new record is due at once. */
  #enter(question: Question, options: FollowOptions): TrackedQuestion {
    const key = questionKey(question);
    const known = this.#tracked.get(key);
    if (known !== undefined) return known;
    const tracked = newTrackedQuestion(question, key, options, this.#options.clock.now());
    this.#tracked.set(key, tracked);
    this.#scheduler.plan(tracked);
    return tracked;
  }

  /** Adds the owner. A question that waits for its turn then waits in the line of this owner too. */
  #join(tracked: TrackedQuestion, owner: string, options: FollowOptions): void {
    const isNew = !tracked.owners.has(owner);
    const isRebound = addOwner(tracked, owner, options);
    if (isRebound || (isNew && this.#scheduler.isWaiting(tracked))) this.#replan(tracked);
  }

  #leave(tracked: TrackedQuestion, owner: string): void {
    const isRebound = removeOwner(tracked, owner);
    if (tracked.owners.size === 0) {
      if (!tracked.isOutstanding) this.#forget(tracked);
    } else if (isRebound || this.#scheduler.isWaiting(tracked)) this.#replan(tracked);
  }

  #forget(tracked: TrackedQuestion): void {
    this.#tracked.delete(tracked.key);
    this.#scheduler.remove(tracked);
  }

  /**
   * Plans the question again after its bounds or owners have changed. A question in flight is planned when
   * its answer comes.
   */
  #replan(tracked: TrackedQuestion): void {
    if (tracked.isOutstanding) return;
    tracked.at = nextQueryAt(tracked);
    this.#scheduler.plan(tracked);
  }

  #arm(): void {
    const at = this.#closed ? Infinity : this.#scheduler.nextAt();
    if (at < Infinity) this.#timer.set(at);
  }

  /** Sends all questions that may be sent now. */
  #pump(): void {
    const now = this.#options.clock.now();
    while (!this.#closed && !this.#isOverRate(now)) {
      const tracked = this.#scheduler.take(now);
      if (tracked === undefined) break;
      this.#options.rate?.take();
      void this.#query(tracked, now);
    }
    this.#arm();
  }

  /**
   * Returns true when due questions must wait for the limit of queries. The alarm is set to the end of the
   * wait.
   */
  #isOverRate(now: number): boolean {
    const waitMs = this.#options.rate?.waitMs(now) ?? 0;
    if (waitMs === 0) return false;
    if (this.#scheduler.due(now) > 0) this.#timer.set(now + waitMs);
    return true;
  }

  async #query(tracked: TrackedQuestion, queriedAt: number): Promise<void> {
    tracked.isOutstanding = true;
    const { negativeAnswers, firstNegativeAt } = tracked.state;
    let answer: Answer;
    try {
      answer = await this.#options.query(tracked.question, {
        confirmSince: negativeAnswers > 0 ? firstNegativeAt : queriedAt,
      });
    } catch (error) {
      answer = this.#failed(tracked.question, error);
    }
    tracked.isOutstanding = false;
    this.#scheduler.release(tracked);
    if (this.#closed) return;
    if (tracked.owners.size === 0) this.#forget(tracked);
    else {
      this.#recordAnswer(tracked, answer);
      this.#guard(() =>
        this.#options.observer?.dnsQueried(resultOf(answer), this.#options.clock.now() - queriedAt),
      );
    }
    this.#pump();
  }

  #failed(question: Question, error: unknown): Answer {
    this.#options.logger.error('the DNS client failed; the question is resolved again later', {
      question: questionKey(question),
      error,
    });
    return { kind: 'failed', message: error instanceof Error ? error.name : 'Error' };
  }

  #recordAnswer(tracked: TrackedQuestion, answer: Answer): void {
    const at = this.#at();
    const before = tracked.state;
    tracked.state = applyAnswer(before, answer, at);
    recordAnswer(tracked, answer, at.now, this.#options.random());
    this.#replan(tracked);
    if (isVisibleChange(before, tracked.state)) this.#notify(tracked);
  }

  #notify({ owners }: TrackedQuestion): void {
    if (this.#closed || owners.size === 0) return;
    this.#guard(() => this.#options.onNews([...owners.keys()]));
  }

  #guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.logger.error('a listener of the DNS resolver failed', { error });
    }
  }

  #at(): { readonly now: number; readonly wall: number } {
    return { now: this.#options.clock.now(), wall: this.#options.clock.wall() };
  }
}

const resultOf = (answer: Answer): QuestionResult =>
  answer.kind === 'records' ? 'Records' : answer.kind === 'none' ? answer.reason : 'Failed';

const isSameSubscription = (
  subscription: Subscription,
  questions: readonly Question[],
  options: FollowOptions,
): boolean =>
  sameBounds(subscription.options, options) &&
  subscription.options.namespace === options.namespace &&
  subscription.questions.length === questions.length &&
  subscription.questions.every(
    ({ name, type }, i) => questions[i]?.name === name && questions[i].type === type,
  );
