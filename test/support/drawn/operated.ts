import { setImmediate } from 'node:timers/promises';
import type { Family } from '../../../src/core/kubernetes/objects.ts';
import { namespace, type SpecInput } from '../builders/builders.ts';
import { EngineWorld } from '../fakes/engine-world.ts';
import { FakeCluster } from '../fakes/fake-cluster.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { verdictOf, type Outside } from './outside.ts';
import { ZoneResolver } from './zone-resolver.ts';
import { isReadyIn } from '../../../src/core/publish/slice-readiness.ts';

/** Flags of the operator that change what it writes. */
export interface Flags {
  readonly maxEndpointsPerSlice: number;
  readonly legacyEndpoints: boolean;
  readonly autoSelectHandler: boolean;
}

const name = 'orders-db';
const key = `${namespace}/${name}`;
const secret = { username: 'probe', password: 'x', 'ca.crt': 'CA', 'other.crt': 'CA' };
const data = { ...secret, 'tls.crt': 'CRT', 'tls.key': 'KEY' };

/** Longer than any threshold, delay, failback and retry in the drawn specs. */
const settledMs = 100_000;

/** A fake cluster with one backend, and the operator that reconciles it. */
export class Operated {
  readonly cluster = new FakeCluster();
  /** Called after each write. */
  onWrite: () => void = () => undefined;
  readonly #clock = new ManualClock();
  #outside: Outside;
  #world: EngineWorld;
  #generation = 0;

  constructor(families: readonly Family[], flags: Flags, outside: Outside) {
    this.cluster.families = families;
    let seen = 0;
    this.cluster.onWrite = () => {
      this.onWrite();
      // Checks and sweeps that change nothing cause no event of a watch.
      if (this.cluster.writes.length > seen) this.#clock.after(1, () => this.#world.engine.enqueue([key]));
      seen = this.cluster.writes.length;
    };
    this.#outside = outside;
    this.#world = this.#start(flags);
  }

  /** Stores the spec, and waits until nothing changes any more. */
  async edit(spec: SpecInput, outside = this.#outside): Promise<void> {
    this.#outside = outside;
    this.#world.store(spec, { generation: (this.#generation += 1) });
    await this.pass(settledMs);
  }

  /** Stops the process, and starts the next one. */
  async restart(flags: Flags): Promise<void> {
    await this.#world.stop();
    this.#world = this.#start(flags);
    this.#world.hear();
  }

  async pass(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    await setImmediate();
  }

  /** Returns the statuses and reasons of its conditions. */
  conditions(): readonly string[] {
    const told = this.#world.status().conditions ?? [];
    return told.map(({ type, status, reason }) => `${type} ${status} ${reason}`).toSorted();
  }

  /** Returns status and reason of the condition Ready. */
  ready(): string {
    return (
      this.conditions()
        .find((each) => each.startsWith('Ready '))
        ?.slice('Ready '.length) ?? ''
    );
  }

  /**
   * Returns `ip port` of each endpoint that serves in the slices of a Service. Endpoints that are ready only
   * because of `publishNotReadyAddresses` do not count, because an edit of that field or of the probe removes
   * them.
   */
  servingPlaces(service: string): readonly string[] {
    const places = this.cluster.slices(namespace, service).flatMap((slice) => {
      const serving = (slice.endpoints ?? []).filter(isReadyIn(slice));
      return serving.flatMap(({ addresses: [ip] }) => (slice.ports ?? []).map(({ port }) => `${ip} ${port}`));
    });
    return [...new Set(places)].toSorted();
  }

  #start(flags: Flags): EngineWorld {
    const { cluster } = this;
    const clock = this.#clock;
    const resolver = new ZoneResolver(clock, (owner) => world.engine.inputsChanged([owner]));
    const world: EngineWorld = new EngineWorld({
      ...{ cluster, clock, resolver, ...flags },
      secrets: { follow: () => undefined, state: () => ({ data }) },
      probe: (check) => Promise.resolve(verdictOf(this.#outside, check)),
    });
    world.engine.onStartedLeading();
    return world;
  }
}
