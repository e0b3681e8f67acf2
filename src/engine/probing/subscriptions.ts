import { HandlerTable, type InternedHandler } from './handler-table.ts';
import { noCounts, type ProbeOwner } from './probe-shares.ts';
import { isProbeOf, probeKey } from './probe-task.ts';
import type { Check } from '../../core/probing/check.ts';
import type { TaskSpec, Subscriber, Task } from './probe-task.ts';

/** Changes that a `set` causes, for the scheduler. */
export interface SubscriptionChange {
  readonly added: Task[];
  /** Tasks without a subscriber. */
  readonly dropped: Task[];
  /** New subscribers of existing tasks. */
  readonly joined: Subscriber[];
}

interface OwnerEntry {
  readonly share: ProbeOwner;
  readonly subscribers: readonly Subscriber[];
}

export interface SubscriptionOptions {
  /** Namespace of the backend that owns the checks. */
  readonly namespace: string;
  readonly isFresh: (check: Check) => boolean;
  /** See `SetOptions`. */
  readonly withinMs?: number | undefined;
}

/** Subscriptions of checks to probes. Equal probes are one task, which exists while it has a subscriber. */
export class ProbeSubscriptions {
  readonly #create: (plan: TaskSpec) => Task;
  readonly #tasks = new Map<string, Task>();
  readonly #owners = new Map<string, OwnerEntry>();
  readonly #handlers = new HandlerTable();
  #checks = 0;

  constructor(create: (plan: TaskSpec) => Task) {
    this.#create = create;
  }

  /** Number of checks of all owners. */
  get checks(): number {
    return this.#checks;
  }

  get tasks(): number {
    return this.#tasks.size;
  }

  /** All checks, each with its owner. */
  *all(): Iterable<readonly [owner: string, check: Check]> {
    for (const [owner, { subscribers }] of this.#owners)
      for (const { check } of subscribers) yield [owner, check];
  }

  allTasks(): Iterable<Task> {
    return this.#tasks.values();
  }

  /** Sets all checks of the owner. A check whose probe is unchanged keeps its task. */
  set(
    owner: string,
    checks: readonly Check[],
    { namespace, isFresh, withinMs }: SubscriptionOptions,
  ): SubscriptionChange {
    const change: SubscriptionChange = { added: [], dropped: [], joined: [] };
    const { share, subscribers: before } = this.#owners.get(owner) ?? newOwner(namespace);
    const old = new Map(before.map((each) => [each.check.id, each]));
    let last: InternedHandler | undefined;
    const subscribers = checks.map((check) => {
      const known = old.get(check.id);
      const handler = this.#handlers.intern(check.handler, known?.task.handler ?? last);
      last = handler;
      if (known === undefined || !isProbeOf(known.task, check, handler)) {
        const key = probeKey(check, handler);
        const plan = { key, check, handler, known: known?.task, isNew: isFresh(check), withinMs };
        return this.#join({ owner, share }, plan, change);
      }
      old.delete(check.id);
      known.check = check;
      return known;
    });
    for (const subscriber of old.values()) this.#leave(subscriber, change);
    if (subscribers.length > 0) this.#owners.set(owner, { share, subscribers });
    else this.#owners.delete(owner);
    return change;
  }

  /** Removes the owner with all its checks. Returns the tasks that have no subscriber any more. */
  remove(owner: string): readonly Task[] {
    const change: SubscriptionChange = { added: [], dropped: [], joined: [] };
    for (const subscriber of this.#owners.get(owner)?.subscribers ?? []) this.#leave(subscriber, change);
    this.#owners.delete(owner);
    return change.dropped;
  }

  #join(of: Pick<Subscriber, 'owner' | 'share'>, plan: TaskSpec, change: SubscriptionChange): Subscriber {
    const existing = this.#tasks.get(plan.key);
    const task = existing ?? this.#added(plan, change);
    const subscriber: Subscriber = { ...of, task, check: plan.check, gone: false };
    task.subscribers = [...task.subscribers, subscriber];
    task.owners = ownersOf(task.subscribers);
    this.#checks += 1;
    if (existing !== undefined) change.joined.push(subscriber);
    return subscriber;
  }

  #added(plan: TaskSpec, change: SubscriptionChange): Task {
    const task = this.#create(plan);
    this.#handlers.use(task.handler);
    this.#tasks.set(plan.key, task);
    change.added.push(task);
    return task;
  }

  #leave(subscriber: Subscriber, change: SubscriptionChange): void {
    const { task } = subscriber;
    subscriber.gone = true;
    this.#checks -= 1;
    const left = task.subscribers.filter((each) => each !== subscriber);
    task.subscribers = left;
    if (left.length > 0) {
      task.owners = ownersOf(left);
      return;
    }
    this.#tasks.delete(task.key);
    this.#handlers.release(task.handler);
    change.dropped.push(task);
  }
}

const newOwner = (namespace: string): OwnerEntry => ({
  share: { namespace, running: noCounts() },
  subscribers: [],
});

const ownersOf = (subscribers: readonly Subscriber[]): readonly ProbeOwner[] => [
  ...new Set(subscribers.map(({ share }) => share)),
];
