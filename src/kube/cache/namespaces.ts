import type { OperatorError } from '../../core/errors.ts';
import type { Logger } from '../../util/log.ts';
import type { Clock, Timer } from '../../util/clock.ts';

/** Time that the start waits for namespaces whose watches get no answer, once one namespace is complete. */
export const waitMs = 30_000;

export interface NamespacesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Namespaces to watch; empty: the whole cluster, as one namespace with an empty name. */
  readonly namespaces: readonly string[];
  /** Called when all objects of the namespace are known. */
  readonly onWhole: (namespace: string) => void;
}

/**
 * States of the watched namespaces. The operator serves a namespace only if all its objects are known.
 *
 * | the four watches of a namespace           | state   | effect on the start of the operator              |
 * |-------------------------------------------|---------|--------------------------------------------------|
 * | all have listed all objects               | whole   | the namespace is served                          |
 * | one is refused (403, 404): no Role, no CRD | refused | no wait; the namespace is served once it can be read |
 * | one has no answer                         | waiting | it waits, for 30 s once another namespace is whole |
 *
 * The start waits until one namespace is whole.
 */
export class Namespaces {
  readonly #options: NamespacesOptions;
  readonly #waiting: Set<string>;
  readonly #refused = new Set<string>();
  readonly #whole = new Set<string>();
  readonly #synced = Promise.withResolvers<undefined>();

  #timer: Timer | undefined;

  constructor(options: NamespacesOptions) {
    this.#options = options;
    this.#waiting = new Set(this.names);
  }

  /** Names of the watched namespaces. The name for the whole cluster is empty. */
  get names(): readonly string[] {
    return this.#options.namespaces.length === 0 ? [''] : this.#options.namespaces;
  }

  /** Resolves when the start need not wait any longer: see the table. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Returns true if all objects of the namespace are known. */
  isWhole(namespace: string): boolean {
    return this.#whole.has(namespace) || this.#whole.has('');
  }

  /** Records that all watches of the namespace have listed all objects. */
  whole(namespace: string): void {
    const { clock, logger, onWhole } = this.#options;
    this.#whole.add(namespace);
    this.#waiting.delete(namespace);
    if (this.#refused.delete(namespace))
      logger.info('the namespace can be read now and is served', { namespace });
    onWhole(namespace);
    if (this.#waiting.size > 0) this.#timer ??= clock.after(waitMs, () => this.#giveUp());
    this.#look();
  }

  /** Records that the API server refuses a watch of the namespace. */
  refused(namespace: string, error: OperatorError): void {
    if (this.#whole.has(namespace) || this.#refused.has(namespace)) return;
    this.#refused.add(namespace);
    this.#waiting.delete(namespace);
    const { logger } = this.#options;
    const what = { namespace: namespace === '' ? 'all' : namespace, reason: error.reason, error };
    logger.warn('the namespace cannot be read; it is not served until it can be read', what);
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #giveUp(): void {
    for (const namespace of this.#waiting)
      this.#options.logger.warn('the namespace has not been read completely; it is not served until then', {
        namespace,
      });
    this.#waiting.clear();
    this.#look();
  }

  #look(): void {
    if (this.#whole.size > 0 && this.#waiting.size === 0) this.#synced.resolve(undefined);
  }
}
