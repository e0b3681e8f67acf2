import type { Check } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { Role } from '../../../src/core/role.ts';

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

/** Servers outside the cluster, and the paths of the replicas to them. */
export class Targets {
  readonly hosts: Map<string, Host>;
  /** Addresses that a replica cannot reach, by its index. */
  readonly #cuts = new Map<number, readonly (readonly string[])[]>();
  /** Indexes of replicas whose prober has a fault of its own. */
  readonly #faulty = new Map<number, number>();

  constructor(hosts: Readonly<Record<string, Host>>) {
    this.hosts = new Map(Object.entries(hosts));
  }

  /** Cuts the paths of one replica to these addresses. Returns a function that ends it. */
  cut(replica: number, ips: readonly string[]): () => void {
    this.#cuts.set(replica, [...(this.#cuts.get(replica) ?? []), ips]);
    return () =>
      void this.#cuts.set(
        replica,
        (this.#cuts.get(replica) ?? []).filter((each) => each !== ips),
      );
  }

  /** Begins a fault of the prober itself, such as no file descriptors. Returns a function that ends it. */
  fault(replica: number): () => void {
    const count = (by: number) => void this.#faulty.set(replica, (this.#faulty.get(replica) ?? 0) + by);
    count(1);
    return () => count(-1);
  }

  /** Returns the outcome of a probe of one replica that begins now. */
  outcome(replica: number, { ip, timing, handler }: Check): Outcome {
    if ((this.#faulty.get(replica) ?? 0) > 0)
      return { verdict: { kind: 'inconclusive', reason: 'ProberFault', message: '' }, afterMs: 1 };
    const host = this.hosts.get(ip) ?? { state: 'silent' };
    const isCut = (this.#cuts.get(replica) ?? []).some((ips) => ips.includes(ip));
    const state = isCut ? 'silent' : host.state;
    if (state === 'refuses') return { verdict: { kind: 'down', reason: 'Refused', message: '' }, afterMs: 1 };
    if (state !== 'up') return { verdict: timedOut(state === 'silent'), afterMs: timing.timeoutMs };
    const { role, epoch }: Partial<Host> = handler.kind === 'tcpSocket' ? {} : host;
    const replication = { ...(role && { role }), ...(epoch !== undefined && { epoch }) };
    return { verdict: { kind: 'up', reason: 'Responded', message: '', ...replication }, afterMs: 3 };
  }
}
