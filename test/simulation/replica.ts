import type { Check } from '../../src/core/probing/check.ts';
import { addressPolicy } from '../../src/core/resolution/address-policy.ts';
import type { Answer, Question } from '../../src/core/resolution/name-state.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import { DnsResolver } from '../../src/dns/refresh/resolver.ts';
import { Engine, type EngineOptions } from '../../src/engine/engine.ts';
import { LocalProber } from '../../src/engine/probing/local-prober.ts';
import type { Prober, ProberListeners } from '../../src/engine/probing/prober.ts';
import { RunTally } from '../../src/engine/probing/run-tally.ts';
import type { ProbeFn } from '../../src/engine/ports.ts';
import { WorkerPool } from '../../src/engine/workers/worker-pool.ts';
import { KubeCache } from '../../src/kube/cache/cluster-cache.ts';
import { KubeClient } from '../../src/kube/client/client.ts';
import type { Terms } from '../../src/kube/election/terms.ts';
import type { ReplicaMessenger } from '../../src/kube/replicas/replica-messenger.ts';
import { KubeWriter, type WriterOptions } from '../../src/kube/write/writer.ts';
import { createTerms } from '../../src/create-terms.ts';
import { createMessenger } from '../../src/create-messenger.ts';
import { FakeThreads } from '../support/fakes/fake-threads.ts';
import { cancelled } from '../support/builders/verdicts.ts';
import { Wire } from './api/wire.ts';
import { Process } from './process.ts';
import { Draw } from './random.ts';
import type { Author, ReplicaOptions } from './replica-options.ts';

/** Short, so that a history of a minute has several terms. */
const election = {
  ...{ leaderElect: true, leaseNamespace: 'operator', leaseName: 'operator' },
  ...{ leaseDuration: 4_000, renewDeadline: 3_000, retryPeriod: 1_000 },
};

const never = new Promise<never>(() => undefined);
const nothing = (): void => undefined;
const noSecrets = { follow: nothing, state: () => undefined };

/**
 * One process of the operator: all its parts except its HTTP servers, its sockets and its Events, joined as
 * `createOperator` joins them.
 */
