import type { Dispatcher } from 'undici';
import { OperatorError } from '../../core/errors.ts';
import { operatorName } from '../../core/kubernetes/ownership.ts';
import type { Clock, Random } from '../../util/clock.ts';
import type { ApiConnection, ApiConnections } from './credentials.ts';
import { cancelledError, supersededError, deadlineError, networkError, statusError } from './errors.ts';
import { PriorityLimiter, priorities } from './priority-limiter.ts';
import type { Lane } from './priority-limiter.ts';
import { retryDelay } from './retry.ts';
import { sleep } from '../../util/sleep.ts';
import { methods } from './verb.ts';
import type { Verb } from './verb.ts';
import { Warnings } from './warnings.ts';

/** One request to the API server. */
export interface ApiRequest {
  readonly verb: Verb;
  /** Plural name for metrics and messages, such as `endpointslices` or `externalbackends/status`. */
  readonly resource: string;
  readonly name?: string;
  /** Absolute and encoded path: see `pathOf`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Content type of the body. Default `application/json`. */
  readonly contentType?: string;
  /**
   * Lane in which it waits for its turn: see `priorities`. Without one (leases, lists, watches) it is sent at
   * once.
   */
  readonly lane?: Lane;
  /** Namespace of the object, because namespaces take turns in a lane. */
  readonly namespace?: string;
  /** Deadline of each attempt, from sending to the last byte (of a watch: to the first). Default 10 s. */
  readonly deadlineMs?: number;
  /** Maximum number of attempts. Default 4. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
  /**
   * Aborts when the caller has a newer request. Then the wait for another attempt ends (`waiting`,
   * Superseded), and so does the wait for a turn in the lane. In the lane of slices the latter goes on,
   * because the request would only lose its place. A request in flight goes on.
   */
  readonly preempt?: AbortSignal;
  /** Called immediately before each sending. An error that it throws, or rejects with, is the outcome. */
  readonly guard?: () => void | Promise<void>;
}

/** Receives the result of each request, for metrics. */
export interface RequestObserver {
  /** `code`: the HTTP status, or the reason if there was no answer (`Unreachable`, `ConnectionLost`, …). */
  apiRequested(result: { verb: Verb; resource: string; code: string; durationMs: number }): void;
}

export interface ClientHooks {
  /** Called for each warning of the API server, once per text. `path`: that of the request. */
  readonly onWarning?: (text: string, path: string) => void;
  /**
   * Called for each answer, whatever its status, with the instant at which the request was sent (monotonic).
   */
  readonly onAnswer?: (sentAt: number) => void;
}

export interface ClientOptions {
  readonly credentials: ApiConnections;
  readonly clock: Clock;
  readonly random: Random;
  readonly hooks?: ClientHooks;
  readonly observer?: RequestObserver;
  readonly userAgent?: string;
  /** Maximum number of requests in flight. Default 32: more is no faster with a small cluster (measured). */
  readonly maxInFlight?: number;
}

const defaultDeadlineMs = 10_000;
const defaultAttempts = 4;

/**
 * REST client of the API server: plain JSON, a deadline for every call, retries where they are safe. All
 * failures are OperatorErrors.
 */
export class KubeClient {
  readonly #credentials: ApiConnections;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hooks: ClientHooks;
  readonly #observer: RequestObserver | undefined;
  readonly #userAgent: string;
  readonly #lanes: PriorityLimiter;
  readonly #warnings: Warnings<string>;

  constructor(options: ClientOptions) {
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#hooks = options.hooks ?? {};
    this.#observer = options.observer;
    this.#warnings = new Warnings((text, path) => this.#hooks.onWarning?.(text, path));
    this.#userAgent = options.userAgent ?? operatorName;
    this.#lanes = new PriorityLimiter(options.maxInFlight ?? 32);
  }

