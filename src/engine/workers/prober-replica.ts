import type { Check } from '../../core/probing/check.ts';
import { withoutRuns } from '../../core/health/thresholds.ts';
import type { Health } from '../../core/health/state.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import { isSame } from '../../core/kubernetes/is-same.ts';
import { restoredAgain } from '../../core/restore/restore-again.ts';
import { probedHosts, type ProbedHost } from '../probing/probed-hosts.ts';
import { HandlerTable, type InternedHandler } from '../probing/handler-table.ts';
import type { HealthReport, SentCheck } from './prober-messages.ts';
import type { ProberSetOptions } from '../probing/prober.ts';
import { isSamePace } from '../probing/probe-task.ts';
import type { ThreadChannel } from './thread-channel.ts';

interface SetCheck {
  readonly check: Check;
  readonly handler: InternedHandler;
  readonly channel: ThreadChannel;
  /** Value with which it was set. */
  readonly fresh: boolean;
}

/** A check that is set or restored, in the main thread. */
export interface ReplicatedCheck {
  /** Unique and never reused: a check that is removed and set again has another one. */
  readonly ref: number;
  readonly owner: string;
  readonly id: string;
  /** Namespace of its owner; empty until it is set. */
  namespace: string;
  /** Undefined: the check was restored and is not set yet. */
  set: SetCheck | undefined;
  health: Health | undefined;
  /** Number of times that it was restored, and of changes of the channel. */
  version: number;
}

export interface ProberReplicaOptions {
  /** Returns the channel of the thread that probes the check. */
  readonly channelOf: (check: ReplicatedCheck, set: Check) => ThreadChannel;
  readonly onChanged: (owner: string, check: Check, before: Health, after: Health) => void;
  /** Returns the health before the first report. */
  readonly initial: () => Health;
}

interface Change {
  readonly drop: number[];
  readonly put: SentCheck[];
}

/**
 * Replica, in the main thread, of the health of the checks that other threads probe. Reports keep it up to
 * date. What must hold: once all messages have arrived it contains the health that the threads have. It never
 * contains the health of a former check, because each check has its own number.
 *
 * | report                                             | the replica        |
 * |----------------------------------------------------|--------------------|
 * | for a number that is not set (any more), or belongs to another channel now | drops it |
 * | sent before the last restored health has arrived | drops it: the answer to that follows |
 * | sent before the check left the channel, to which it has returned since | drops it |
 * | any other                                          | takes its health   |
 */
export class ProberReplica {
  readonly #options: ProberReplicaOptions;
  readonly #handlers = new HandlerTable();
  readonly #byRef = new Map<number, ReplicatedCheck>();
  readonly #owners = new Map<string, Map<string, ReplicatedCheck>>();
  #lastRef = 0;
  #checks = 0;

  constructor(options: ProberReplicaOptions) {
    this.#options = options;
  }

  /** Number of checks that are set. */
  get checks(): number {
    return this.#checks;
  }

  get(ref: number): ReplicatedCheck | undefined {
    return this.#byRef.get(ref);
  }

  of(owner: string): HealthOf {
    return (checkId) => this.#owners.get(owner)?.get(checkId)?.health;
  }

