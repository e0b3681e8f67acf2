import type { Dispatcher } from 'undici';
import type { ApiConnection, ApiConnections } from '../../../src/kube/client/credentials.ts';
import type { FakeAnswer, FakeRequest } from '../../support/fakes/fake-api.ts';
import type { ManualClock } from '../../support/fakes/manual-clock.ts';
import type { Process } from '../process.ts';
import type { Draw } from '../random.ts';
import type { Treatment } from './faults.ts';
import { WatchBody } from './watch-body.ts';

/**
 * State of the network between one replica and the API server.
 *
 * | link        | requests                        | answers and watch events         |
 * |-------------|---------------------------------|----------------------------------|
 * | open        | arrive                          | arrive                           |
 * | refused     | ECONNREFUSED; open ones go on   | arrive                           |
 * | answersHeld | arrive                          | wait in the sockets              |
 * | cut         | wait in the sockets             | wait in the sockets              |
 *
 * What waits arrives when the link is open again, unless the client has given it up or has reset its
 * connections.
 */
export type Link = 'open' | 'refused' | 'answersHeld' | 'cut';

export interface WireOptions {
  readonly world: ManualClock;
  readonly process: Process;
  readonly draw: Draw;
  readonly treatmentOf: (request: FakeRequest) => Treatment;
  /** Called when a request is sent. */
  readonly onSent: (request: FakeRequest) => void;
  /** Returns the number of the present term of the process. */
  readonly termNow: () => number;
  /** Executes a request that was sent at that instant, in that term. */
  readonly handle: (request: FakeRequest, sentAt: number, term: number) => FakeAnswer;
  /** Opens a watch; `send` gets its lines. Returns a function that ends it. */
  readonly watch: (request: FakeRequest, send: (line: string) => void) => () => void;
}

interface Exchange {
  readonly request: FakeRequest;
  readonly sentAt: number;
  readonly term: number;
  readonly reply: PromiseWithResolvers<Dispatcher.ResponseData>;
  isGivenUp: boolean;
}

interface OpenWatch {
  readonly body: WatchBody;
  close: () => void;
  /** Lines on their way. */
  lines: string[];
  isScheduled: boolean;
}

const networkFault = (code: string): Error => Object.assign(new Error(code), { code });

/** HTTP connections of one process to the API server, in place of those of the kernel. */
export class Wire implements ApiConnections {
  readonly #options: WireOptions;
  readonly #connection: ApiConnection;
  readonly #exchanges = new Set<Exchange>();
  readonly #watches = new Set<OpenWatch>();
  /** What waits in the sockets. */
  #waiting: (() => void)[] = [];
  #link: Link = 'open';
  #silentFrom: number | undefined;
  /** Milliseconds by which watch events are late. */
  lagMs = 0;

  constructor(options: WireOptions) {
    this.#options = options;
    const dispatcher = { request: (asked: Dispatcher.RequestOptions) => this.#send(asked) };
    this.#connection = {
      ...{ dispatcher: dispatcher as unknown as Dispatcher, origin: '', basePath: '', headers: {} },
    };
  }

  /** Milliseconds for which no answer has passed. */
  get silentMs(): number {
    return this.#silentFrom === undefined ? 0 : this.#options.world.now() - this.#silentFrom;
  }

  set link(link: Link) {
    this.#link = link;
    this.#silentFrom = link === 'open' ? undefined : (this.#silentFrom ?? this.#options.world.now());
    if (link === 'open') this.#release();
  }

  peek(): ApiConnection {
    return this.#connection;
  }

