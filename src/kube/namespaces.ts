import type { OperatorError } from '../core/errors.ts';
import type { Clock, Logger, Timer } from '../engine/ports.ts';

/** Once one namespace is known whole, for so long the others are waited for whose watches get no answer. */
export const waitMs = 30_000;

export interface NamespacesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Empty: the whole cluster, as one namespace without a name. */
  readonly namespaces: readonly string[];
  /** Everything in the namespace is known from now on. */
  readonly onWhole: (namespace: string) => void;
}

/**
 * Which of the watched namespaces are known whole: the operator works for these, and never for one of which it knows a part.
 *
 * | the four watches of a namespace           | it is   | at a start                                       |
 * |-------------------------------------------|---------|--------------------------------------------------|
 * | all have brought all there is             | whole   | served                                           |
 * | one is refused (403, 404): no Role, no CRD | refused | not waited for; served once it can be read        |
 * | one has no answer                         | waiting | waited for, for 30 s once another one is whole    |
 *
 * Where none is whole there is nothing to serve, and the start waits.
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

  /** Names of the watched namespaces; that of the whole cluster is empty. */
  get names(): readonly string[] {
    return this.#options.namespaces.length === 0 ? [''] : this.#options.namespaces;
  }

  /** Resolves when what can be known is known: see the table. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  isWhole(namespace: string): boolean {
    return this.#whole.has(namespace) || this.#whole.has('');
  }

  /** All its watches have brought all there is. */
  whole(namespace: string): void {
    const { clock, logger, onWhole } = this.#options;
    this.#whole.add(namespace);
    this.#waiting.delete(namespace);
    if (this.#refused.delete(namespace)) logger.info('The namespace can be read now', { namespace });
    onWhole(namespace);
    if (this.#waiting.size > 0) this.#timer ??= clock.after(waitMs, () => this.#giveUp());
    this.#look();
  }

  /** One of its watches is refused. */
  refused(namespace: string, error: OperatorError): void {
    if (this.#whole.has(namespace) || this.#refused.has(namespace)) return;
    this.#refused.add(namespace);
    this.#waiting.delete(namespace);
    const { logger } = this.#options;
    const what = { namespace: namespace === '' ? 'all' : namespace, reason: error.reason, error };
    logger.warn('The namespace cannot be read and is not served until it can', what);
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #giveUp(): void {
    for (const namespace of this.#waiting)
      this.#options.logger.warn('The namespace is not known whole yet and not served until it is', {
        namespace,
      });
    this.#waiting.clear();
    this.#look();
  }

  #look(): void {
    if (this.#whole.size > 0 && this.#waiting.size === 0) this.#synced.resolve(undefined);
  }
}
