import type { Check } from '../../core/probing/check.ts';
import { unknownHealth, type Health } from '../../core/health/state.ts';
import type { HealthOf } from '../../core/health/readiness.ts';
import { ForeignRuns } from './foreign-runs.ts';
import type { ProbeFn, ProbeOnceFn } from '../ports.ts';
import type { Clock, Timer } from '../../util/clock.ts';
import { ThreadChannel } from './thread-channel.ts';
import type { ProberReport } from './prober-messages.ts';
import { ProberReplica, type ReplicatedCheck } from './prober-replica.ts';
import type { ProbedHost } from '../probing/probed-hosts.ts';
import type { Prober, ProberListeners, ProberSetOptions, ProberStats } from '../probing/prober.ts';
import { lostRun, ProberThread, type SpawnThread, type ThreadEnd } from './prober-thread.ts';
import type { ProbeLimits } from '../probing/concurrency.ts';
import { Quarantine } from './quarantine.ts';
import { RemoteRuns } from './remote-runs.ts';
import type { RunTally } from '../probing/run-tally.ts';

export interface WorkerPoolOptions extends ProberListeners {
  readonly clock: Clock;
  readonly spawn: SpawnThread;
  readonly workers: number;
  /** Limits of all threads together. */
  readonly limits: ProbeLimits;
  readonly stallMs: number;
  /** Performs the probes that a probe thread cannot. */
  readonly foreign: ProbeFn;
  readonly onRestart: (cause: ThreadEnd, thread: string, running: number, error: unknown) => void;
}

type CheckReport = Extract<ProberReport, { op: 'notable' | 'cost' | 'held' | 'settled' }>;

const WATCH_MS = 250;
/** A watch that is this late shows that the main thread, or the machine, did not run either. */
const STOOD_MS = 500;
/** After a restart all checks start within this time, unless that is more than `AGAIN_RATE` per second. */
const AGAIN_MS = 1_500;
const AGAIN_RATE = 3_000;

/**
 * Runs probes in separate threads, so that nothing that a server sends can block the main thread. All checks
 * of an IP are in one thread, because limits hold per IP. The main thread has a replica of their health.
 *
 * A thread that ends or does not answer is replaced. Its runs are inconclusive, and the new thread starts
 * with the health of the replica. It has no other effect.
 */
