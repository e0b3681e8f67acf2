import { probeKey } from './probe-task.ts';
import type { Check } from '../core/check.ts';
import type { Plan, Subscriber, Task } from './probe-task.ts';

/** What a `set` came to, for the scheduler to act on. */
export interface RosterChange {
  readonly added: Task[];
  /** Nobody wants them any more. */
  readonly dropped: Task[];
  /** New subscribers of tasks that were there before. */
  readonly joined: Subscriber[];
}

/** Who wants which probe. Equal probes are one task; it lives as long as it has a subscriber. */
export class ProbeRoster {
  readonly #create: (plan: Plan) => Task;
  readonly #tasks = new Map<string, Task>();
  readonly #owners = new Map<string, readonly Subscriber[]>();
  #checks = 0;

  constructor(create: (plan: Plan) => Task) {
    this.#create = create;
  }

  /** Over all owners. */
  get checks(): number {
    return this.#checks;
  }

  get tasks(): number {
    return this.#tasks.size;
  }

  /** The owner has these checks from now on. A check whose probe is the same keeps its task. */
  set(owner: string, checks: readonly Check[], isFresh: (check: Check) => boolean): RosterChange {
    const change: RosterChange = { added: [], dropped: [], joined: [] };
    const old = new Map((this.#owners.get(owner) ?? []).map((each) => [each.check.id, each]));
    const subscribers = checks.map((check) => {
      const known = old.get(check.id);
      const key = probeKey(check);
      if (known?.task.key !== key)
        return this.#join(owner, { key, check, known: known?.task, fresh: isFresh(check) }, change);
      old.delete(check.id);
      known.check = check;
      return known;
    });
    for (const subscriber of old.values()) this.#leave(subscriber, change);
    if (subscribers.length > 0) this.#owners.set(owner, subscribers);
    else this.#owners.delete(owner);
    return change;
  }

  #join(owner: string, plan: Plan, change: RosterChange): Subscriber {
    const existing = this.#tasks.get(plan.key);
    const task = existing ?? this.#create(plan);
    const subscriber: Subscriber = { owner, task, check: plan.check, gone: false };
    task.subscribers = [...task.subscribers, subscriber];
    this.#checks += 1;
    if (existing !== undefined) {
      change.joined.push(subscriber);
    } else {
      this.#tasks.set(plan.key, task);
      change.added.push(task);
    }
    return subscriber;
  }

  #leave(subscriber: Subscriber, change: RosterChange): void {
    const { task } = subscriber;
    subscriber.gone = true;
    this.#checks -= 1;
    task.subscribers = task.subscribers.filter((each) => each !== subscriber);
    if (task.subscribers.length > 0) return;
    this.#tasks.delete(task.key);
    change.dropped.push(task);
  }
}
