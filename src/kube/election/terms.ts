import type { Clock } from '../../util/clock.ts';
import type { ApiRequest } from '../client/client.ts';
import { Heartbeat } from './heartbeat.ts';
import type { LeaderCallbacks, Leadership, TermEnd } from './leadership.ts';

/**
 * Cheapest request of the API server: it reads no storage, and every account may send it. A refusal is an
 * answer too.
 */
export const heartbeatRequest: ApiRequest = {
  verb: 'get',
  resource: 'version',
  path: '/version',
  attempts: 1,
  deadlineMs: 2_000,
};

export interface TermsOptions extends LeaderCallbacks {
  readonly clock: Clock;
  /** Sends a small request to the API server: see `Heartbeat`. */
  readonly beat: () => Promise<unknown>;
  /**
   * Creates the leadership by which this replica is elected, with these hooks. `hasAnswered`: see
   * `LeaderElectorOptions`.
   */
  readonly elect: (hooks: LeaderCallbacks, hasAnswered: (sentAt: number) => boolean) => Leadership;
}

/**
 * Terms of this replica: the periods in which it is elected and the API server answers.
 *
 * | elected | the API server | this replica |
 * |---------|----------------|--------------|
 * | no      | any            | waits        |
 * | yes     | answers        | leads        |
 * | yes     | is silent      | waits (Interrupted): verdicts of this time do not count |
 *
 * A network failure that is shorter than the renew deadline of the Lease ends a term too. A failure that cuts
 * off the API server has often cut off the targets as well, so the verdicts of that time are about the
 * network.
 */
export class Terms implements Leadership {
  readonly #hooks: LeaderCallbacks;
  readonly #elected: Leadership;
  readonly #heartbeat: Heartbeat;
  #isElected = false;
  #isLeading = false;
  #number = 0;

  constructor({ clock, beat, elect, ...hooks }: TermsOptions) {
    this.#hooks = hooks;
    this.#heartbeat = new Heartbeat({
      ...{ clock, beat },
      onSilent: () => this.#end('Interrupted'),
      onSettled: () => this.#begin(),
    });
    this.#elected = elect(this.#electorHooks(), (sentAt) => this.#heartbeat.hasAnswered(sentAt));
  }

  #electorHooks(): LeaderCallbacks {
    return {
      onStartedLeading: () => {
        this.#isElected = true;
        this.#heartbeat.start();
        this.#begin();
      },
      onStoppedLeading: (reason) => {
        this.#isElected = false;
        this.#heartbeat.stop();
        this.#end(reason);
      },
      onNewLeader: (identity) => this.#hooks.onNewLeader?.(identity),
    };
  }

  isLeader(): boolean {
    return this.#isLeading && this.#elected.isLeader();
  }

  /** Number of the term, from 1. A write is sent only in the term in which it began. */
  get number(): number {
    return this.#number;
  }

  start(): void {
    this.#elected.start();
  }

  async yield(): Promise<void> {
    await this.#elected.yield?.();
  }

  expedite(): void {
    this.#elected.expedite?.();
  }

  async stop(): Promise<void> {
    await this.#elected.stop();
  }

  /** Records an answer to a request that was sent at that instant. */
  answered(sentAt: number): void {
    this.#heartbeat.answered(sentAt);
  }

  /** Resolves when the API server has answered a recent request. Rejects if it does not. */
  confirm(): Promise<void> {
    return this.#heartbeat.confirm();
  }

  #begin(): void {
    if (this.#isLeading || !this.#isElected) return;
    this.#isLeading = true;
    this.#number += 1;
    this.#hooks.onStartedLeading?.();
  }

  #end(reason: TermEnd): void {
    if (!this.#isLeading) return;
    this.#isLeading = false;
    this.#hooks.onStoppedLeading?.(reason);
  }
}