export class WorkerPool implements Prober {
  readonly #options: WorkerPoolOptions;
  readonly #shared: readonly ProberThread[];
  readonly #apart: ProberThread;
  /** Channel without a thread, for checks that are held. */
  readonly #noThread = new ThreadChannel(() => undefined);
  readonly #foreign = new Map<ProberThread, ForeignRuns>();
  readonly #single = new Map<ProberThread, RemoteRuns>();
  readonly #replica: ProberReplica;
  readonly #quarantine = new Quarantine();
  /** Hosts whose paths are watched. */
  #watched: { readonly ips: readonly string[]; readonly since: number } = { ips: [], since: 0 };
  #watchedAt = 0;
  #timer: Timer | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    const { workers, limits, clock, onChanged } = options;
    const part = { ...limits, maxConcurrent: Math.max(1, Math.ceil(limits.maxConcurrent / workers)) };
    this.#shared = Array.from({ length: workers }, (_, n) => this.#createThread(String(n), part));
    this.#apart = this.#createThread('quarantine', {
      maxConcurrent: 1,
      maxPerHost: 1,
      maxPerHostAndNamespace: 1,
    });
    this.#replica = new ProberReplica({
      channelOf: (check, { ip }) => this.#channelOf(check, ip),
      onChanged,
      initial: () => unknownHealth(clock.wall()),
    });
  }

  /** Counts of all threads. */
  get tallies(): readonly RunTally[] {
    return this.#threads.map(({ tally }) => tally);
  }

  set(owner: string, checks: readonly Check[], options: ProberSetOptions): void {
    this.#replica.set(owner, checks, options);
  }

  forget(owner: string): void {
    this.#replica.set(owner, [], { namespace: '', fresh: () => true });
  }

  healthOf(owner: string): HealthOf {
    return this.#replica.of(owner);
  }

  restore(owner: string, checkId: string, health: Health): boolean {
    return this.#replica.restore(owner, checkId, health);
  }

  release(owner: string, checkId: string): void {
    this.#replica.release(owner, checkId);
  }

  recount(): void {
    for (const { channel } of this.#threads) channel.send({ op: 'recount' });
  }

  readonly probeOnce: ProbeOnceFn = (check, signal) => {
    const thread = this.#threadOf(check.ip);
    const runs = thread.isRunning ? this.#single.get(thread) : undefined;
    return runs?.run(check, signal) ?? Promise.resolve(lostRun);
  };

  hosts(): ReadonlyMap<string, ProbedHost> {
    return this.#replica.hosts();
  }

  watch(ips: readonly string[], since: number): void {
    this.#watched = { ips, since };
    for (const { channel } of this.#threads) this.#sendWatch(channel);
  }

  quarantined(owner: string): readonly string[] {
    if (this.#quarantine.size === 0) return [];
    return this.#replica
      .idsOf(owner)
      .filter((id) => this.#quarantine.placementOf(keyOf({ owner, id })) !== 'shared');
  }

  start(): void {
    for (const thread of this.#shared) thread.start();
    this.#watchedAt = this.#options.clock.now();
    this.#timer = this.#options.clock.after(WATCH_MS, this.#watch);
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#isStopped = true;
    for (const runs of this.#single.values()) runs.abort();
    await Promise.all(this.#threads.map((thread) => thread.stop()));
    for (const runs of this.#foreign.values()) runs.clear();
  }

  stats(): ProberStats {
    return {
      checks: this.#replica.checks,
      workers: this.#threads.filter(({ isRunning }) => isRunning).length,
      quarantined: this.#quarantine.size,
    };
  }

  /**
   * Returns the longest delay of each thread's event loop since the last call, in milliseconds, by the
   * thread's name.
   */
  takeDelays(): readonly (readonly [string, number])[] {
    return this.#threads.map((thread) => [thread.name, thread.takeDelay()]);
  }

  #isStopped = false;

  get #threads(): readonly ProberThread[] {
    return [...this.#shared, this.#apart];
  }

  #createThread(name: string, limits: ProbeLimits): ProberThread {
    const { clock, spawn, stallMs, foreign } = this.#options;
    const thread = new ProberThread({
      ...{ name, clock, spawn, limits, stallMs },
      onReport: (from, report) => this.#receive(from, report),
      onLost: (from, cause, running, error) => this.#lost(from, cause, running, error),
      onSpawned: (from, isFirst) => this.#resend(from, isFirst),
    });
    this.#single.set(thread, new RemoteRuns((command) => thread.channel.send(command)));
    this.#foreign.set(thread, new ForeignRuns(foreign, (command) => thread.channel.send(command)));
    return thread;
  }

  #channelOf(check: ReplicatedCheck, ip: string): ThreadChannel {
    const ward = this.#quarantine.placementOf(keyOf(check));
    if (ward === 'held') return this.#noThread;
    if (ward === 'quarantine') return this.#apart.channel;
    return this.#threadOf(ip).channel;
  }

  #threadOf(ip: string): ProberThread {
    return this.#shared[bucketOf(ip, this.#shared.length)] ?? this.#apart;
  }

  #resend(thread: ProberThread, isFirst: boolean): void {
    const withinMs = Math.max(AGAIN_MS, (this.#replica.checks / AGAIN_RATE) * 1000);
    this.#replica.resend(thread.channel, isFirst && thread !== this.#apart ? undefined : withinMs);
    if (this.#watched.ips.length > 0) this.#sendWatch(thread.channel);
  }

  /** Sends a thread the watched hosts. It knows which of them it probes. */
  #sendWatch(channel: ThreadChannel): void {
    channel.send({ op: 'watch', ...this.#watched });
  }

  #receive(from: ProberThread, report: ProberReport): void {
    switch (report.op) {
      case 'health':
        this.#replica.receive(from.channel, report);
        break;
      case 'path':
        this.#options.onPath?.(report.path);
        break;
      case 'fault':
        this.#options.onFault(new Error(report.text), report.checkId);
        break;
      case 'ask':
      case 'cancel':
        this.#foreign.get(from)?.receive(report);
        break;
      case 'probed':
        this.#single.get(from)?.receive(report);
        break;
      case 'stopped':
        break;
      default:
        this.#withCheck(report.ref, (owner, check) => this.#receiveOf(owner, check, report));
    }
  }

  #receiveOf(owner: string, check: Check, report: CheckReport): void {
    const { onNotable, onCost, onHeld, onSettled } = this.#options;
    if (report.op === 'notable') onNotable(owner, check, report.verdict);
    else if (report.op === 'cost') onCost(owner, check, report.cost);
    else if (report.op === 'settled') onSettled?.(owner, check);
    else if (onHeld !== undefined) onHeld(owner, check, report.run);
    else this.release(owner, check.id);
  }

  /** Acts on a check, unless it is not set any more. */
  #withCheck(ref: number, act: (owner: string, check: Check) => void): void {
    const known = this.#replica.get(ref);
    if (known?.set !== undefined) act(known.owner, known.set.check);
  }

  /** A thread that ends, and a check that moves, forget the verdicts that wait. */
  #settle(checks: Iterable<ReplicatedCheck>): void {
    for (const { owner, set } of checks) if (set !== undefined) this.#options.onSettled?.(owner, set.check);
  }

  #lost(from: ProberThread, cause: ThreadEnd, running: readonly number[], error: unknown): void {
    this.#settle([...this.#replica.all()].filter(({ set }) => set?.channel === from.channel));
    this.#foreign.get(from)?.clear();
    this.#single.get(from)?.clear();
    const checks = running.flatMap((ref) => this.#replica.get(ref) ?? []);
    for (const { set } of checks) if (set !== undefined) from.tally.ran(set.check.handler.kind, lostRun, 0);
    this.#options.onRestart(cause, from.name, running.length, error);
    this.#relocate(this.#quarantine.recordStall(checks.map(keyOf), this.#options.clock.now()));
  }

  /** Moves checks to the threads that probe them now. */
  #relocate(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const moved = new Set(keys);
    const owners = new Set<string>();
    for (const check of this.#replica.all()) {
      if (!moved.has(keyOf(check))) continue;
      this.#settle([check]);
      this.#replica.move(check);
      owners.add(check.owner);
    }
    if (this.#quarantine.size > 0 && !this.#isStopped) this.#apart.start();
    else void this.#apart.stop();
    for (const owner of owners) this.#options.onQuarantined(owner);
  }

  readonly #watch = (): void => {
    const now = this.#options.clock.now();
    const stood = now - this.#watchedAt > WATCH_MS + STOOD_MS;
    this.#watchedAt = now;
    for (const thread of this.#threads) {
      if (stood) thread.excuse(now);
      else thread.watch(now);
    }
    this.#relocate(this.#quarantine.advance(now));
    this.#timer = this.#options.clock.after(WATCH_MS, this.#watch);
  };
}

const keyOf = ({ owner, id }: Pick<ReplicatedCheck, 'owner' | 'id'>): string => `${owner}/${id}`;

/** Hashes the text by FNV-1a. */
function bucketOf(text: string, buckets: number): number {
  if (buckets <= 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % buckets;
}
