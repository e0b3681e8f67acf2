import { isOfSlice } from '../core/action.ts';
import type { Action } from '../core/action.ts';
import type { Writer } from '../engine/ports.ts';
import { ActionRunner } from './action-runner.ts';
import type { ActionRunnerOptions } from './action-runner.ts';
import { Call } from './call.ts';
import type { AnswerSink } from './call.ts';
import { supersededError } from './errors.ts';

export interface WriterOptions extends ActionRunnerOptions {
  readonly view: AnswerSink;
}

/**
 * Performs the actions of a plan.
 *
 * What happens to an action when a newer reason to look comes (`patience`):
 *
 * | the action                         | of a slice                    | of another object                             |
 * |------------------------------------|-------------------------------|-----------------------------------------------|
 * | waits for a turn in its lane       | goes on: nothing is before it | is given up                                   |
 * | waits for another try              | is given up                   | is given up                                   |
 * | is under way                       | is waited for                 | goes on by itself, and is not waited for       |
 * | reads the object after a conflict  | the read goes on by itself    | the same                                      |
 *
 * What goes on by itself puts its answer into the view like any other, as a change that its owner hears of. Until it has
 * ended, no other action on that object begins: of two writes the later one is the last.
 */
export class KubeWriter implements Writer {
  readonly #options: WriterOptions;
  readonly #runner: ActionRunner;
  /** Ends of the actions that go on by themselves, by object. Never rejected. */
  readonly #left = new Map<string, Promise<unknown>>();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#runner = new ActionRunner(options);
  }

  perform(action: Action, patience?: AbortSignal): Promise<void> {
    const call = new Call(this.#options.view, patience, this.#options.term?.());
    if (isOfSlice(action)) return this.#runner.run(action, call);
    const object = nameOf(action);
    const done = this.#inTurn(object, action, call);
    return call.unlessSuperseded(done, object, () => this.#leave(object, done));
  }

  async #inTurn(object: string, action: Action, call: Call): Promise<void> {
    const former = this.#left.get(object);
    if (former !== undefined) {
      await former;
      if (call.patience?.aborted === true) throw supersededError({ verb: action.op, resource: object });
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

/** The object that an action is about, for people too. */
function nameOf(action: Action): string {
  switch (action.op) {
    case 'absent':
    case 'sweep':
      return `Service ${action.namespace}/${action.name}`;
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