  idsOf(owner: string): readonly string[] {
    return [...(this.#owners.get(owner)?.keys() ?? [])];
  }

  all(): Iterable<ReplicatedCheck> {
    return this.#byRef.values();
  }

  set(owner: string, checks: readonly Check[], { namespace, fresh }: ProberSetOptions): void {
    const left = new Map(this.#owners.get(owner));
    const kept = new Map<string, ReplicatedCheck>();
    const changes = new Map<ThreadChannel, Change>();
    let hint: InternedHandler | undefined;
    for (const check of checks) {
      const known = left.get(check.id) ?? this.#create(owner, check.id);
      known.namespace = namespace;
      left.delete(check.id);
      kept.set(check.id, known);
      hint = this.#handlers.intern(check.handler, known.set?.handler ?? hint);
      this.#place(known, check, { handler: hint, fresh, changes });
    }
    for (const each of left.values()) this.#remove(each, changes);
    if (kept.size > 0) this.#owners.set(owner, kept);
    else this.#owners.delete(owner);
    for (const [channel, change] of changes) channel.send({ op: 'set', owner, namespace, ...change });
  }

  restore(owner: string, checkId: string, health: Health): boolean {
    const known = this.#owners.get(owner)?.get(checkId);
    const next = restoredAgain(known?.health, health);
    if (known?.health === next) return false;
    const check = known ?? this.#add(owner, checkId);
    const before = check.health;
    check.health = next;
    if (check.set !== undefined) {
      check.version += 1;
      check.set.channel.send({ op: 'restore', ref: check.ref, health, version: check.version });
    }
    return before !== undefined;
  }

  receive(channel: ThreadChannel, { ref, version, health, changed }: HealthReport): void {
    const check = this.#byRef.get(ref);
    if (check?.set?.channel !== channel || version < check.version) return;
    const before = check.health ?? this.#options.initial();
    check.health = health;
    if (changed) this.#options.onChanged(check.owner, check.set.check, before, health);
  }

  /** Has the thread of a check apply the verdict that waits. */
  release(owner: string, checkId: string): void {
    const check = this.#owners.get(owner)?.get(checkId);
    check?.set?.channel.send({ op: 'release', ref: check.ref });
  }

  /** Returns the hosts with a healthy check, by IP. */
  hosts(): ReadonlyMap<string, ProbedHost> {
    return probedHosts(this.#setChecks(), (owner, { id }) => this.of(owner)(id));
  }

  *#setChecks(): Iterable<readonly [owner: string, check: Check]> {
    for (const { owner, set } of this.#byRef.values()) if (set !== undefined) yield [owner, set.check];
  }

  /** Moves a check to its current channel. */
  move(check: ReplicatedCheck): void {
    if (check.set === undefined) return;
    const { channel, handler } = check.set;
    const next = this.#options.channelOf(check, check.set.check);
    if (next === channel) return;
    channel.send({ op: 'set', owner: check.owner, namespace: check.namespace, drop: [check.ref], put: [] });
    channel.release(handler);
    next.use(handler);
    check.set = { ...check.set, fresh: false, channel: next };
    check.version += 1;
    const put = [sentOf(check, check.set)];
    next.send({ op: 'set', owner: check.owner, namespace: check.namespace, drop: [], put });
  }

  /**
   * Sends all checks of a channel to its new thread, each with its known health. A check with health is not
   * fresh.
   */
  resend(channel: ThreadChannel, withinMs: number | undefined): void {
    channel.reset();
    for (const checks of this.#owners.values()) {
      const ofChannel = [...checks.values()].flatMap((each) => (each.set?.channel === channel ? [each] : []));
      const [first] = ofChannel;
      if (first === undefined) continue;
      const put = ofChannel.flatMap((each) => {
        if (each.set === undefined) return [];
        channel.use(each.set.handler);
        return [sentOf(each, each.set)];
      });
      const { owner, namespace } = first;
      channel.send({ op: 'set', owner, namespace, drop: [], put, withinMs });
    }
  }

  #place(
    known: ReplicatedCheck,
    check: Check,
    {
      handler,
      fresh,
      changes,
    }: { handler: InternedHandler; changes: Map<ThreadChannel, Change> } & Pick<ProberSetOptions, 'fresh'>,
  ): void {
    const channel = this.#options.channelOf(known, check);
    const { set } = known;
    if (set?.channel === channel && set.handler === handler && isSameCheck(set.check, check)) return;
    this.#handlers.use(handler);
    channel.use(handler);
    if (set === undefined) this.#checks += 1;
    else this.#leave(known, set, set.channel === channel ? undefined : changes);
    if (set !== undefined && set.channel !== channel) known.version += 1;
    known.set = { check, handler, channel, fresh: fresh(check) };
    changeOf(changes, channel).put.push(sentOf(known, known.set));
  }

  /** @param changes receives the order to its thread to drop it; undefined: none is needed */
  #leave(
    { ref }: ReplicatedCheck,
    { channel, handler }: SetCheck,
    changes: Map<ThreadChannel, Change> | undefined,
  ): void {
    if (changes !== undefined) changeOf(changes, channel).drop.push(ref);
    channel.release(handler);
    this.#handlers.release(handler);
  }

  #remove(check: ReplicatedCheck, changes: Map<ThreadChannel, Change>): void {
    this.#byRef.delete(check.ref);
    if (check.set === undefined) return;
    this.#checks -= 1;
    this.#leave(check, check.set, changes);
    check.set = undefined;
  }

  #create(owner: string, id: string): ReplicatedCheck {
    this.#lastRef += 1;
    const check = { ref: this.#lastRef, owner, id, namespace: '' };
    const created: ReplicatedCheck = { ...check, set: undefined, health: undefined, version: 0 };
    this.#byRef.set(created.ref, created);
    return created;
  }

  #add(owner: string, id: string): ReplicatedCheck {
    const check = this.#create(owner, id);
    const checks = this.#owners.get(owner) ?? new Map<string, ReplicatedCheck>();
    this.#owners.set(owner, checks.set(id, check));
    return check;
  }
}

function changeOf(changes: Map<ThreadChannel, Change>, channel: ThreadChannel): Change {
  const change = changes.get(channel) ?? { drop: [], put: [] };
  changes.set(channel, change);
  return change;
}

function sentOf({ ref, health, version }: ReplicatedCheck, { check, handler, fresh }: SetCheck): SentCheck {
  const { handler: _, ...rest } = check;
  return {
    ...{ ref, version, check: rest, handlerId: handler.id, fresh: fresh && health === undefined },
    ...(health !== undefined && { health: withoutRuns(health) }),
  };
}

/**
 * Compares two checks with equal ids and handlers. The initial delay is ignored, because it matters only
 * before the first run.
 */
function isSameCheck(a: Check, b: Check): boolean {
  const { timing: s } = a;
  const { timing: t } = b;
  const isSameStep = s.failureThreshold === t.failureThreshold && s.successThreshold === t.successThreshold;
  const isSameAddress = a.ip === b.ip && a.port === b.port && a.host === b.host;
  const isSameRest = isSame(a.lagLimits, b.lagLimits) && a.cpuMs === b.cpuMs;
  return isSamePace(s, t) && isSameStep && isSameAddress && isSameRest;
}
