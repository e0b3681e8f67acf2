import type { Dispatcher } from 'undici';
import { OperatorError } from '../../core/errors.ts';
import { operatorName } from '../../core/kubernetes/ownership.ts';
import type { Clock, Random } from '../../util/clock.ts';
import type { ApiConnection, ApiConnections } from './credentials.ts';
import { cancelledError, supersededError, deadlineError, networkError, statusError } from './errors.ts';
import { PriorityLimiter, priorities } from './priority-limiter.ts';
import type { RequestPriority } from './priority-limiter.ts';
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
   * Priority in which it waits for its turn: see `priorities`. Without one (leases, lists, watches) it is sent at
   * once.
   */
  readonly priority?: RequestPriority;
  /** Namespace of the object, because namespaces take turns in a priority. */
  readonly namespace?: string;
  /** Deadline of each attempt, from sending to the last byte (of a watch: to the first). Default 10 s. */
  readonly deadlineMs?: number;
  /** Maximum number of attempts. Default 4. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
  /**
   * Aborts when the caller has a newer request. Then the wait for another attempt ends (`waiting`,
   * Superseded), and so does the wait for a turn in the priority. In the priority of slices the latter goes on,
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
  readonly #limiter: PriorityLimiter;
  readonly #warnings: Warnings<string>;

  constructor(options: ClientOptions) {
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#hooks = options.hooks ?? {};
    this.#observer = options.observer;
    this.#warnings = new Warnings((text, path) => this.#hooks.onWarning?.(text, path));
    this.#userAgent = options.userAgent ?? operatorName;
    this.#limiter = new PriorityLimiter(options.maxInFlight ?? 32);
  }

  /** Number of requests that hold a place in a priority, and of those that wait for one. */
  get load(): { readonly inFlight: number; readonly queued: number } {
    return { inFlight: this.#limiter.running, queued: this.#limiter.queued };
  }

  /** Returns the parsed answer. Retries by the rules of `retryDelay`. */
  async request(request: ApiRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#withPriority(request);
      } catch (error) {
        const mayRetry = attempt < (request.attempts ?? defaultAttempts);
        const delayMs = mayRetry ? retryDelay(request.verb, error, attempt, this.#random()) : undefined;
        if (delayMs === undefined) throw error;
        await sleep(this.#clock, delayMs, request.preempt ?? request.signal);
        if (request.preempt?.aborted === true) throw supersededError(request);
        if (request.signal?.aborted === true) throw cancelledError(request);
      }
    }
  }

  /** Returns the stream of a watch after the status 200. Never retried. The signal ends the stream. */
  async stream(request: ApiRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    const connection = await this.#connect(request);
    const deadline = this.#deadline(request);
    try {
      const answer = await this.#send(request, connection, deadline.signal);
      if (answer.statusCode === 200) return answer.body as AsyncIterable<Buffer>;
      throw this.#responseError(request, connection, answer, await answer.body.text());
    } catch (error) {
      throw this.#toOperatorError(error, deadline.signal, request, connection);
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

  async #withPriority(request: ApiRequest): Promise<unknown> {
    const { priority, namespace = '' } = request;
    if (priority === undefined) return this.#exchange(request);
    const preempt = priority === priorities.slice ? undefined : request.preempt;
    await this.#limiter.enter(priority, namespace, preempt ?? request.signal).catch(() => {
      throw preempt === undefined ? cancelledError(request) : supersededError(request);
    });
    try {
      return await this.#exchange(request);
    } finally {
      this.#limiter.leave(priority, namespace);
    }
  }

  async #exchange(request: ApiRequest): Promise<unknown> {
    const connection = this.#credentials.peek() ?? (await this.#connect(request));
    const deadline = this.#deadline(request);
    try {
      await request.guard?.();
      const answer = await this.#send(request, connection, deadline.signal);
      this.#warnings.take(answer.headers['warning'], request.path);
      const text = await answer.body.text();
      if (answer.statusCode < 300) return parse(request, text);
      throw this.#responseError(request, connection, answer, text);
    } catch (error) {
      throw this.#toOperatorError(error, deadline.signal, request, connection);
    } finally {
      deadline.release();
    }
  }

  async #connect(request: ApiRequest): Promise<ApiConnection> {
    try {
      return await this.#credentials.get();
    } catch (cause) {
      if (cause instanceof OperatorError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `${request.verb} ${request.resource}: no credentials: ${why}`;
      throw new OperatorError(message, { kind: 'transient', reason: 'NoCredentials', cause });
    }
  }

  async #send(
    request: ApiRequest,
    connection: ApiConnection,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const started = this.#clock.now();
    const report = (code: string) => {
      const durationMs = this.#clock.now() - started;
      this.#observer?.apiRequested({ verb: request.verb, resource: request.resource, code, durationMs });
    };
    try {
      const response = connection.dispatcher.request(this.#options(request, connection, signal));
      const answer = await unlessAborted(response, signal);
      this.#hooks.onAnswer?.(started);
      report(String(answer.statusCode));
      return answer;
    } catch (cause) {
      const error: unknown = signal.aborted ? signal.reason : networkError(request, cause);
      report(error instanceof OperatorError ? error.reason : 'Cancelled');
      throw error;
    }
  }

  #options(request: ApiRequest, connection: ApiConnection, signal: AbortSignal): Dispatcher.RequestOptions {
    const headers: Record<string, string | string[]> = {
      ...connection.headers,
      accept: 'application/json',
      'user-agent': this.#userAgent,
    };
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    return {
      origin: connection.origin,
      path: connection.basePath + request.path + queryOf(request.query),
      method: methods[request.verb],
      headers,
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
    };
  }

  #responseError(
    request: ApiRequest,
    connection: ApiConnection,
    answer: Dispatcher.ResponseData,
    text: string,
  ): OperatorError {
    if (answer.statusCode === 401) this.#credentials.invalidate(connection);
    const retryAfter = answer.headers['retry-after'];
    return statusError(
      request,
      answer.statusCode,
      text,
      typeof retryAfter === 'string' ? retryAfter : undefined,
    );
  }

  /**
   * Returns the cause of an error. While a body is read, the error of the stream itself does not contain it.
   */
  #toOperatorError(
    error: unknown,
    signal: AbortSignal,
    request: ApiRequest,
    connection: ApiConnection,
  ): unknown {
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (!(cause instanceof OperatorError)) return networkError(request, cause);
    if (cause.reason === 'DeadlineExceeded') this.#credentials.reconnect(connection);
    return cause;
  }

  /** Joins the caller's signal and the deadline into one signal. */
  #deadline(request: ApiRequest) {
    const deadlineMs = request.deadlineMs ?? defaultDeadlineMs;
    const controller = new AbortController();
    const timer = this.#clock.after(deadlineMs, () => controller.abort(deadlineError(request, deadlineMs)));
    const cancel = () => controller.abort(cancelledError(request));
    if (request.signal?.aborted === true) cancel();
    else request.signal?.addEventListener('abort', cancel, { once: true });
    return {
      signal: controller.signal,
      /** Ends the deadline. The signal of the caller remains in effect. */
      disarm: () => timer.cancel(),
      release: () => {
        timer.cancel();
        request.signal?.removeEventListener('abort', cancel);
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

function parse(request: ApiRequest, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw networkError(request, cause);
  }
}

function queryOf(query: ApiRequest['query']): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