  get(): Promise<ApiConnection> {
    return Promise.resolve(this.#connection);
  }

  invalidate(): void {
    /* There are no credentials. */
  }

  reconnect(): void {
    /* Requests after a missed deadline have connections of their own. */
  }

  reset(): void {
    for (const exchange of this.#exchanges) this.#fail(exchange, 'ECONNRESET');
    for (const watch of this.#watches) {
      watch.close();
      this.#options.process.reach(() => watch.body.fail(networkFault('ECONNRESET')));
    }
    this.#exchanges.clear();
    this.#watches.clear();
  }

  close(): Promise<void> {
    this.reset();
    return Promise.resolve();
  }

  /** Ends all connections without a word, as the end of the process does. */
  drop(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
  }

  #send(asked: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    const { world, draw, onSent, process, termNow } = this.#options;
    const request = requestOf(asked);
    const exchange: Exchange = {
      ...{ request, sentAt: world.now(), term: termNow(), reply: Promise.withResolvers(), isGivenUp: false },
    };
    onSent(request);
    if (!process.isAlive) return exchange.reply.promise;
    this.#exchanges.add(exchange);
    const { signal } = asked as { readonly signal?: AbortSignal };
    signal?.addEventListener('abort', () => this.#giveUp(exchange), { once: true });
    if (this.#link === 'refused') world.after(1, () => this.#fail(exchange, 'ECONNREFUSED'));
    else world.after(draw.between(0.5, 5), () => this.#arrive(exchange, signal));
    return exchange.reply.promise;
  }

  #giveUp(exchange: Exchange): void {
    exchange.isGivenUp = true;
    this.#exchanges.delete(exchange);
  }

  #fail(exchange: Exchange, code: string): void {
    this.#giveUp(exchange);
    this.#options.process.reach(() => exchange.reply.reject(networkFault(code)));
  }

  #arrive(exchange: Exchange, signal: AbortSignal | undefined): void {
    if (exchange.isGivenUp) return;
    if (this.#link === 'cut') {
      this.#waiting.push(() => this.#arrive(exchange, signal));
      return;
    }
    const treatment = this.#options.treatmentOf(exchange.request);
    const execute = (): void => this.#execute(exchange, treatment, signal);
    if (treatment.delayMs === 0) execute();
    else this.#options.world.after(treatment.delayMs, execute);
  }

  #execute(exchange: Exchange, treatment: Treatment, signal: AbortSignal | undefined): void {
    const { handle, world, draw } = this.#options;
    const { request, sentAt, term } = exchange;
    if (request.query?.get('watch') === 'true' && treatment.answer === undefined) {
      if (treatment.answerMs !== undefined) this.#openWatch(exchange, signal);
      return;
    }
    const own = treatment.isExecuted ? handle(request, sentAt, term) : undefined;
    const answer = treatment.answer ?? own;
    if (answer === undefined || treatment.answerMs === undefined) return;
    const afterMs = treatment.answerMs + draw.between(0.5, 5);
    world.after(afterMs, () => this.#answer(exchange, answer, treatment.headers ?? {}));
  }

  #answer(exchange: Exchange, answer: FakeAnswer, headers: Readonly<Record<string, string>>): void {
    if (exchange.isGivenUp) return;
    if (this.#link === 'cut' || this.#link === 'answersHeld') {
      this.#waiting.push(() => this.#answer(exchange, answer, headers));
      return;
    }
    this.#exchanges.delete(exchange);
    const body = { text: () => Promise.resolve(JSON.stringify(answer.body)) };
    const data = { statusCode: answer.status, headers, body };
    this.#options.process.reach(() => exchange.reply.resolve(data as unknown as Dispatcher.ResponseData));
  }

  #openWatch(exchange: Exchange, signal: AbortSignal | undefined): void {
    const { watch, process } = this.#options;
    const open: OpenWatch = { body: new WatchBody(), close: () => undefined, lines: [], isScheduled: false };
    this.#watches.add(open);
    const { body } = open;
    signal?.addEventListener('abort', () => this.#closeWatch(open, 'aborted'), { once: true });
    this.#exchanges.delete(exchange);
    const data = { statusCode: 200, headers: {}, body } as unknown as Dispatcher.ResponseData;
    process.reach(() => exchange.reply.resolve(data));
    open.close = watch(exchange.request, (line) => this.#line(open, line));
  }

  #closeWatch(watch: OpenWatch, code: string): void {
    if (!this.#watches.delete(watch)) return;
    watch.close();
    watch.body.fail(networkFault(code));
  }

  /** Lines that are sent while others are on their way arrive together with them. */
  #line(watch: OpenWatch, line: string): void {
    watch.lines.push(line);
    if (watch.isScheduled) return;
    watch.isScheduled = true;
    this.#options.world.after(this.#options.draw.between(1, 30) + this.lagMs, () => this.#deliver(watch));
  }

  #deliver(watch: OpenWatch): void {
    if (!this.#watches.has(watch)) return;
    if (this.#link === 'cut' || this.#link === 'answersHeld') {
      this.#waiting.push(() => this.#deliver(watch));
      return;
    }
    const text = watch.lines.join('');
    watch.lines = [];
    watch.isScheduled = false;
    this.#options.process.reach(() => watch.body.push(text));
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const arrive of waiting) this.#options.world.after(this.#options.draw.between(1, 20), arrive);
  }
}

function requestOf({ path, method, headers, body }: Dispatcher.RequestOptions): FakeRequest {
  const [plain = '', query] = path.split('?');
  const type = (headers as Readonly<Record<string, string>>)['content-type'];
  return {
    ...{ method, path: plain },
    ...(query !== undefined && { query: new URLSearchParams(query) }),
    ...(type !== undefined && { contentType: type }),
    ...(typeof body === 'string' && { body: JSON.parse(body) as unknown }),
  };
}
