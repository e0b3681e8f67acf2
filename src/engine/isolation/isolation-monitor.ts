import type { IsolationLimits, IsolationVerdict } from '../../core/isolation/isolation.ts';
import type { Check } from '../../core/probing/check.ts';
import type { IsolationFigures } from '../../core/isolation/isolation-figures.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';
import type { Logger } from '../../util/log.ts';
import type { ProbeOnceFn } from '../ports.ts';
import type { ObservedPath } from '../probing/host-paths.ts';
import type { HeldRun } from '../probing/health-table.ts';
import type { ProbedHost } from '../probing/probed-hosts.ts';
import type { Prober } from '../probing/prober.ts';
import { Canaries, type Canary } from './canaries.ts';
import { Canvass } from './canvass.ts';
import type { ConsultedHosts, HeldCheck, SecondOpinions } from './second-opinions.ts';

export interface IsolationSettings extends IsolationLimits {
  readonly canaries: readonly Canary[];
  /** Probes the canaries. */
  readonly probe: ProbeOnceFn;
}

export interface IsolationMonitorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Undefined: nothing waits. */
  readonly settings: IsolationSettings | undefined;
  readonly prober: () => Pick<Prober, 'recount' | 'hosts' | 'watch'>;
  /** Called with backends that have an address that remains because of the isolation, and at its end. */
  readonly onChanged: (owners: readonly string[]) => void;
  readonly opinions: SecondOpinions;
  /** Called when another replica reaches hosts that this one does not: that one should lead. */
  readonly onOutseen: () => void;
}

/**
 * Number of hosts that are asked. With a third of 3,000 hosts dead, a sample of 64 has half of its hosts dead once in
 * 300 times.
 */
const SAMPLE = 64;
/** A verdict waits for the timeout of its check and this time. */
const SETTLE_MS = 1_000;
/** The hosts are read again after this time, because a sample of 30,000 checks takes milliseconds. */
const HOSTS_MS = 1_000;
/** Number of silent hosts about which the other replicas are asked. */
const MAX_CONSULTED = 16;
/** While isolated, the other replicas are asked again after this number of times that the sample is. */
const CONSULT_PART = 5;
/** While isolated, the sample and the canaries are asked again after this time, whatever the periods of their checks. */
const AGAIN_MS = 2_000;

interface Isolation {
  readonly note: IsolationFigures;
  readonly owners: Set<string>;
  /** False until the other replicas were asked. */
  isConsulted: boolean;
}

interface KnownHosts {
  readonly at: number;
  readonly hosts: ReadonlyMap<string, ProbedHost>;
}

/**
 * Decides about verdicts without an answer, before they make an address unhealthy: is it the host, or is this process
 * cut off? It asks a sample of the other hosts, and lets the verdict take effect when they answer.
 *
 * | sample (`decideIsolation`) | the checks that wait                                                    |
 * |---------------------------|-------------------------------------------------------------------------|
 * | clear                     | become unhealthy                                                        |
 * | open                      | wait, for their timeout and a second at most; then what is known counts |
 * | isolated                  | remain healthy until it has ended; then they need all verdicts again    |
 *
 * What must hold:
 * - A verdict with an answer waits for nothing.
 * - A silent host leaves within its thresholds, its timeout and a second, unless most hosts are silent.
 * - At rest it costs nothing: no timer, no message, no probe.
 */
export class IsolationMonitor {
  readonly #options: IsolationMonitorOptions;
  readonly #canaries: Canaries | undefined;
  #canvass: Canvass | undefined;
  #timer: Timer | undefined;
  #times = 0;
  #known: KnownHosts | undefined;
  /** Numbers and backends of the isolation. Undefined: not isolated. */
  #isolation: Isolation | undefined;

  constructor(options: IsolationMonitorOptions) {
    this.#options = options;
    const { settings, clock } = options;
    if (settings !== undefined) this.#canaries = new Canaries(settings.canaries, clock, settings.probe);
  }

  get isIsolated(): boolean {
    return this.#isolation !== undefined;
  }

  /** Returns the isolation if an address of this backend remains because of it. */
  noteOf(owner: string): IsolationFigures | undefined {
    return this.#isolation?.owners.has(owner) === true ? this.#isolation.note : undefined;
  }

  /** Decides about a verdict that waits. */
  onHeld(owner: string, check: Check, { startedAt, isUnreached }: HeldRun): void {
    this.hold({ owner, check, isUnreached }, startedAt);
  }

