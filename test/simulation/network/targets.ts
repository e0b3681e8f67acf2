import type { Check } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { Role } from '../../../src/core/role.ts';
import type { ManualClock } from '../../support/fakes/manual-clock.ts';

/**
 * State of a server as a probe finds it.
 *
 * | state   | probe                              |
 * |---------|------------------------------------|
 * | up      | up, with its role                  |
 * | refuses | down Refused, at once              |
 * | silent  | down Timeout, unreached            |
 * | hangs   | down Timeout, reached              |
 */
export type HostState = 'up' | 'refuses' | 'silent' | 'hangs';

export interface Host {
  readonly state: HostState;
  readonly role?: Role | undefined;
  readonly epoch?: number | undefined;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly afterMs: number;
}

const timedOut = (isUnreached: boolean): Verdict => ({
  ...{ kind: 'down', reason: 'Timeout', message: '' },
  ...(isUnreached && { isUnreached }),
});

/** What has been true of a path or a host without interruption, and since when. */
export interface Since {
  readonly is: boolean;
  readonly since: number;
}

const mostReplicas = 3;

/** Servers outside the cluster, and the paths of the replicas to them. */
export class Targets {
  readonly #clock: Pick<ManualClock, 'now'>;
  readonly #hosts: Map<string, Host>;
  /** Addresses that a replica cannot reach, by its index. */
  readonly #cuts = new Map<number, readonly (readonly string[])[]>();
  /** Indexes of replicas whose prober has a fault of its own. */
  readonly #faulty = new Map<number, number>();
  /** Index of a replica and address -> whether packets of that host come back. */
  readonly #paths = new Map<string, Since>();
  /** Address -> whether the server is up. */
  readonly #states = new Map<string, Since>();

  constructor(hosts: Readonly<Record<string, Host>>, clock: Pick<ManualClock, 'now'>) {
    this.#hosts = new Map(Object.entries(hosts));
    this.#clock = clock;
    for (const ip of this.#hosts.keys()) {
      this.state(ip);
      for (let replica = 0; replica < mostReplicas; replica += 1) this.path(replica, ip);
    }
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts;
  }

  set(ip: string, host: Host): void {
    this.#hosts.set(ip, host);
    this.#observe();
  }

  /** Cuts the paths of one replica to these addresses. Returns a function that ends it. */
  cut(replica: number, ips: readonly string[]): () => void {
    const change = (cuts: readonly (readonly string[])[]): void => {
      this.#cuts.set(replica, cuts);
      this.#observe();
    };
    change([...(this.#cuts.get(replica) ?? []), ips]);
    return () => change((this.#cuts.get(replica) ?? []).filter((each) => each !== ips));
  }

  /** Begins a fault of the prober itself, such as no file descriptors. Returns a function that ends it. */
  fault(replica: number): () => void {
    const count = (by: number) => void this.#faulty.set(replica, (this.#faulty.get(replica) ?? 0) + by);
    count(1);
    return () => count(-1);
  }

  /** Returns whether packets of a host come back to a replica, and since when. */
  path(replica: number, ip: string): Since {
    const key = `${replica} ${ip}`;
    const known = this.#paths.get(key) ?? { is: this.#isReached(replica, ip), since: 0 };
    this.#paths.set(key, known);
    return known;
  }

  /** Returns whether a server is up, and since when. */
  state(ip: string): Since {
    const known = this.#states.get(ip) ?? { is: this.#hosts.get(ip)?.state === 'up', since: 0 };
    this.#states.set(ip, known);
    return known;
  }

  /** Returns the outcome of a probe of one replica that begins now. */
  outcome(replica: number, { ip, timing, handler }: Check): Outcome {
    if ((this.#faulty.get(replica) ?? 0) > 0)
      return { verdict: { kind: 'inconclusive', reason: 'ProberFault', message: '' }, afterMs: 1 };
    const host = this.#hosts.get(ip) ?? { state: 'silent' };
    const state = this.#isReached(replica, ip) ? host.state : 'silent';
    if (state === 'refuses') return { verdict: { kind: 'down', reason: 'Refused', message: '' }, afterMs: 1 };
    if (state !== 'up') return { verdict: timedOut(state === 'silent'), afterMs: timing.timeoutMs };
    const { role, epoch }: Partial<Host> = handler.kind === 'tcpSocket' ? {} : host;
    const replication = { ...(role && { role }), ...(epoch !== undefined && { epoch }) };
    return { verdict: { kind: 'up', reason: 'Responded', message: '', ...replication }, afterMs: 3 };
  }

  #isReached(replica: number, ip: string): boolean {
    const isCut = (this.#cuts.get(replica) ?? []).some((ips) => ips.includes(ip));
    return !isCut && (this.#hosts.get(ip)?.state ?? 'silent') !== 'silent';
  }

  /** Takes in what has changed. */
  #observe(): void {
    const since = this.#clock.now();
    for (const [key, { is }] of this.#paths) {
      const [replica = '', ip = ''] = key.split(' ');
      if (this.#isReached(Number(replica), ip) !== is) this.#paths.set(key, { is: !is, since });
    }
    for (const [ip, { is }] of this.#states)
      if ((this.#hosts.get(ip)?.state === 'up') !== is) this.#states.set(ip, { is: !is, since });
  }
}
