import {
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

/** Renewal of the Lease of another replica. */
interface Renewal {
  /** When it was seen, monotonic. */
  readonly at: number;
  /** Version of the Lease since then. */
  readonly version: string | undefined;
}

interface Pending {
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
  /** Name of the Lease of another replica -> its last renewal that was seen. */
  readonly #seen = new Map<string, Renewal>();
  #timer: Timer | undefined;
  /** Questions that wait for answers, by their ids. */
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;
  #canRenew = true;
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
    for (const { done } of this.#pending.values()) done();
    await this.#reflector.stop();
    await this.#delete(this.#name).catch(() => undefined);
  }

  get count(): number {
    return this.#alive().length;
  }

  async consult(
    checks: readonly AskedCheck[],
    withinMs: number,
    isAboutLeader = false,
  ): Promise<readonly OpinionResult[]> {
    const { clock, logger } = this.#options;
    this.#lastId += 1;
    const id = `${Math.floor(clock.wall())}-${this.#lastId}`;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = clock.after(withinMs + WAY_MS, () => resolve(undefined));
    const pending = { answers: new Map<string, string>(), done: () => resolve(undefined) };
    this.#pending.set(id, pending);
    const question: OpinionQuestion = { id, withinMs, isAboutLeader, checks };
    void this.#annotate(questionAnnotation, question).catch((error: unknown) => {
      if (!this.#isStopped)
        logger.warn(
          'the other replicas could not be asked, so silent addresses are removed without their opinion',
          { error },
        );
      resolve(undefined);
    });
    await promise;
    timer.cancel();
    this.#pending.delete(id);
    const answers = [...pending.answers.values()];
    return checks.map((_, n) => opinionOf(answers.map((letters) => letters[n])));
  }

  #alive(): readonly string[] {
    const now = this.#options.clock.now();
    return [...this.#seen].filter(([, { at }]) => now - at < ALIVE_MS).map(([name]) => name);
  }

  #changed({ before, after }: Change<ReplicaLease>): void {
    const name = (after ?? before)?.metadata.name ?? '';
    if (name === this.#name || this.#isStopped) return;
    if (after === undefined) {
      this.#seen.delete(name);
      return;
    }
    // The age of a Lease that existed before this process started is unknown.
    const isRenewed = before?.renewTime !== after.renewTime;
    const at = isRenewed ? this.#options.clock.now() : this.#seen.get(name)?.at;
    if (at !== undefined) this.#seen.set(name, { at, version: after.metadata.resourceVersion });
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
    const pending = parsed?.to === this.#name ? this.#pending.get(parsed.id) : undefined;
    if (parsed === undefined || pending === undefined) return;
    pending.answers.set(metadata.name, parsed.opinions);
    if (this.#alive().every((name) => pending.answers.has(name))) pending.done();
  }

  async #renew(): Promise<void> {
    const { clock, leaseName, namespace } = this.#options;
    const spec = { holderIdentity: this.#options.instance, renewTime: microTime(clock.wall()) };
    try {
      await this.#patch({ spec }).catch(async (error: unknown) => {
        if (!hasStatus(error, 404)) throw error;
        const labels = { [replicaLabel]: leaseName };
        await this.#create({
          metadata: { name: this.#name, namespace, labels },
          spec: { ...spec, leaseDurationSeconds: 15 },
        });
      });
      this.#canRenew = true;
      await this.#deleteGone();
    } catch (error) {
      this.#reportRenewal(error);
    }
    if (!this.#isStopped) this.#timer = clock.after(RENEW_MS, () => void this.#renew());
  }

  /** Reports the first of several failures. */
  #reportRenewal(error: unknown): void {
    if (this.#canRenew && !this.#isStopped)
      this.#options.logger.warn(
        'failed to renew the Lease of this replica: the leader cannot ask this replica about silent addresses',
        { name: this.#name, error },
      );
    this.#canRenew = false;
  }

  /**
   * Deletes the Leases of replicas that ended without doing so. Only the version that was read is deleted, because after
   * an outage of the API server this replica may not have read the newest one yet.
   */
  async #deleteGone(): Promise<void> {
    const now = this.#options.clock.now();
    for (const [name, { at, version }] of this.#seen)
      if (now - at > GONE_MS) {
        this.#seen.delete(name);
        await this.#delete(name, version).catch(() => undefined);
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

  #delete(name: string, resourceVersion?: string): Promise<unknown> {
    const body = resourceVersion === undefined ? {} : { body: { preconditions: { resourceVersion } } };
    return this.#request({ verb: 'delete', name, ...body });
  }

  #request(request: Pick<Parameters<KubeClient['request']>[0], 'verb' | 'name' | 'body' | 'contentType'>) {
    const { client, namespace } = this.#options;
    const path = pathOf(resources.Lease, namespace, request.verb === 'create' ? undefined : request.name);
    return client.request({
      ...request,
      path,
      resource: resources.Lease.plural,
      attempts: 1,
      deadlineMs: 3_000,
    });
  }
}