  /** @param since answers of other hosts before this instant (monotonic) do not count */
  hold(held: HeldCheck, since: number): void {
    const canvass = this.#canvass ?? this.#begin(since, held.check);
    if (canvass === undefined) {
      this.#options.opinions.submit([held]);
      return;
    }
    canvass.hold(held);
    this.#canvass = canvass;
    if (this.#isolation === undefined) this.#decide(canvass);
    else if (this.#isolation.isConsulted) this.#concern([held]);
  }

  /** Takes in that a host of the sample answers or does not. */
  onPath(path: ObservedPath): void {
    const canvass = this.#canvass;
    if (canvass === undefined) return;
    canvass.observe(path);
    if (this.#isolation === undefined) this.#decide(canvass);
    else if (path.reachedAt >= path.unreachedAt) this.#check(canvass);
  }

  /** Forgets everything, because the term has ended. */
  reset(): void {
    if (this.#canvass !== undefined) this.#end();
    this.#isolation = this.#known = undefined;
  }

  /** Returns a new canvass; undefined: there are too few hosts. */
  #begin(since: number, { timing }: Check): Canvass | undefined {
    const { settings, clock } = this.#options;
    if (settings === undefined) return undefined;
    const hosts = this.#hosts();
    const canaries = this.#canaries?.names ?? [];
    if (settings.sharePercent === 0 || hosts.size + canaries.length < settings.minHosts) return undefined;
    const sample = this.#sample([...hosts]);
    const canvass = new Canvass(since, [
      ...sample.map(([ip, { owners }]) => [ip, owners] as const),
      ...canaries.map((name) => [name, [name]] as const),
    ]);
    this.#timer = clock.after(timing.timeoutMs + SETTLE_MS, () => this.#settle(canvass));
    // Its reports may come at once, so the canvass is known before.
    this.#canvass = canvass;
    this.#watchHosts(canvass, since);
    return canvass;
  }

  /** Asks the hosts of a canvass that have not answered since `since` (monotonic). */
  #watchHosts(canvass: Canvass, since: number): void {
    this.#options.prober().watch(canvass.hosts, since);
    this.#canaries?.probe((path) => this.onPath(path));
  }

  #hosts(): KnownHosts['hosts'] {
    const now = this.#options.clock.now();
    if (this.#known === undefined || now - this.#known.at >= HOSTS_MS)
      this.#known = { at: now, hosts: this.#options.prober().hosts() };
    return this.#known.hosts;
  }

  /** Returns random elements of the list. */
  #sample<T>(all: T[]): readonly T[] {
    for (let at = 0; at < SAMPLE && at < all.length - 1; at += 1) {
      const other = at + Math.floor(this.#options.random() * (all.length - at));
      [all[at], all[other]] = [all[other] as T, all[at] as T];
    }
    return all.slice(0, SAMPLE);
  }

  #decide(canvass: Canvass): void {
    const { settings } = this.#options;
    if (settings === undefined || !canvass.isAwaited) return;
    const verdict = canvass.decide(settings);
    if (verdict.state === 'isolated') this.#isolate(canvass, verdict);
    else if (verdict.state === 'clear') this.#clear(canvass);
  }

  /** Decides by what is known, because the verdicts have waited long enough. */
  #settle(canvass: Canvass): void {
    const { settings } = this.#options;
    if (settings === undefined || this.#canvass !== canvass || this.#isolation !== undefined) return;
    const verdict = canvass.decideByEvidence(settings);
    if (verdict.state === 'isolated') this.#isolate(canvass, verdict);
    else this.#clear(canvass);
  }

  #clear(canvass: Canvass): void {
    this.#end();
    this.#options.opinions.submit(canvass.held);
  }

  #isolate(canvass: Canvass, { silent, hosts }: IsolationVerdict): void {
    const { clock, logger } = this.#options;
    this.#timer?.cancel();
    this.#isolation = { note: { silent, hosts, since: clock.wall() }, owners: new Set(), isConsulted: false };
    logger.error('isolated: most hosts do not answer, so no address is removed for silence', {
      ...{ silent, hosts },
      meaning: 'the network of the operator failed, or most targets did at once',
    });
    this.#again(canvass);
    void this.#consult(canvass);
  }

  /** Lets another replica lead that reaches the silent hosts. If there is none, reports the isolation. */
  async #consult(canvass: Canvass): Promise<void> {
    const { opinions, onOutseen } = this.#options;
    const silent = this.#consulted(canvass.silent());
    const reached = this.#consulted(canvass.reached());
    const seesMore = opinions.hasWitness && (await opinions.seesMore(silent, reached));
    const isolation = this.#isolation;
    if (isolation === undefined || this.#canvass !== canvass) return;
    if (seesMore) {
      onOutseen();
      return;
    }
    isolation.isConsulted = true;
    this.#concern(canvass.held);
  }

  #consulted(hosts: readonly string[]): ConsultedHosts {
    const asked = hosts.flatMap((ip) => this.#heldOf(ip)).slice(0, MAX_CONSULTED);
    return { count: hosts.length, asked };
  }

  #heldOf(ip: string): readonly HeldCheck[] {
    const host = this.#hosts().get(ip);
    return host === undefined ? [] : [{ owner: host.owner, check: host.check, isUnreached: true }];
  }

  #again(canvass: Canvass): void {
    this.#times += 1;
    this.#timer = this.#options.clock.after(AGAIN_MS, () => {
      const hosts = this.#hosts();
      const canaries = this.#canaries?.names ?? [];
      canvass.retain((host) => hosts.has(host) || canaries.includes(host));
      this.#check(canvass);
      if (this.#canvass !== canvass) return;
      this.#again(canvass);
      if (this.#times % CONSULT_PART === 0) void this.#consult(canvass);
      this.#watchHosts(canvass, this.#options.clock.now());
    });
  }

  /** Ends the isolation when its hosts answer again. */
  #check(canvass: Canvass): void {
    const { settings, clock, logger } = this.#options;
    const isolation = this.#isolation;
    if (settings === undefined || isolation === undefined) return;
    if (!canvass.isOver(settings)) return;
    this.#end();
    this.#isolation = undefined;
    this.#options.prober().recount();
    logger.warn('isolation ended: silent addresses are removed after all verdicts of their thresholds', {
      silent: canvass.silent().length,
      seconds: Math.round((clock.wall() - isolation.note.since) / 1_000),
    });
    this.#options.onChanged([...isolation.owners]);
  }

  #end(): void {
    this.#timer?.cancel();
    this.#canvass = undefined;
    this.#options.prober().watch([], 0);
  }

  /** Records the backends of checks that remain healthy. */
  #concern(held: readonly HeldCheck[]): void {
    const owners = this.#isolation?.owners;
    if (owners === undefined) return;
    const added = new Set(held.map(({ owner }) => owner).filter((owner) => !owners.has(owner)));
    for (const owner of added) owners.add(owner);
    if (added.size > 0) this.#options.onChanged([...added]);
  }
}
