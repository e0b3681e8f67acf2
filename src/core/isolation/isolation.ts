/** Evidence about the path to one host, from the probes of all its checks. */
export interface HostPath {
  /** IP of the host, or address and port of a canary. */
  readonly host: string;
  /** Backends (UIDs) for which it is probed. A canary counts as a backend of its own. */
  readonly backends: Iterable<string>;
  /** Start of the latest run in which a packet of the host came back, monotonic; -Infinity: none. */
  readonly reachedAt: number;
  /** Start of the latest run without such a packet, monotonic; -Infinity: none. */
  readonly unreachedAt: number;
}

export interface IsolationLimits {
  /** Share of the hosts, in percent, from which on the operator counts as isolated. */
  readonly sharePercent: number;
  /** Number of silent hosts from which on the operator may count as isolated. */
  readonly minHosts: number;
}

/** Number of backends that the silent hosts must have together: the hosts of one backend may share one fault. */
const MIN_BACKENDS = 2;

export type PathEvidence = 'reached' | 'silent' | 'open';

/**
 * Returns what is known of a host since an instant. A host is compared by the starts of the runs, so an answer on one
 * port counts more than an earlier silence of another.
 *
 * | latest run with a packet | latest run without            | evidence                            |
 * |--------------------------|-------------------------------|-------------------------------------|
 * | since `since`            | none, or not later            | reached                             |
 * | any, or none             | later                         | silent                              |
 * | before `since`, or none  | none, or not later            | open: the answer may be out of date |
 */
export function pathEvidence({ reachedAt, unreachedAt }: HostPath, since: number): PathEvidence {
  if (unreachedAt > reachedAt) return 'silent';
  return reachedAt >= since ? 'reached' : 'open';
}

export interface IsolationVerdict {
  readonly state: 'isolated' | 'clear' | 'open';
  /** Numbers of hosts, for people. */
  readonly silent: number;
  readonly hosts: number;
}

/**
 * Decides if this process is cut off from the hosts, which were all answering until now (a check of each is healthy).
 *
 * | silent hosts                                                              | state    |
 * |---------------------------------------------------------------------------|----------|
 * | `sharePercent` of all and `minHosts`, over two backends                   | isolated |
 * | fewer, even if all open hosts are silent                                  | clear    |
 * | fewer, but enough if the open hosts are silent                            | open     |
 *
 * @param since start of the run that gave the reason to ask, monotonic
 */
export function decideIsolation(
  paths: readonly HostPath[],
  since: number,
  limits: IsolationLimits,
): IsolationVerdict {
  const by = Map.groupBy(paths, (path) => pathEvidence(path, since));
  const silent = by.get('silent') ?? [];
  const counts = { silent: silent.length, hosts: paths.length };
  if (isMost(silent, paths.length, limits)) return { state: 'isolated', ...counts };
  const worst = [...silent, ...(by.get('open') ?? [])];
  return { state: isMost(worst, paths.length, limits) ? 'open' : 'clear', ...counts };
}

function isMost(
  silent: readonly HostPath[],
  all: number,
  { sharePercent, minHosts }: IsolationLimits,
): boolean {
  if (silent.length < minHosts || 100 * silent.length < sharePercent * all) return false;
  return new Set(silent.flatMap(({ backends }) => [...backends])).size >= MIN_BACKENDS;
}

/**
 * Returns true when an isolation has ended: fewer than `sharePercent` of the hosts that decided it are silent. Hosts
 * without evidence do not count.
 */
export function isIsolationOver(
  paths: readonly HostPath[],
  since: number,
  { sharePercent }: Pick<IsolationLimits, 'sharePercent'>,
): boolean {
  const all = paths.map((path) => pathEvidence(path, since)).filter((evidence) => evidence !== 'open');
  const silent = all.filter((evidence) => evidence === 'silent').length;
  return 100 * silent < sharePercent * all.length || silent === 0;
}
