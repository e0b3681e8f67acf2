import { touchesSlice } from '../../core/kubernetes/action.ts';
import type { Action } from '../../core/kubernetes/action.ts';
import type { Writer } from '../../engine/ports.ts';
import { ActionRunner } from './action-runner.ts';
import type { ActionRunnerOptions } from './action-runner.ts';
import { Call } from './call.ts';
import type { CacheUpdater } from './call.ts';
import { supersededError } from '../client/errors.ts';

export interface WriterOptions extends ActionRunnerOptions {
  readonly cache: CacheUpdater;
}

/**
 * Performs the actions of a plan.
 *
 * Effect on an action when a newer change requires a reconcile (the signal of the caller aborts):
 *
 * | the action                         | of a slice                    | of another object                             |
 * |------------------------------------|-------------------------------|-----------------------------------------------|
 * | waits for a turn in its priority   | goes on, because its priority is first | is given up                          |
 * | waits for another attempt          | is given up                   | is given up                                   |
 * | is in flight                       | the caller waits for it       | goes on by itself, and the caller does not wait |
 * | reads the object after a conflict  | the read goes on by itself    | the same                                      |
 *
 * An action that goes on by itself puts its answer into the cache, as a change that is reported to its owner.
 * Until it has ended, no other action on that object begins, so that of two writes the later one is executed
 * last.
 */
export class KubeWriter implements Writer {
  readonly #options: WriterOptions;
  readonly #runner: ActionRunner;
  /** Actions that go on by themselves, by object: promises of their ends, which never reject. */
  readonly #left = new Map<string, Promise<unknown>>();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#runner = new ActionRunner(options);
  }

  perform(action: Action, preempt?: AbortSignal): Promise<void> {
    const call = new Call(this.#options.cache, preempt, this.#options.term?.());
    if (touchesSlice(action)) return this.#runner.run(action, call);
    const object = nameOf(action);
    const done = this.#inTurn(object, action, call);
    return call.unlessSuperseded(done, object, () => this.#leave(object, done));
  }

  async #inTurn(object: string, action: Action, call: Call): Promise<void> {
    const former = this.#left.get(object);
    if (former !== undefined) {
      await former;
      if (call.preempt?.aborted === true) throw supersededError({ verb: action.op, resource: object });
    }
    await this.#runner.run(action, call);
  }

  #leave(object: string, done: Promise<void>): void {
    const end = done
      .catch(() => undefined)
      .finally(() => {
        if (this.#left.get(object) === end) this.#left.delete(object);
      });
    this.#left.set(object, end);
  }
}

/** Returns the text of the object of an action, as a key and for messages. */
function nameOf(action: Action): string {
  switch (action.op) {
    case 'absent':
    case 'sweep':
      return `Service ${action.namespace}/${action.name}`;
    case 'creatable':
      return `dry run of Service ${action.service.metadata.namespace}/${action.service.metadata.name}`;
    case 'applyService':
      return `Service ${action.service.metadata.namespace}/${action.service.metadata.name}`;
    case 'dryRun':
      return `dry run of ${action.write.object.kind} ${action.write.object.metadata.namespace}/${action.write.object.metadata.name}`;
    case 'create':
    case 'update':
      return `${action.object.kind} ${action.object.metadata.namespace}/${action.object.metadata.name}`;
    default:
      return `${action.ref.kind} ${action.ref.namespace}/${action.ref.name}`;
  }
}
