import { reachOf, type Verdict } from '../../core/probing/verdict.ts';

/** Latest evidence about the path to a host: starts of its runs, monotonic. */
export interface ObservedPath {
  readonly ip: string;
  readonly reachedAt: number;
  readonly unreachedAt: number;
}

type MutablePath = { -readonly [K in keyof ObservedPath]: ObservedPath[K] };

/**
 * Records which hosts answer. Hosts that are watched are reported when they begin to answer or stop, and all others
 * cost two comparisons a run.
 */
export class HostPaths {
  readonly #onPath: (path: ObservedPath) => void;
  /** IP -> true when the host answered by the last report; undefined: no report yet. */
  #watched = new Map<string, boolean | undefined>();
  #since = 0;

  constructor(onPath: (path: ObservedPath) => void) {
    this.#onPath = onPath;
  }

  /** Records the end of a run. */
  record(host: MutablePath, verdict: Verdict, startedAt: number): void {
    const path = reachOf(verdict);
    if (path === 'reached') host.reachedAt = Math.max(host.reachedAt, startedAt);
    else if (path === 'unreached') host.unreachedAt = Math.max(host.unreachedAt, startedAt);
    if (this.#watched.has(host.ip)) this.#report(host);
  }

  /**
   * Watches these hosts, in place of the earlier ones.
   *
   * @param since earlier answers do not count, monotonic
   */
  watch(ips: readonly string[], since: number): void {
    this.#since = since;
    this.#watched = new Map(ips.map((ip) => [ip, undefined]));
  }

  /** Reports what is known of a watched host. Returns false when nothing is, so that it must be probed. */
  reportKnown(host: ObservedPath): boolean {
    this.#report(host);
    return (
      this.#watched.get(host.ip) !== undefined && Math.max(host.reachedAt, host.unreachedAt) >= this.#since
    );
  }

  #report(host: ObservedPath): void {
    const { ip, reachedAt, unreachedAt } = host;
    const answers = reachedAt >= unreachedAt;
    if ((answers && reachedAt < this.#since) || this.#watched.get(ip) === answers) return;
    this.#watched.set(ip, answers);
    this.#onPath({ ip, reachedAt, unreachedAt });
  }
}
