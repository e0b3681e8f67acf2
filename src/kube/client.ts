import type { Dispatcher } from 'undici';
import { OperatorError } from '../core/errors.ts';
import { operatorName } from '../core/ownership.ts';
import type { Clock, Random } from '../engine/ports.ts';
import type { Connection, Credentials } from './credentials.ts';
import { cancelledError, supersededError, deadlineError, networkError, statusError } from './errors.ts';
import { Lanes, lanes } from './lanes.ts';
import type { Lane } from './lanes.ts';
import { retryDelay } from './retry.ts';
import { sleep } from './sleep.ts';
import { methods } from './verb.ts';
import type { Verb } from './verb.ts';
import { Warnings } from './warnings.ts';

/** One request to the API server. */
export interface Ask {
  readonly verb: Verb;
  /** Plural name, e.g. `endpointslices` or `externalbackends/status`: for metrics and messages. */
  readonly resource: string;
  readonly name?: string;
  /** Absolute and encoded: see `pathOf`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Of the body; default `application/json`. */
  readonly contentType?: string;
  /** Waits its turn in this lane; without one it goes at once (leases, lists, watches): see `lanes`. */
  readonly lane?: Lane;
  /** Of the object: namespaces take turns in a lane. */
  readonly namespace?: string;
  /** For each attempt, from sending to the last byte (of a watch: to the first). Default 10 s. */
  readonly deadlineMs?: number;
  /** Default 4. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
  /**
   * Aborted when the caller has something newer to ask: the wait for another try ends (`waiting`, Superseded), and so does
   * the wait for a turn in the lane, except in that of slices, where it would only lose its place. A request under way goes on.
   */
  readonly patience?: AbortSignal;
  /** Runs immediately before each sending; what it throws, or rejects with, is the outcome. */
  readonly guard?: () => void | Promise<void>;
}

export interface ClientHooks {
  /** `code` is the HTTP status, or the reason where there was no answer (`Unreachable`, `ConnectionLost`, …). */
  readonly onRequest?: (request: { verb: Verb; resource: string; code: string; durationMs: number }) => void;
  /** Called with each warning of the server, each text once. `path` is that of the request. */
  readonly onWarning?: (text: string, path: string) => void;
  /** Called when a request that was sent at that time (monotonic) has an answer, whatever its status. */
  readonly onAnswer?: (sentAt: number) => void;
}

export interface ClientOptions {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: Random;
  readonly hooks?: ClientHooks;
  readonly userAgent?: string;
  /** Default 32: more buys nothing from the API server of a small cluster (measured). */
  readonly maxInFlight?: number;
}

const defaultDeadlineMs = 10_000;
const defaultAttempts = 4;

/**
 * Speaks REST with the API server: plain JSON in and out, a deadline on every call, retries where they are safe.
 * All failures are OperatorErrors.
 */
export class KubeClient {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hooks: ClientHooks;
  readonly #userAgent: string;
  readonly #lanes: Lanes;
  readonly #warnings: Warnings<string>;

  constructor(options: ClientOptions) {
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#hooks = options.hooks ?? {};
    this.#warnings = new Warnings((text, path) => this.#hooks.onWarning?.(text, path));
    this.#userAgent = options.userAgent ?? operatorName;
    this.#lanes = new Lanes(options.maxInFlight ?? 32);
  }

  /** Requests that hold a place in a lane, and those that wait for one. */
  get load(): { readonly inFlight: number; readonly queued: number } {
    return { inFlight: this.#lanes.running, queued: this.#lanes.queued };
  }

  /** The parsed answer. Retries as `retryDelay` says. */
  async request(ask: Ask): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#inLane(ask);
      } catch (error) {
        const mayRetry = attempt < (ask.attempts ?? defaultAttempts);
        const delayMs = mayRetry ? retryDelay(ask.verb, error, attempt, this.#random()) : undefined;
        if (delayMs === undefined) throw error;
        await sleep(this.#clock, delayMs, ask.patience ?? ask.signal);
        if (ask.patience?.aborted === true) throw supersededError(ask);
        if (ask.signal?.aborted === true) throw cancelledError(ask);
      }
    }
  }