  /** Number of requests that hold a place in a lane, and of those that wait for one. */
  get load(): { readonly inFlight: number; readonly queued: number } {
    return { inFlight: this.#lanes.running, queued: this.#lanes.queued };
  }

  /** Returns the parsed answer. Retries by the rules of `retryDelay`. */
  async request(ask: ApiRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#inLane(ask);
      } catch (error) {
        const mayRetry = attempt < (ask.attempts ?? defaultAttempts);
        const delayMs = mayRetry ? retryDelay(ask.verb, error, attempt, this.#random()) : undefined;
        if (delayMs === undefined) throw error;
        await sleep(this.#clock, delayMs, ask.preempt ?? ask.signal);
        if (ask.preempt?.aborted === true) throw supersededError(ask);
        if (ask.signal?.aborted === true) throw cancelledError(ask);
      }
    }
  }

  /** Returns the stream of a watch after the status 200. Never retried. The signal ends the stream. */
  async stream(ask: ApiRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    const connection = await this.#connect(ask);
    const deadline = this.#deadline(ask);
    try {
      const answer = await this.#send(ask, connection, deadline.signal);
      if (answer.statusCode === 200) return answer.body as AsyncIterable<Buffer>;
      throw this.#responseError(ask, connection, answer, await answer.body.text());
    } catch (error) {
      throw this.#toOperatorError(error, deadline.signal, ask, connection);
    } finally {
      deadline.disarm();
    }
  }

  /**
   * Resets all connections, including those of watches, so that the kernel sends nothing more of requests in
   * flight. The API server may still execute requests that it has received.
   */
  reset(): void {
    this.#credentials.reset();
  }

  async close(): Promise<void> {
    await this.#credentials.close();
  }

  async #inLane(ask: ApiRequest): Promise<unknown> {
    const { lane, namespace = '' } = ask;
    if (lane === undefined) return this.#exchange(ask);
    const preempt = lane === priorities.slice ? undefined : ask.preempt;
    await this.#lanes.enter(lane, namespace, preempt ?? ask.signal).catch(() => {
      throw preempt === undefined ? cancelledError(ask) : supersededError(ask);
    });
    try {
      return await this.#exchange(ask);
    } finally {
      this.#lanes.leave(lane, namespace);
    }
  }

  async #exchange(ask: ApiRequest): Promise<unknown> {
    const connection = this.#credentials.peek() ?? (await this.#connect(ask));
    const deadline = this.#deadline(ask);
    try {
      await ask.guard?.();
      const answer = await this.#send(ask, connection, deadline.signal);
      this.#warnings.take(answer.headers['warning'], ask.path);
      const text = await answer.body.text();
      if (answer.statusCode < 300) return parse(ask, text);
      throw this.#responseError(ask, connection, answer, text);
    } catch (error) {
      throw this.#toOperatorError(error, deadline.signal, ask, connection);
    } finally {
      deadline.release();
    }
  }

  async #connect(ask: ApiRequest): Promise<ApiConnection> {
    try {
      return await this.#credentials.get();
    } catch (cause) {
      if (cause instanceof OperatorError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `${ask.verb} ${ask.resource}: no credentials: ${why}`;
      throw new OperatorError(message, { kind: 'transient', reason: 'NoCredentials', cause });
    }
  }

  async #send(
    ask: ApiRequest,
    connection: ApiConnection,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const started = this.#clock.now();
    const report = (code: string) => {
      const durationMs = this.#clock.now() - started;
      this.#observer?.apiRequested({ verb: ask.verb, resource: ask.resource, code, durationMs });
    };
    try {
      const request = connection.dispatcher.request(this.#options(ask, connection, signal));
      const answer = await unlessAborted(request, signal);
      this.#hooks.onAnswer?.(started);
      report(String(answer.statusCode));
      return answer;
    } catch (cause) {
      const error: unknown = signal.aborted ? signal.reason : networkError(ask, cause);
      report(error instanceof OperatorError ? error.reason : 'Cancelled');
      throw error;
    }
  }

  #options(ask: ApiRequest, connection: ApiConnection, signal: AbortSignal): Dispatcher.RequestOptions {
    const headers: Record<string, string> = {
      ...connection.headers,
      accept: 'application/json',
      'user-agent': this.#userAgent,
    };
    if (ask.body !== undefined) headers['content-type'] = ask.contentType ?? 'application/json';
    return {
      origin: connection.origin,
      path: connection.basePath + ask.path + queryOf(ask.query),
      method: methods[ask.verb],
      headers,
      body: ask.body === undefined ? null : JSON.stringify(ask.body),
      signal,
    };
  }

  #responseError(
    ask: ApiRequest,
    connection: ApiConnection,
    answer: Dispatcher.ResponseData,
    text: string,
  ): OperatorError {
    if (answer.statusCode === 401) this.#credentials.invalidate(connection);
    const retryAfter = answer.headers['retry-after'];
    return statusError(ask, answer.statusCode, text, typeof retryAfter === 'string' ? retryAfter : undefined);
  }

  /**
   * Returns the cause of an error. While a body is read, the error of the stream itself does not contain it.
   */
  #toOperatorError(error: unknown, signal: AbortSignal, ask: ApiRequest, connection: ApiConnection): unknown {
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (!(cause instanceof OperatorError)) return networkError(ask, cause);
    if (cause.reason === 'DeadlineExceeded') this.#credentials.reconnect(connection);
    return cause;
  }

  /** Joins the caller's signal and the deadline into one signal. */
  #deadline(ask: ApiRequest) {
    const deadlineMs = ask.deadlineMs ?? defaultDeadlineMs;
    const controller = new AbortController();
    const timer = this.#clock.after(deadlineMs, () => controller.abort(deadlineError(ask, deadlineMs)));
    const cancel = () => controller.abort(cancelledError(ask));
    if (ask.signal?.aborted === true) cancel();
    else ask.signal?.addEventListener('abort', cancel, { once: true });
    return {
      signal: controller.signal,
      /** Ends the deadline. The signal of the caller remains in effect. */
      disarm: () => timer.cancel(),
      release: () => {
        timer.cancel();
        ask.signal?.removeEventListener('abort', cancel);
      },
    };
  }
}

/**
 * Rejects when the signal aborts. undici checks the signal of a request only once it is connected. Before
 * that, the request is abandoned and never sent.
 */
async function unlessAborted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([request, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function parse(ask: ApiRequest, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw networkError(ask, cause);
  }
}

function queryOf(query: ApiRequest['query']): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
