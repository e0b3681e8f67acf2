import { isUnanswered, OperatorError } from '../../core/errors.ts';
import type { Logger } from '../../util/log.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';
import type { KubeClient } from '../client/client.ts';
import { hasStatus } from '../client/errors.ts';
import type { LeaderCallbacks, Leadership, TermEnd } from './leadership.ts';
import { isSameRecord, isSameTerm, LeaseLock } from './lease-lock.ts';
import type { Lease } from './lease-lock.ts';
import { sleep } from '../../util/sleep.ts';

export interface LeaderElectorOptions extends LeaderCallbacks {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly namespace: string;
  readonly name: string;
  /** Unique among all replicas that ever run: pod name and a random part. */
  readonly identity: string;
  /**
   * Returns true when the API server has answered a request that was sent later (monotonic). Default: never.
   */
  readonly hasAnswered?: (sentAt: number) => boolean;
  /**
   * Time that other replicas wait after the last renewal that they have seen. Default 15 s; whole seconds.
   */
  readonly leaseDurationMs?: number;
  /** Time that this replica relies on its own last renewal. Default 10 s; less than leaseDurationMs. */
  readonly renewDeadlineMs?: number;
  /** Pause between two attempts. Default 2 s. */
  readonly retryPeriodMs?: number;
}

/** Lease as last read, and the instant (monotonic) at which this state of its record was first seen. */
interface Observed {
  readonly lease: Lease;
  readonly at: number;
}

/** Jitter of candidates, as in client-go, so that they do not try at the same time. */
const followerJitter = 1.2;

/** An expedited candidate tries this often, for this time. */
const HURRIED_MS = 200;
const EXPEDITE_MS = 5_000;

/**
 * Leader election by a Lease, with the rules and the record of client-go, so that both could be candidates
 * for the same Lease:
 *
 * - clocks of machines are never compared: a Lease that has not *changed* for its duration, by the monotonic
 *   clock of this replica, is free;
 * - every write has the resourceVersion that was read, so of two candidates one gets a 409;
 * - the leader relies on its Lease for `renewDeadlineMs` from the *sending* of its last successful renewal.
 *   Other replicas wait `leaseDurationMs` from *seeing* it. The difference is the time for writes in flight.
 *
 * Unlike client-go, it never ends the process: without the API server this replica only stops leading. Each
 * term begins with `onStartedLeading` and ends with `onLost`, which alternate:
 *
 * | result of a renewal, or of a read                | state before                                  | effect                            |
 * |--------------------------------------------------|-----------------------------------------------|-----------------------------------|
 * | renewed                                          | within the renew deadline                     | the term goes on                  |
 * | renewed                                          | past the renew deadline, timers late or not   | lost (Lapsed), started            |
 * | no answer: reset, refused, too late              | leading: the network may be cut               | lost (Interrupted), then as not leading |
 * | the same, and a later request is answered        | leading: the cut is over                      | the term goes on until it lapses  |
 * | an answer with an error, such as 429 or 503      | leading                                       | the term goes on until it lapses  |
 * | read: held by this replica, acquired when this term began | leading                              | it is renewed                     |
 * | read: held by another replica, free, or acquired at another time | leading: another replica may have led meanwhile | lost (Taken), then as not leading |
 * | read: it does not exist                          | leading: another client deleted it            | lost (Taken), then it is created  |
 * | `yield` is called                                | leading                                       | lost (Yielded), released, and not acquired for its duration |
 */