export class Replica {
  readonly index: number;
  readonly identity: string;
  readonly process: Process;
  readonly wire: Wire;
  readonly engine: Engine;
  readonly #options: ReplicaOptions;
  readonly #draw: Draw;
  readonly #cache: KubeCache;
  readonly #resolver: DnsResolver;
  readonly #terms: Terms;
  readonly #client: KubeClient;
  readonly #messenger: ReplicaMessenger | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { index, incarnation, seed, skew, world, logger } = options;
    this.index = index;
    this.identity = `replica-${index}-${incarnation}`;
    this.#draw = new Draw(seed, this.identity);
    this.process = new Process(world, skew);
    const { clock } = this.process;
    const random = this.#draw.uniform;
    this.wire = new Wire({ ...options.wire(this), world, process: this.process, draw: this.#draw });
    this.#client = new KubeClient({
      ...{ credentials: this.wire, clock, random },
      hooks: { onAnswer: (sentAt) => this.#terms.answered(sentAt) },
    });
    this.#cache = this.#createCache();
    this.#resolver = new DnsResolver({
      ...{ clock, random, logger, query: (question) => this.#ask(question) },
      onNews: (owners) => this.engine.inputsChanged(owners),
    });
    this.#terms = this.#createTerms();
    this.#messenger = this.#createMessenger();
    this.engine = this.#createEngine();
  }

  get author(): Author {
    return { replica: this, term: this.#terms.number };
  }

  get leads(): boolean {
    return this.process.isAlive && this.#terms.isLeader();
  }

  start(): void {
    this.#cache.start();
    void this.#cache.synced.then(() => {
      this.engine.start();
      this.#messenger?.start();
      this.#terms.start();
    });
  }

  /** SIGTERM: what the operator does before it ends. */
  async stop(): Promise<void> {
    await Promise.all([this.#cache.stop(), this.engine.stop(5_000)]);
    this.#resolver.close();
    await Promise.all([this.#terms.stop(), this.#messenger?.stop()]);
    await this.#client.close();
    this.kill();
  }

  /** SIGKILL. Requests that have left it arrive. */
  kill(): void {
    this.process.kill();
    this.wire.drop();
  }

  #createCache(): KubeCache {
    const { clock } = this.process;
    return new KubeCache({
      ...{ client: this.#client, clock, random: this.#draw.uniform, logger: this.#options.logger },
      namespaces: [],
      onChange: (kind, { before, after }, concerned) => {
        const metadata = (after ?? before)?.metadata;
        if (kind === 'ExternalBackend' && metadata !== undefined)
          this.engine.backendChanged(`${metadata.namespace}/${metadata.name}`, after);
        this.engine.enqueue(concerned);
      },
    });
  }

  #createTerms(): Terms {
    const { logger, onTerm, onTermEnd } = this.#options;
    return createTerms({
      ...{ config: election, clock: this.process.clock, random: this.#draw.uniform, logger },
      ...{ identity: this.identity, client: this.#client },
      metrics: { leading: nothing },
      events: { clear: nothing },
      engine: () => ({
        onStartedLeading: () => {
          onTerm(this.author);
          this.engine.onStartedLeading();
        },
        onStoppedLeading: () => {
          onTermEnd(this.author);
          this.engine.onStoppedLeading();
        },
      }),
    });
  }

  /** The pod keeps its name when the process in it is replaced. */
  #createMessenger(): ReplicaMessenger | undefined {
    const { logger, index, secondOpinion } = this.#options;
    return createMessenger({
      ...{
        config: { ...election, secondOpinion, autoSelectHandler: false },
        logger,
        instance: `pod-${index}`,
      },
      ...{ client: this.#client, clock: this.process.clock, random: this.#draw.uniform },
      ...{ cache: this.#cache, secrets: noSecrets, policy: addressPolicy(), terms: () => this.#terms },
      probe: (check, signal) => this.#look(check, signal),
    });
  }

  #createEngine(): Engine {
    const { ports, logger, maxEndpointsPerSlice, isolation } = this.#options;
    const { clock } = this.process;
    const writer: WriterOptions = {
      ...{ client: this.#client, cache: this.#cache, mayWrite: () => this.#terms.isLeader() },
      ...{ term: () => this.#terms.number, confirm: () => this.#terms.confirm() },
    };
    const options: EngineOptions = {
      ...{ clock, random: this.#draw.uniform, logger, cache: this.#cache, resolver: this.#resolver },
      writer: new KubeWriter(ports.writer?.(writer) ?? writer),
      events: { record: nothing },
      secrets: noSecrets,
      createProber: (listeners) => this.#createProber(listeners),
      isolation: {
        ...isolation,
        canaries: isolation.canaries.map((ip) => ({ ip, port: 443 })),
        probe: (check, signal) => this.#look(check, signal),
      },
      ...{ witnesses: this.#messenger, onOutseen: () => void this.#terms.yield() },
      observer: {
        healthChanged: nothing,
        reconciled: nothing,
        certificateSeen: nothing,
        backendFigures: nothing,
      },
      ...{ workers: 16, policy: addressPolicy(), autoSelectHandler: false, minRefreshMs: 1_000 },
      ...{ legacyEndpoints: true, maxEndpointsPerSlice },
    };
    return new Engine(ports.engine?.(options) ?? options);
  }

  #createProber(listeners: ProberListeners): Prober {
    const { ports, hasThreads } = this.#options;
    const { clock } = this.process;
    const plain: ProbeFn = (check, signal) => this.#probe(check, signal);
    const probe = ports.probe?.(plain) ?? plain;
    const limits = { maxConcurrent: 64, maxPerHost: 8, maxPerHostAndNamespace: 2 };
    if (!hasThreads)
      return new LocalProber({
        ...{ ...listeners, clock, random: this.#draw.uniform, probe, limits, tally: new RunTally() },
      });
    const { spawn } = new FakeThreads({ clock, probe });
    return new WorkerPool({
      ...{ ...listeners, clock, spawn, limits, workers: 2, stallMs: Infinity, foreign: probe },
      onRestart: nothing,
    });
  }

  async #probe(check: Check, signal: AbortSignal): Promise<Verdict> {
    const { author } = this;
    const verdict = await this.#look(check, signal);
    if (verdict !== cancelled) this.#options.onVerdict(author, check, verdict);
    return verdict;
  }

  /** Probes a check without a record of its verdict. */
  async #look(check: Check, signal: AbortSignal): Promise<Verdict> {
    const { verdict, afterMs } = this.#options.outcome(check);
    await this.#passes(afterMs, signal);
    if (!this.process.isAlive) return never;
    return signal.aborted ? cancelled : verdict;
  }

  async #ask(question: Question): Promise<Answer> {
    await this.#passes(this.#draw.between(1, 20));
    const answer = this.#options.answer(question, this.process.clock.now());
    this.#options.onAnswer(this.author, question, answer);
    return answer;
  }

  #passes(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = this.process.clock.after(ms, () => resolve(undefined));
    signal?.addEventListener('abort', () => {
      timer.cancel();
      resolve(undefined);
    });
    return promise;
  }
}
