import { createHash } from 'node:crypto';
import type { Logger } from '../util/log.ts';
import type { Clock } from '../util/clock.ts';
import { BoundedMap } from './bounded-map.ts';
import type { HttpAnswer, Caller } from './http-server.ts';
import { LookupBudget } from './lookup-budget.ts';

/** Verdict of the API server on a token. */
export type Access = 'allowed' | 'unauthenticated' | 'forbidden';

export interface TokenAccessOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asks the API server. Rejects if it returns no verdict. */
  readonly review: (token: string) => Promise<Access>;
}

interface Known {
  readonly access: Access;
  readonly at: number;
  /** Time before which the API server is not asked again. */
  freshUntil: number;
}

/** Time for which a verdict is used, in milliseconds. A refusal is used for a short time, so that a grant takes effect soon. */
const freshMs: Readonly<Record<Access, number>> = {
  allowed: 60_000,
  unauthenticated: 10_000,
  forbidden: 10_000,
};
/** Age of the last verdict up to which an allowed token is let in while the API server returns none. */
const graceMs = 600_000;
/** Time until the next question after one without a verdict. */
const retryMs = 5_000;

const refusals: Readonly<Record<Exclude<Access, 'allowed'> | 'unknown' | 'busy', HttpAnswer>> = {
  unauthenticated: {
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
    body: 'send a bearer token that the API server accepts\n',
  },
  forbidden: {
    status: 403,
    body: 'the user of this token may not get the non-resource URL /metrics (ClusterRole external-backend-operator-metrics-reader)\n',
  },
  unknown: {
    status: 503,
    headers: { 'retry-after': '5' },
    body: 'the API server returned no verdict on this token: see the log of the operator\n',
  },
  busy: {
    status: 503,
    headers: { 'retry-after': '1' },
    body: 'too many unknown tokens at the moment: try again\n',
  },
};

/**
 * Lets in clients with a bearer token that the API server authenticates and allows.
 *
 * | verdict of the API server              | answer | used for                                           |
 * |----------------------------------------|--------|----------------------------------------------------|
 * | allowed                                | -      | a minute                                            |
 * | no token, unauthenticated              | 401    | 10 s                                                |
 * | forbidden                              | 403    | 10 s                                                |
 * | none, the token was allowed before     | -      | 5 s, until the last verdict is 10 minutes old        |
 * | none                                   | 503    | -                                                   |
 * | not asked: see `LookupBudget`          | 503    | -                                                   |
 *
 * Tokens are kept as hashes only. Verdicts on refused tokens never displace verdicts on allowed ones, and an allowed token
 * is verified again without a budget. An address that was let in may send another token whatever other addresses send.
 */
export class TokenAccess {
  readonly #options: TokenAccessOptions;
  readonly #budget: LookupBudget;
  readonly #allowed = new BoundedMap<string, Known>(64);
  readonly #refused = new BoundedMap<string, Known>(1024);
  readonly #pending = new Map<string, Promise<Access | 'unknown'>>();
  #isFailing = false;

  constructor(options: TokenAccessOptions) {
    this.#options = options;
    this.#budget = new LookupBudget(options.clock);
  }

  /** Returns the refusal, or undefined if the caller is let in. */
  async refusalOf({ authorization, address }: Caller): Promise<HttpAnswer | undefined> {
    const token = bearerToken(authorization);
    if (token === undefined) return refusals.unauthenticated;
    const key = createHash('sha256').update(token).digest('base64');
    const access = this.#fresh(key) ?? (await this.#lookUp(key, token, address));
    return access === 'allowed' ? undefined : refusals[access];
  }

  #fresh(key: string): Access | undefined {
    const known = this.#allowed.get(key) ?? this.#refused.get(key);
    return known !== undefined && this.#options.clock.now() < known.freshUntil ? known.access : undefined;
  }

  /** Concurrent requests with the same token share one question. */
  #lookUp(key: string, token: string, address: string): Promise<Access | 'unknown' | 'busy'> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const isKnown = this.#allowed.get(key) !== undefined;
    if (!isKnown && !this.#budget.take(address)) return Promise.resolve('busy');
    const asked = this.#review(key, token).then((access) => {
      this.#pending.delete(key);
      if (!isKnown) this.#budget.give(address, access === 'allowed');
      return access;
    });
    this.#pending.set(key, asked);
    return asked;
  }

  async #review(key: string, token: string): Promise<Access | 'unknown'> {
    try {
      const access = await this.#options.review(token);
      this.#report(undefined);
      this.#remember(key, access);
      return access;
    } catch (error) {
      this.#report(error);
      return this.#withoutVerdict(key);
    }
  }

  #remember(key: string, access: Access): void {
    const now = this.#options.clock.now();
    const [kept, other] =
      access === 'allowed' ? [this.#allowed, this.#refused] : [this.#refused, this.#allowed];
    kept.set(key, { access, at: now, freshUntil: now + freshMs[access] });
    other.delete(key);
  }

  #withoutVerdict(key: string): 'allowed' | 'unknown' {
    const now = this.#options.clock.now();
    const known = this.#allowed.get(key);
    if (known === undefined || now - known.at >= graceMs) return 'unknown';
    known.freshUntil = Math.min(now + retryMs, known.at + graceMs);
    return 'allowed';
  }

  /** Logs the first failure, and the first verdict after it. */
  #report(error: unknown): void {
    const isFailing = error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const { logger } = this.#options;
    if (isFailing)
      logger.warn(
        'the API server returns no verdict on tokens of clients of /metrics: grant the operator the verb create on tokenreviews and subjectaccessreviews, or set --metrics-auth=none',
        { error },
      );
    else logger.info('the API server returns verdicts on tokens of clients of /metrics again');
  }
}

/** Returns the token of an `Authorization` header (RFC 6750): `Bearer` in any case, and one token. */
const bearerToken = (authorization: string | undefined): string | undefined =>
  /^bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
