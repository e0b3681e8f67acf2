import {
  MAX_CHECKS,
  opinionOf,
  parseAnswer,
  parseQuestion,
  type AskedCheck,
  type OpinionQuestion,
} from '../../core/isolation/second-opinion.ts';
import type { OpinionResult, Witnesses } from '../../engine/ports.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';
import type { Logger } from '../../util/log.ts';
import { Reflector } from '../cache/reflector.ts';
import type { Change } from '../cache/store.ts';
import type { KubeClient } from '../client/client.ts';
import { hasStatus } from '../client/errors.ts';
import { microTime } from '../client/micro-time.ts';
import { pathOf, resources } from '../client/resources.ts';
import {
  answerAnnotation,
  projectReplicaLease,
  questionAnnotation,
  replicaLabel,
  replicaLeaseName,
  type ReplicaLease,
} from './replica-lease.ts';

export interface ReplicaMessengerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly namespace: string;
  /** Name of the Lease of the leader election. */
  readonly leaseName: string;
  /** Name of the pod. */
  readonly instance: string;
  /** Answers a question of another replica: a letter for each check. */
  readonly onQuestion: (question: OpinionQuestion) => Promise<string>;
}

const RENEW_MS = 5_000;
/** A replica whose Lease has not changed for this time cannot be asked. */
const ALIVE_MS = 3 * RENEW_MS;
/** The Lease of a replica that has not renewed it for this time is deleted. */
const GONE_MS = 60_000;
/** Time for the way of a question and of its answer through the API server. */
const WAY_MS = 500;

interface Pending {
  readonly id: string;
  readonly checks: readonly AskedCheck[];
  /** Name of the Lease of a replica -> its answer. */
  readonly answers: Map<string, string>;
  readonly done: () => void;
}

/**
 * Mailbox between the replicas: each has a Lease of its own, with a question and an answer as annotations. So no port is
 * opened, and the rights of the API server are the only key. At rest a replica renews its Lease every 5 s, and writes
 * nothing else.
 */
