import { readyAddresses } from '../../controlplane/endpoints.ts';
import type { Kinds } from '../../controlplane/kinds.ts';
import { addAddress } from '../../controlplane/network.ts';
import type { RunningOperator } from '../../controlplane/operator.ts';
import { startTarget } from '../../controlplane/targets.ts';
import type { Target } from '../../controlplane/targets.ts';
import { probed } from '../builders/backends.ts';
import { eventually } from '../eventually.ts';
import { conditionOf } from './world.ts';
import type { Spec, World } from './world.ts';

type Slice = Kinds['EndpointSlice'];

/** Seconds of a cut. CUT_SECONDS=60 is what the design promises; fewer take as long as several periods. */
export const cutMs = 1_000 * Number(process.env['CUT_SECONDS'] ?? 12);

/** Ten backends of three hosts with a server each. The first host of each backend is in the zone. */
export class HostGrid {
  readonly names = Array.from({ length: 10 }, (_, n) => `db-${n}`);
  readonly all: readonly string[];
  readonly zone: readonly string[];
  /** Network of the hosts. */
  readonly network: string;
  readonly #prefix: string;
  readonly #servers = new Map<string, Target>();

  /** @param prefix the first two numbers of the addresses */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.network = `${prefix}.0.0/16`;
    this.all = this.names.flatMap((_, n) => this.hostsOf(n));
    this.zone = this.names.flatMap((_, n) => this.hostsOf(n)[0] ?? []).toSorted();
  }

  hostsOf(n: number): readonly string[] {
    return [0, 1, 2].map((k) => `${this.#prefix}.${k}.${n + 1}`);
  }

  /** Returns one host: the k-th of the n-th backend. */
  host(n: number, k: number): string {
    return `${this.#prefix}.${k}.${n + 1}`;
  }

  async start(): Promise<void> {
    await addAddress(...this.all);
    await Promise.all(
      this.all.map(async (address) => this.#servers.set(address, await startTarget({ address, port: 5432 }))),
    );
  }

  server(address: string): Target {
    const found = this.#servers.get(address);
    if (found === undefined) throw new Error(`no server at ${address}`);
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  async publish(world: World, more: Spec = {}): Promise<void> {
    for (const [n, name] of this.names.entries()) await world.apply(name, probed(this.hostsOf(n), more));
    await this.recovered(world);
  }

  /** Waits until all hosts are ready, and no backend reports a problem. */
  async recovered(world: World, deadlineMs = 40_000): Promise<void> {
    for (const server of this.#servers.values()) await server.listen();
    for (const [n, name] of this.names.entries()) await world.serves(name, this.hostsOf(n), deadlineMs);
    await this.reports(world, 'AllHealthy', deadlineMs);
  }

  /** Waits until `Degraded` of all backends has this reason. */
  async reports(world: World, reason: string, deadlineMs = 20_000): Promise<void> {
    const isReported = () => this.names.every((name) => degradedOf(world, name)?.reason === reason);
    await world.backends.until(isReported, deadlineMs, `all backends report ${reason}`);
  }

  /** Returns the hosts that are not ready now. */
  missing(world: World): readonly string[] {
    return this.names.flatMap((name, n) => missingOf(world.slices.objects.values(), name, this.hostsOf(n)));
  }

  /** Waits until exactly these hosts are not ready. */
  async loses(world: World, hosts: readonly string[], deadlineMs: number): Promise<void> {
    const wanted = hosts.toSorted().join();
    const isSo = () => this.missing(world).toSorted().join() === wanted;
    await world.slices.until(isSo, deadlineMs, `not ready: ${wanted}`);
  }

  /** Returns the hosts that were not ready at some instant since an event of the recorded slices. */
  removedSince(world: World, from: number): readonly string[] {
    return removedSince(world, new Map(this.names.map((name, n) => [name, this.hostsOf(n)])), from);
  }
}

/**
 * Returns the hosts that were not ready at some instant since an event of the recorded slices.
 *
 * @param hostsOf by the name of their Service
 */
export function removedSince(
  world: World,
  hostsOf: ReadonlyMap<string, readonly string[]>,
  from: number,
): readonly string[] {
  const slices = new Map<string, Slice>();
  const removed = new Set<string>();
  for (const [at, { type, object }] of world.slices.history.entries()) {
    if (type === 'DELETED') slices.delete(object.metadata.name);
    else slices.set(object.metadata.name, object);
    if (at < from) continue;
    for (const [name, hosts] of hostsOf)
      for (const ip of missingOf(slices.values(), name, hosts)) removed.add(ip);
  }
  return [...removed].toSorted();
}

function missingOf(slices: Iterable<Slice>, name: string, hosts: readonly string[]): readonly string[] {
  const ready = readyAddresses(slices, name);
  return hosts.filter((ip) => !ready.includes(ip));
}

export const degradedOf = (world: World, name: string) =>
  conditionOf(world.backends.objects.get(name), 'Degraded');

/** Returns the names of the backends with an Event of this reason. */
export const namesOfEvents = (world: World, reason: string): readonly string[] =>
  [...world.events.objects.values()]
    .filter((event) => event.reason === reason)
    .map(({ regarding }) => regarding?.name ?? '')
    .toSorted();

export const isIsolated = async (operator: RunningOperator): Promise<boolean> =>
  /^external_backend_isolated 1$/m.test(await operator.metrics());

/** Waits until an operator reports in its metrics that it is cut off, or that it is not. */
export const reportsIsolation = (operator: RunningOperator, is: boolean): Promise<boolean> =>
  eventually(
    () => isIsolated(operator),
    (answer) => answer === is,
    { fact: `isolated: ${is}`, deadlineMs: 20_000 },
  );
