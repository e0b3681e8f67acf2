import { questionKey } from '../../../src/core/resolution/name-state.ts';
import { DnsResolver } from '../../../src/dns/refresh/resolver.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { silentLogger } from '../../support/fakes/silent-logger.ts';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import type { QueryFnOptions, DnsResolverOptions } from '../../../src/dns/refresh/resolver.ts';
import type { FollowOptions } from '../../../src/engine/ports.ts';
import type { LogFields, Logger } from '../../../src/util/log.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
/** The alarm fires at most this often. */
/** At most this much later than due, for wakings are shared (util/deadline-timer.ts); and as much sooner or later (dns/refresh/tracked-question.ts). */
export const TICK = 20;
export const GRID = 20;
export const bounds: FollowOptions = { namespace: 'shop', minMs: 5 * SECOND, maxMs: 300 * SECOND };

export const a = (name: string): Question => ({ name, type: 'A' });
export const names = (count: number, of = 'db'): Question[] =>
  Array.from({ length: count }, (_, i) => a(`${of}${i}.example`));
export const records = (ttlSeconds: number, ...addresses: string[]): Answer => ({
  kind: 'records',
  ttlMs: ttlSeconds * SECOND,
  addresses,
  services: [],
});
export const failed = { kind: 'failed', message: '10.0.0.53 does not answer' } as const satisfies Answer;
export const none = {
  kind: 'none',
  reason: 'NoSuchName',
  ttlMs: 60 * SECOND,
  serverAnsweredAt: Infinity,
} as const satisfies Answer;

export interface Reply {
  readonly answer: Answer | Error;
  readonly afterMs?: number;
}

export interface Query extends QueryFnOptions {
  readonly key: string;
  readonly at: number;
  endedAt?: number;
}

/** Name servers that reply as the test says: at once, or after a while. */
export class ScriptedServers {
  readonly queries: Query[] = [];
  readonly peak = { all: 0, ofOne: 0 };
  readonly #clock: ManualClock;
  readonly #script = new Map<string, Reply>();
  readonly #open = new Map<string, number>();
  #opened = 0;
  all: Reply = { answer: records(60, '10.0.0.1') };

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  say(question: Question, answer: Answer | Error, afterMs = 0): void {
    this.#script.set(questionKey(question), { answer, afterMs });
  }

  readonly ask = async (question: Question, options: QueryFnOptions): Promise<Answer> => {
    const key = questionKey(question);
    const query: Query = { ...options, key, at: this.#clock.now() };
    this.queries.push(query);
    this.#count(key, 1);
    const { answer, afterMs = 0 } = this.#script.get(key) ?? this.all;
    if (afterMs > 0) await new Promise<void>((resolve) => this.#clock.after(afterMs, resolve));
    this.#count(key, -1);
    query.endedAt = this.#clock.now();
    if (answer instanceof Error) throw answer;
    return answer;
  };

  /** When a question was asked. */
  timesOf(question: Question): number[] {
    return this.queries.filter(({ key }) => key === questionKey(question)).map(({ at }) => at);
  }

  #count(key: string, more: number): void {
    this.#opened += more;
    const ofOne = (this.#open.get(key) ?? 0) + more;
    this.#open.set(key, ofOne);
    this.peak.all = Math.max(this.peak.all, this.#opened);
    this.peak.ofOne = Math.max(this.peak.ofOne, ofOne);
  }
}

export const addresses = (resolver: DnsResolver, question: Question) => resolver.state(question).addresses;
export const db = a('db.example');

/** A clock, name servers, and everything that resolvers report. */
export class ResolverWorld {
  readonly clock = new ManualClock();
  readonly servers = new ScriptedServers(this.clock);
  readonly news: { owner: string; at: number }[] = [];
  readonly asked: { result: string; durationMs: number }[] = [];
  readonly errors: (LogFields | undefined)[] = [];
  readonly #logger: Logger = { ...silentLogger, error: (_, fields) => void this.errors.push(fields) };

  /** Returns a resolver; `random` 0 means no jitter. */
  resolverOf(more: Partial<DnsResolverOptions> = {}): DnsResolver {
    return new DnsResolver({
      clock: this.clock,
      random: () => 0,
      logger: this.#logger,
      query: this.servers.ask,
      onNews: (owners) => this.news.push(...[...owners].map((owner) => ({ owner, at: this.clock.now() }))),
      observer: { dnsQueried: (result, durationMs) => this.asked.push({ result, durationMs }) },
      ...more,
    });
  }
}
