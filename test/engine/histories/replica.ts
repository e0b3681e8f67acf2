import type { Action } from '../../../src/core/kubernetes/action.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { DnsResolver } from '../../../src/dns/refresh/resolver.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { LocalProber } from '../../../src/engine/probing/local-prober.ts';
import type { ProbeFn } from '../../../src/engine/ports.ts';
import type { Clock } from '../../../src/util/clock.ts';
import type { Prober, ProberListeners } from '../../../src/engine/probing/prober.ts';
import { WorkerPool } from '../../../src/engine/workers/worker-pool.ts';
import { FakeThreads } from '../../support/fakes/fake-threads.ts';
import { RunTally } from '../../../src/engine/probing/run-tally.ts';
import type { LeaderCallbacks } from '../../../src/kube/election/leadership.ts';
import { Terms } from '../../../src/kube/election/terms.ts';
import { cancelled } from '../../support/builders/verdicts.ts';
import { kinds, type ApiServer } from './api-server.ts';
import { LateView } from './late-view.ts';
import { Network } from './network.ts';
import { noise } from './noise.ts';
import { objectOf } from './object-of.ts';
import type { Outside } from './outside.ts';

/** One period in which one replica leads. */
export interface Term {
  readonly replica: Replica;
  readonly number: number;
}

export interface ReplicaOptions {
  readonly name: string;
  readonly seed: number;
  readonly clock: Clock;
  readonly api: ApiServer<Term>;
  readonly outside: Outside;
  /** Longest time that half of a write is in flight. */
  readonly writeMs: number;
  readonly maxEndpointsPerSlice: number;
  /** True if a request that is in flight when the process is killed reaches the API server. */
  readonly arrives: boolean;
  readonly term: (replica: Replica) => Term;
  /** Called when a term of this replica begins. */
  readonly onTerm: (replica: Replica) => void;
  /** Called before a write is sent, and after it was done and before its response. */
  readonly onWrite: (replica: Replica, when: 'before' | 'after', action: Action) => void;
  readonly onVerdict: (term: Term, check: Check, verdict: Verdict) => void;
}

const never = new Promise<never>(() => undefined);
const nothing = (): void => undefined;
const unreachable = () => new OperatorError('no connection', { kind: 'transient', reason: 'Unreachable' });
const notLeader = () =>
  new OperatorError('not the leader', { kind: 'waiting', reason: 'NotLeader', afterMs: 5_000 });
/** Deadline of a heartbeat. */
const beatMs = 2_000;

/**
 * One process of the operator: the engine, its view and its writer, between the API server and the servers
 * outside.
 */