export class LeaderElector implements Leadership {
  readonly #options: LeaderElectorOptions;
  readonly #record: LeaseLock;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #observed: Observed | undefined;
  #trustedUntil = -Infinity;
  #leading = false;
  #leader = '';
  #lapse: Timer | undefined;
  /** It does not acquire the Lease before this instant. */
  #yieldedUntil = -Infinity;
  #expeditesUntil = -Infinity;
  /** Ends the present pause. */
  #pause = new AbortController();

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    this.#record = new LeaseLock({
      client: options.client,
      clock: options.clock,
      namespace: options.namespace,
      name: options.name,
      identity: options.identity,
      leaseDurationMs: this.#leaseDurationMs,
      // Two attempts fit into the time that this replica trusts itself.
      deadlineMs: this.#renewDeadlineMs / 2,
    });
  }

  isLeader(): boolean {
    return this.#leading && this.#options.clock.now() < this.#trustedUntil;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the term, and tries again only after the duration of the Lease. */
  async yield(): Promise<void> {
    if (!this.#leading) return;
    this.#yieldedUntil = this.#options.clock.now() + this.#leaseDurationMs;
    this.#lose('Yielded');
    await this.#release();
  }

  expedite(): void {
    this.#expeditesUntil = this.#options.clock.now() + EXPEDITE_MS;
    this.#pause.abort();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#pause.abort();
    await this.#running;
    const held = this.isLeader();
    this.#lose('Released');
    if (held) await this.#release();
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.#options;
    while (!this.#stopped()) {
      const sentAt = clock.now();
      try {
        await this.#tryAcquireOrRenew();
      } catch (error) {
        if (this.#showsCut(error, sentAt)) this.#lose('Interrupted');
        // A conflict only means that another candidate was faster.
        if (!hasStatus(error, 409) && !this.#stopped()) {
          logger.warn('failed to get or renew the Lease; retrying', { name: this.#options.name, error });
        }
      }
      if (this.#stopped()) return;
      this.#pause = new AbortController();
      await sleep(clock, this.#pauseMs(random()), this.#pause.signal);
    }
  }

  #pauseMs(random: number): number {
    if (this.#leading) return this.#retryPeriodMs;
    if (this.#options.clock.now() < this.#expeditesUntil) return Math.min(HURRIED_MS, this.#retryPeriodMs);
    return this.#retryPeriodMs * (1 + random * followerJitter);
  }

  /**
   * Returns true if the network may be cut. A request that was sent during a cut may fail after it, when the
   * next term has begun.
   */
  #showsCut(error: unknown, sentAt: number): boolean {
    if (!(error instanceof OperatorError) || !isUnanswered(error)) return false;
    return this.#options.hasAnswered?.(sentAt) !== true;
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Tries once to acquire or renew the Lease. */
  async #tryAcquireOrRenew(): Promise<void> {
    if (this.#leading && !this.isLeader()) this.#lose('Lapsed');
    if (this.isLeader() && this.#observed !== undefined) {
      try {
        await this.#renew(this.#observed.lease);
        return;
      } catch (error) {
        // Only a conflict proves that the Lease has changed.
        if (!hasStatus(error, 404, 409)) throw error;
      }
    }
    const lease = await this.#record.read(this.#stop.signal);
    if (this.#leading && !this.#isOurTerm(lease)) this.#lose('Taken');
    if (lease === undefined) return this.#create();
    this.#observe(lease);
    if (!this.#isHeldByOther() && !this.#isYielding()) await this.#renew(lease);
  }

  #isOurTerm(lease: Lease | undefined): boolean {
    return lease !== undefined && this.#observed !== undefined && isSameTerm(lease, this.#observed.lease);
  }

  #isYielding(): boolean {
    return this.#options.clock.now() < this.#yieldedUntil;
  }

  #isHeldByOther(): boolean {
    if (this.#observed === undefined) return false;
    const { lease, at } = this.#observed;
    const holder = lease.spec?.holderIdentity ?? '';
    if (holder === '' || holder === this.#options.identity) return false;
    const durationMs = (lease.spec?.leaseDurationSeconds ?? this.#leaseDurationMs / 1000) * 1000;
    return this.#options.clock.now() < at + durationMs;
  }

  async #create(): Promise<void> {
    const sentAt = this.#options.clock.now();
    this.#acquired(await this.#record.create(this.#stop.signal), sentAt);
  }

  async #renew(lease: Lease): Promise<void> {
    const sentAt = this.#options.clock.now();
    this.#acquired(await this.#record.renew(lease, this.#stop.signal), sentAt);
  }

  async #release(): Promise<void> {
    try {
      await this.#record.release();
    } catch (error) {
      const { logger, name } = this.#options;
      logger.warn('failed to release the Lease; it expires by itself', { name, error });
    }
  }

  #observe(lease: Lease): void {
    const known = this.#observed;
    const isSame = known !== undefined && isSameRecord(known.lease, lease);
    this.#observed = { lease, at: isSame ? known.at : this.#options.clock.now() };
    const holder = lease.spec?.holderIdentity ?? '';
    if (holder === this.#leader) return;
    this.#leader = holder;
    if (holder !== '') this.#options.onNewLeader?.(holder);
  }

  #acquired(lease: Lease, sentAt: number): void {
    // A renewal that was in flight when the term was yielded.
    if (this.#isYielding()) return;
    if (this.#options.clock.now() >= this.#trustedUntil) this.#lose('Lapsed');
    this.#trustedUntil = sentAt + this.#renewDeadlineMs;
    this.#watchLapse();
    const starts = !this.#leading;
    this.#leading = true;
    this.#observe(lease);
    if (starts) this.#options.onStartedLeading?.();
  }

  #watchLapse(): void {
    const { clock } = this.#options;
    this.#lapse?.cancel();
    this.#lapse = clock.after(Math.max(0, this.#trustedUntil - clock.now()), () => {
      if (clock.now() < this.#trustedUntil) this.#watchLapse();
      else this.#lose('Lapsed');
    });
  }

  #lose(reason: TermEnd): void {
    this.#lapse?.cancel();
    this.#trustedUntil = -Infinity;
    if (!this.#leading) return;
    this.#leading = false;
    this.#options.onStoppedLeading?.(reason);
  }
}
