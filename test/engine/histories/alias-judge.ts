import type { Spec } from '../../../src/api/external-backend.ts';
import type { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import type { Bounds } from './bounds.ts';
import type { Outside } from './outside.ts';
import type { Term } from './replica.ts';
import { aliasesIn } from './seen.ts';

interface Host {
  good: boolean;
  since: number;
  /** Time since which an address of it responds, drained or not; undefined: none responds. */
  aliveSince: number | undefined;
}

/** A host that has been healthy again for less than this may still count as failed. */
const edgeMs = 3_000;

/**
 * Checks what must hold for an alias at every moment:
 *
 * - it does not point to a failed or drained host while another has been usable for longer than the bounds
 *   allow;
 * - it switches to a host only after a success of one of its addresses in the writer's own term;
 * - it leaves a usable host only for an earlier one that has been usable for `failbackSeconds`.
 */
export class AliasJudge {
  readonly #now: () => number;
  readonly #outside: Outside;
  readonly #fault: (text: string) => void;
  readonly #hosts = new Map<string, Host>();
  #order: readonly string[] = [];
  #failbackMs = 0;
  #current: string | undefined;
  #since = 0;
  #editedAt = 0;
  #spec: Spec | undefined;

  constructor(now: () => number, outside: Outside, fault: (text: string) => void) {
    this.#now = now;
    this.#outside = outside;
    this.#fault = fault;
  }

  changed(spec: Spec): void {
    if (spec.mode !== 'ExternalName') return;
    const now = this.#now();
    if (spec !== this.#spec) this.#editedAt = now;
    this.#spec = spec;
    this.#order = spec.targets.map(({ host }) => host);
    this.#failbackMs = spec.failbackSeconds * 1000;
    for (const { host, drain } of spec.targets) {
      const ips = this.#outside.names.get(host) ?? [];
      const alive = ips.some((ip) => this.#outside.servers.get(ip)?.alive === true);
      const good = !drain && alive;
      const is = this.#hosts.get(host);
      const aliveSince = alive ? (is?.aliveSince ?? now) : undefined;
      this.#hosts.set(host, { good, since: is?.good === good ? is.since : now, aliveSince });
    }
  }

  published(cluster: FakeCluster, by: Term | undefined, isFresh: (ip: string) => boolean): void {
    const [after] = aliasesIn(cluster).values();
    const before = this.#current;
    if (after === before || by === undefined || after === undefined) return;
    this.#current = after;
    this.#since = this.#now();
    if (!(this.#outside.names.get(after) ?? []).some(isFresh))
      this.#fault(`the alias moved to ${after} without a good verdict of its term`);
    if (before !== undefined) this.#moved(before, after);
  }

  #moved(before: string, after: string): void {
    const now = this.#now();
    const [from, to] = [this.#hosts.get(before), this.#hosts.get(after)];
    const isLeft = from?.good !== true || now - from.since < edgeMs;
    if (isLeft || to === undefined || this.#spec?.suspend === true) return;
    if (this.#order.indexOf(after) > this.#order.indexOf(before))
      this.#fault(`the alias left ${before}, which is well, for ${after}`);
    const wellMs = to.good ? now - (to.aliveSince ?? now) : 0;
    if (wellMs < this.#failbackMs)
      this.#fault(`the alias went back to ${after}, which is well for ${wellMs} ms`);
  }

  /** @param from beginning of the term or of the spec, whatever is later; undefined: no replica leads */
  check(bounds: Bounds | undefined, from: number | undefined): void {
    const is = this.#hosts.get(this.#current ?? '');
    if (bounds === undefined || from === undefined || is === undefined || this.#spec?.suspend === true)
      return;
    const others = [...this.#hosts].filter(([name, host]) => name !== this.#current && host.good);
    for (const [name, other] of others)
      this.#compare(is, name, other, bounds, Math.max(from, this.#editedAt));
  }

  #compare(is: Host, name: string, { since }: Host, bounds: Bounds, from: number): void {
    const current = this.#current ?? '';
    const waitedMs = this.#now() - Math.max(from, this.#since, since, is.since);
    if (!is.good && waitedMs > bounds.outMs.dead + bounds.joinMs)
      this.#fault(`the alias leads to ${current} for ${waitedMs} ms, while ${name} is well`);
    const isFirst = this.#order.indexOf(name) < this.#order.indexOf(current);
    const ripeMs = this.#now() - Math.max(from, since) - this.#failbackMs;
    if (isFirst && is.good && ripeMs > bounds.joinMs)
      this.#fault(`the alias does not go back to ${name} for ${ripeMs} ms`);
  }
}