  /** The body of a watch as it comes, once the server has answered 200. Never retried. The signal ends it. */
  async stream(ask: Ask & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    const connection = await this.#connect(ask);
    const deadline = this.#deadline(ask);
    try {
      const answer = await this.#send(ask, connection, deadline.signal);
      if (answer.statusCode === 200) return answer.body as AsyncIterable<Buffer>;
      throw this.#refusal(ask, connection, answer, await answer.body.text());
    } catch (error) {
      throw this.#explain(error, deadline.signal, ask, connection);
    } finally {
      deadline.disarm();
    }
  }

  /**
   * Resets all connections, watches included, so that the kernel delivers nothing more of what is under way. What the
   * server has received already may still be done.
   */
  reset(): void {
    this.#credentials.reset();
  }

  async close(): Promise<void> {
    await this.#credentials.close();
  }

  async #inLane(ask: Ask): Promise<unknown> {
    const { lane, namespace = '' } = ask;
    if (lane === undefined) return this.#exchange(ask);
    const patience = lane === lanes.slice ? undefined : ask.patience;
    await this.#lanes.enter(lane, namespace, patience ?? ask.signal).catch(() => {
      throw patience === undefined ? cancelledError(ask) : supersededError(ask);
    });
    try {
      return await this.#exchange(ask);
    } finally {
      this.#lanes.leave(lane, namespace);
    }
  }

  async #exchange(ask: Ask): Promise<unknown> {
    const connection = this.#credentials.peek() ?? (await this.#connect(ask));
    const deadline = this.#deadline(ask);
    try {
      await ask.guard?.();
      const answer = await this.#send(ask, connection, deadline.signal);
      this.#warnings.take(answer.headers['warning'], ask.path);
      const text = await answer.body.text();
      if (answer.statusCode < 300) return parse(ask, text);
      throw this.#refusal(ask, connection, answer, text);
    } catch (error) {
      throw this.#explain(error, deadline.signal, ask, connection);
    } finally {
      deadline.release();
    }
  }

  async #connect(ask: Ask): Promise<Connection> {
    try {
      return await this.#credentials.get();
    } catch (cause) {
      if (cause instanceof OperatorError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `${ask.verb} ${ask.resource}: no credentials: ${why}`;
      throw new OperatorError(message, { kind: 'transient', reason: 'NoCredentials', cause });
    }
  }

  async #send(ask: Ask, connection: Connection, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const started = this.#clock.now();
    const report = (code: string) => {
      const durationMs = this.#clock.now() - started;
      this.#hooks.onRequest?.({ verb: ask.verb, resource: ask.resource, code, durationMs });
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

  #options(ask: Ask, connection: Connection, signal: AbortSignal): Dispatcher.RequestOptions {
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

  #refusal(ask: Ask, connection: Connection, answer: Dispatcher.ResponseData, text: string): OperatorError {
    if (answer.statusCode === 401) this.#credentials.invalidate(connection);
    const retryAfter = answer.headers['retry-after'];
    return statusError(ask, answer.statusCode, text, typeof retryAfter === 'string' ? retryAfter : undefined);
  }

  /** What is thrown while a body is read is the stream's own: say why it ended instead. */
  #explain(error: unknown, signal: AbortSignal, ask: Ask, connection: Connection): unknown {
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (!(cause instanceof OperatorError)) return networkError(ask, cause);
    if (cause.reason === 'DeadlineExceeded') this.#credentials.reconnect(connection);
    return cause;
  }

  /** Joins the caller's signal and the deadline into one signal. */
  #deadline(ask: Ask) {
    const deadlineMs = ask.deadlineMs ?? defaultDeadlineMs;
    const controller = new AbortController();
    const timer = this.#clock.after(deadlineMs, () => controller.abort(deadlineError(ask, deadlineMs)));
    const cancel = () => controller.abort(cancelledError(ask));
    if (ask.signal?.aborted === true) cancel();
    else ask.signal?.addEventListener('abort', cancel, { once: true });
    return {
      signal: controller.signal,
      /** The deadline is met; the caller's signal goes on to count. */
      disarm: () => timer.cancel(),
      release: () => {
        timer.cancel();
        ask.signal?.removeEventListener('abort', cancel);
      },
    };
  }
}

/** undici looks at the signal of a request only once it is connected; until then the request is left to itself, and never sent. */
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

function parse(ask: Ask, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw networkError(ask, cause);
  }
}

function queryOf(query: Ask['query']): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