export class ReplicaMessenger implements Witnesses {
  readonly #options: ReplicaMessengerOptions;
  readonly #reflector: Reflector<ReplicaLease>;
  readonly #name: string;
  /** Name of the Lease of another replica -> when its renewal was last seen, monotonic. */
  readonly #seen = new Map<string, number>();
  #timer: Timer | undefined;
  #pending: Pending | undefined;
  #lastId = 0;
  /** The question that was begun last. */
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: ReplicaMessengerOptions) {
    this.#options = options;
    const { client, clock, random, logger, namespace, leaseName, instance } = options;
    this.#name = replicaLeaseName(leaseName, instance);
    this.#reflector = new Reflector<ReplicaLease>({
      ...{ client, clock, random, logger, namespace, resource: resources.Lease },
      labelSelector: `${replicaLabel}=${leaseName}`,
      project: projectReplicaLease,
      onChange: (change) => this.#changed(change),
    });
  }

  start(): void {
    this.#reflector.start();
    void this.#renew();
  }

  /** Deletes the Lease of this replica. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#pending?.done();
    await this.#reflector.stop();
    await this.#delete(this.#name).catch(() => undefined);
  }

  get count(): number {
    return this.#alive().length;
  }

  ask(
    checks: readonly AskedCheck[],
    withinMs: number,
    isAboutLeader = false,
  ): Promise<readonly OpinionResult[]> {
    const asked = this.#last.then(() => this.#ask(checks, withinMs, isAboutLeader));
    this.#last = asked;
    return asked;
  }

  async #ask(
    checks: readonly AskedCheck[],
    withinMs: number,
    isAboutLeader: boolean,
  ): Promise<readonly OpinionResult[]> {
    const { clock, logger } = this.#options;
    this.#lastId += 1;
    const id = `${Math.floor(clock.wall())}-${this.#lastId}`;
    const asked = checks.slice(0, MAX_CHECKS);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = clock.after(withinMs + WAY_MS, () => resolve(undefined));
    const pending = { id, checks: asked, answers: new Map<string, string>(), done: () => resolve(undefined) };
    this.#pending = pending;
    const question: OpinionQuestion = { id, withinMs, isAboutLeader, checks: asked };
    await this.#annotate(questionAnnotation, question).catch((error: unknown) => {
      logger.warn('the other replicas could not be asked', { error });
      resolve(undefined);
    });
    await promise;
    timer.cancel();
    if (this.#pending === pending) this.#pending = undefined;
    const answers = [...pending.answers.values()];
    return checks.map((_, n) => opinionOf(answers.map((letters) => letters[n])));
  }

  #alive(): readonly string[] {
    const now = this.#options.clock.now();
    return [...this.#seen].filter(([, at]) => now - at < ALIVE_MS).map(([name]) => name);
  }

  #changed({ before, after }: Change<ReplicaLease>): void {
    const name = (after ?? before)?.metadata.name ?? '';
    if (name === this.#name || this.#isStopped) return;
    if (after === undefined) {
      this.#seen.delete(name);
      return;
    }
    // The age of a Lease that existed before this process started is unknown.
    if (before?.renewTime !== after.renewTime) this.#seen.set(name, this.#options.clock.now());
    this.#read(before, after);
  }

  /** A question that was there before this process started is out of date. */
  #read(before: ReplicaLease | undefined, after: ReplicaLease): void {
    if (before !== undefined && before.question !== after.question) void this.#answer(after);
    if (before?.answer !== after.answer) this.#receive(after);
  }

  async #answer({ question: text, metadata }: ReplicaLease): Promise<void> {
    const question = parseQuestion(text);
    if (question === undefined) return;
    try {
      const opinions = await this.#options.onQuestion(question);
      await this.#annotate(answerAnnotation, { id: question.id, to: metadata.name, opinions });
    } catch (error) {
      this.#options.logger.warn('a question of another replica was not answered', { error });
    }
  }

  #receive({ answer, metadata }: ReplicaLease): void {
    const parsed = parseAnswer(answer);
    const pending = this.#pending;
    if (parsed === undefined || pending === undefined || parsed.id !== pending.id) return;
    pending.answers.set(metadata.name, parsed.opinions);
    if (this.#alive().every((name) => pending.answers.has(name))) pending.done();
  }

  async #renew(): Promise<void> {
    const { clock, logger, leaseName } = this.#options;
    const spec = { holderIdentity: this.#options.instance, renewTime: microTime(clock.wall()) };
    try {
      await this.#patch({ spec }).catch(async (error: unknown) => {
        if (!hasStatus(error, 404)) throw error;
        const labels = { [replicaLabel]: leaseName };
        await this.#create({
          metadata: { name: this.#name, labels },
          spec: { ...spec, leaseDurationSeconds: 15 },
        });
      });
      await this.#deleteGone();
    } catch (error) {
      logger.debug('failed to renew the Lease of this replica', { error });
    }
    if (!this.#isStopped) this.#timer = clock.after(RENEW_MS, () => void this.#renew());
  }

  /** Deletes the Leases of replicas that ended without doing so. */
  async #deleteGone(): Promise<void> {
    const now = this.#options.clock.now();
    for (const [name, at] of this.#seen)
      if (now - at > GONE_MS) {
        this.#seen.delete(name);
        await this.#delete(name).catch(() => undefined);
      }
  }

  #annotate(annotation: string, value: object): Promise<unknown> {
    return this.#patch({ metadata: { annotations: { [annotation]: JSON.stringify(value) } } });
  }

  #patch(body: object): Promise<unknown> {
    return this.#request({
      ...{ verb: 'patch', name: this.#name, body },
      contentType: 'application/merge-patch+json',
    });
  }

  #create(body: object): Promise<unknown> {
    const { apiVersion, kind } = resources.Lease;
    return this.#request({ verb: 'create', body: { apiVersion, kind, ...body } });
  }

  #delete(name: string): Promise<unknown> {
    return this.#request({ verb: 'delete', name });
  }

  #request(ask: Pick<Parameters<KubeClient['request']>[0], 'verb' | 'name' | 'body' | 'contentType'>) {
    const { client, namespace } = this.#options;
    const path = pathOf(resources.Lease, namespace, ask.verb === 'create' ? undefined : ask.name);
    return client.request({ ...ask, path, resource: resources.Lease.plural, attempts: 1, deadlineMs: 3_000 });
  }
}
