import {
  isIsolationOver,
  decideIsolation,
  pathEvidence,
  type HostPath,
  type IsolationLimits,
  type IsolationVerdict,
  type PathEvidence,
} from '../../core/isolation/isolation.ts';
import type { ObservedPath } from '../probing/host-paths.ts';
import type { HeldCheck } from './second-opinions.ts';

type MutablePath = { -readonly [K in keyof HostPath]: HostPath[K] };

/** Question to a sample of hosts, whether they still answer, and the checks that wait for its result. */
export class Canvass {
  /** Start of the run that gave the reason to ask, monotonic. */
  readonly since: number;
  /** By owner and id of the check. */
  readonly #held = new Map<string, HeldCheck>();
  readonly #paths = new Map<string, MutablePath>();

  /** @param hosts of the sample, each with the backends for which it is probed */
  constructor(since: number, hosts: Iterable<readonly [host: string, backends: Iterable<string>]>) {
    this.since = since;
    for (const [host, backends] of hosts)
      this.#paths.set(host, { host, backends, reachedAt: -Infinity, unreachedAt: -Infinity });
  }

  get held(): readonly HeldCheck[] {
    return [...this.#held.values()];
  }

  get isAwaited(): boolean {
    return this.#held.size > 0;
  }

  hold(held: HeldCheck): void {
    this.#held.set(`${held.owner}/${held.check.id}`, held);
  }

  /** Takes in the evidence about a host of the sample. Other hosts are ignored. */
  observe({ ip, reachedAt, unreachedAt }: ObservedPath): void {
    const path = this.#paths.get(ip);
    if (path === undefined) return;
    path.reachedAt = Math.max(path.reachedAt, reachedAt);
    path.unreachedAt = Math.max(path.unreachedAt, unreachedAt);
  }

  get hosts(): readonly string[] {
    return [...this.#paths.keys()];
  }

  /** Hosts of the sample that do not answer. */
  silent(): readonly string[] {
    return this.#with('silent');
  }

  /** Hosts of the sample that have answered. */
  reached(): readonly string[] {
    return this.#with('reached');
  }

  #with(evidence: PathEvidence): readonly string[] {
    return this.#all().flatMap((path) => (pathEvidence(path, this.since) === evidence ? path.host : []));
  }

  /** Removes the hosts of the sample that are no longer probed. */
  retain(isProbed: (host: string) => boolean): void {
    for (const host of this.#paths.keys()) if (!isProbed(host)) this.#paths.delete(host);
  }

  decide(limits: IsolationLimits): IsolationVerdict {
    return decideIsolation(this.#all(), this.since, limits);
  }

  /** Decides by the hosts with evidence alone. */
  decideByEvidence(limits: IsolationLimits): IsolationVerdict {
    const known = this.#all().filter((path) => pathEvidence(path, this.since) !== 'open');
    return decideIsolation(known, this.since, limits);
  }

  isOver(limits: IsolationLimits): boolean {
    return isIsolationOver(this.#all(), this.since, limits);
  }

  #all(): readonly HostPath[] {
    return [...this.#paths.values()];
  }
}