export class Replica {
  readonly name: string;
  alive = true;
  readonly net = new Network();
  /** Monotonic milliseconds until which no watch event arrives. */
  lateUntil = 0;
  /** True while it has the lease. */
  leads = false;
  readonly engine: Engine;
  readonly #terms: Terms;
  #hooks: LeaderCallbacks = {};
  readonly #options: ReplicaOptions;
  readonly #view: LateView;
  readonly #resolver: DnsResolver;
  readonly #random: () => number;
  #seen = 0;
  #watches = true;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.name = options.name;
    this.#random = noise(options.seed);
    const clock = this.#clock();
    this.#terms = this.#createTerms(clock);
    this.#view = new LateView(
      (kind, { after, before }, concerned) => {
        const { namespace = '', name = '' } = (after ?? before)?.metadata ?? {};
        if (kind === 'ExternalBackend') this.engine.backendChanged(`${namespace}/${name}`, after);
        this.engine.enqueue(concerned);
      },
      (signal) => this.#caughtUp(signal),
    );
    const random = this.#random;
    const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    this.#resolver = new DnsResolver({
      ...{ clock, random, logger },
      query: async (question) => {
        await this.#passes(1 + random() * 20);
        return this.net.targets ? options.outside.answer(question) : { kind: 'failed', message: 'no answer' };
      },
      onNews: (owners) => this.engine.inputsChanged(owners),
    });
    this.engine = new Engine({
      ...{ clock, random, logger, cache: this.#view, resolver: this.#resolver },
      writer: { perform: (action) => this.#perform(action) },
      events: { record: nothing },
      secrets: { follow: nothing, state: () => undefined },
      createProber: (listeners) => this.#createProber(clock, listeners),
      observer: {
        ...{ healthChanged: nothing, reconciled: nothing },
        ...{ certificateSeen: nothing, backendFigures: nothing },
      },
      ...{ workers: 16, policy: addressPolicy(), autoSelectHandler: false },
      ...{ legacyEndpoints: true, maxEndpointsPerSlice: options.maxEndpointsPerSlice },
    });
  }

  /** Half of the replicas probe in threads. */
  #createProber(clock: Clock, listeners: ProberListeners): Prober {
    const random = this.#random;
    const probe: ProbeFn = (check, signal) => this.#probe(check, signal);
    const limits = { maxConcurrent: 64, maxPerHost: 8, maxPerHostAndNamespace: 2 };
    if (this.#options.seed % 2 === 0)
      return new LocalProber({ ...listeners, clock, random, probe, limits, tally: new RunTally() });
    const { spawn } = new FakeThreads({ clock, probe });
    return new WorkerPool({
      ...listeners,
      ...{ clock, spawn, limits, workers: 2, stallMs: Infinity, foreign: probe, onRestart: nothing },
    });
  }

  /** Connects what begins and ends with a term, as the operator does. */
  #createTerms(clock: Clock): Terms {
    return new Terms({
      clock,
      beat: () => this.#beat(),
      elect: (hooks) => {
        this.#hooks = hooks;
        return { isLeader: () => this.leads, start: nothing, stop: () => Promise.resolve() };
      },
      onStartedLeading: () => {
        this.#options.onTerm(this);
        this.engine.onStartedLeading();
      },
      onStoppedLeading: () => {
        this.engine.onStoppedLeading();
        this.net.reset();
      },
    });
  }

  async #beat(): Promise<void> {
    const sentAt = this.#options.clock.now();
    const answered = this.net.arrives().then((arrives) => {
      if (!arrives || !this.#isReached()) throw unreachable();
      this.#terms.answered(sentAt);
    });
    const late = () => this.#passes(beatMs).then(() => Promise.reject(unreachable()));
    await (this.net.isCut ? Promise.race([answered, late()]) : answered);
  }

  /** Reads all objects, and starts the watch. */
  start(): void {
    const { api } = this.#options;
    for (const kind of kinds) this.#view.replace(kind, api.list(kind), api.version);
    this.#seen = api.log.length;
    this.engine.start();
  }

  get caughtUp(): boolean {
    return this.#seen === this.#options.api.log.length;
  }

  /** Reports a change in the API server, which arrives a moment later. */
  notify(): void {
    if (!this.alive || !this.#watches) return;
    const { clock, api } = this.#options;
    const until = api.log.length;
    const lagMs = 1 + this.#random() * 30;
    clock.after(Math.max(lagMs, this.lateUntil - clock.now()), () => this.#deliver(until));
  }

  #deliver(until: number): void {
    const { clock, api } = this.#options;
    if (!this.alive || !this.#watches) return;
    if (!this.net.api || this.net.isCut) return;
    if (clock.now() < this.lateUntil) this.notify();
    else
      while (this.#seen < until) {
        const event = api.log[this.#seen];
        this.#seen += 1;
        if (event !== undefined) this.#view.watched(event);
      }
  }

  lead(): void {
    this.leads = true;
    this.#hooks.onStartedLeading?.();
  }

  /** Restores the network and the watch. */
  restore(): void {
    this.net.restore();
    this.notify();
  }

  async #caughtUp(signal: AbortSignal): Promise<void> {
    const until = this.#options.api.log.length;
    while (this.#seen < until && !signal.aborted) await this.#passes(10, signal);
    signal.throwIfAborted();
  }

  lapse(): void {
    this.leads = false;
    this.#hooks.onStoppedLeading?.('Lapsed');
  }

  kill(): void {
    this.alive = false;
    this.leads = false;
  }

  /** Stops as the operator does on SIGTERM: the lease is released last. */
  async terminate(): Promise<void> {
    this.#watches = false;
    await this.engine.stop(20_000);
    this.#resolver.close();
    this.kill();
  }

  async #perform(action: Action): Promise<void> {
    const { onWrite, term } = this.#options;
    const isWrite = action.op !== 'absent';
    if (isWrite && !this.#terms.isLeader()) throw notLeader();
    const by = term(this);
    if (isWrite) onWrite(this, 'before', action);
    if (!(await this.#isSent(isWrite))) return this.#lost();
    await this.#travels();
    if (!this.#isReached() && !this.#options.arrives) return this.#lost();
    const error = await this.#options.api.perform(action, by).then(
      () => undefined,
      (cause: unknown) => cause as OperatorError,
    );
    if (isWrite && this.#isReached()) onWrite(this, 'after', action);
    if (!(await this.#isAnswered())) return this.#lost();
    this.#answered(action, error);
    if (error !== undefined) throw error;
  }

  /** Checks a request before it is sent, as the real writer does. */
  async #isSent(isWrite: boolean): Promise<boolean> {
    const { number } = this.#terms;
    if (!this.#isReached()) return false;
    if (isWrite) await this.#terms.confirm();
    if (isWrite && (!this.#terms.isLeader() || this.#terms.number !== number)) throw notLeader();
    return this.net.arrives();
  }

  async #isAnswered(): Promise<boolean> {
    if (this.#isReached() && !(await this.net.arrives())) return false;
    if (this.#isReached()) await this.#travels();
    return this.#isReached();
  }

  #isReached(): boolean {
    return this.alive && this.net.api;
  }

  async #lost(): Promise<void> {
    if (!this.alive) return never;
    await this.#passes(1_000);
    throw unreachable();
  }

  /** Puts into the view what the real writer would, also after a conflict. */
  #answered(action: Action, error: OperatorError | undefined): void {
    if (error !== undefined && error.status !== 409) return;
    const [kind, namespace, name, uid] = objectOf(action);
    if (kind === undefined) return;
    const now = this.#options.api.find(kind, namespace, name);
    if (now !== undefined) this.#view.put(kind, now);
    else if (uid !== undefined) this.#view.remove(kind, `${namespace}/${name}`, uid);
  }

  async #probe(check: Check, signal: AbortSignal): Promise<Verdict> {
    const { outside, term, onVerdict } = this.#options;
    const by = term(this);
    const isCut = !this.net.targets;
    const { verdict, afterMs } = outside.probed(check);
    const told = isCut ? ({ kind: 'down', reason: 'Timeout', message: '' } as const) : verdict;
    await this.#passes(isCut ? check.timing.timeoutMs : afterMs, signal);
    if (!this.alive) return never;
    if (signal.aborted) return cancelled;
    onVerdict(by, check, told);
    return told;
  }

  #travels(): Promise<void> {
    return this.#passes(1 + this.#random() * this.#options.writeMs);
  }

  /** Waits for time of the world, which passes whether this process lives or not. */
  #passes(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Returns a clock that runs as long as this process lives. */
  #clock(): Clock {
    const { clock } = this.#options;
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      after: (ms, run) => clock.after(ms, () => this.alive && run()),
    };
  }
}
