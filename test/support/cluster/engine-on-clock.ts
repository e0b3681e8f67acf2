import { setTimeout as sleep } from 'node:timers/promises';

import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { KubeCache } from '../../../src/kube/cache/cluster-cache.ts';
import { KubeWriter } from '../../../src/kube/write/writer.ts';
import { systemClock, systemRandom } from '../../../src/system-clock.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import { clientFor, silent } from '../../kube/support/connect.ts';
import { EngineWorld } from '../fakes/engine-world.ts';
import type { ManualClock } from '../fakes/manual-clock.ts';

/** The engine on a clock that only the test advances, over a real API server. Probes return the verdicts at once. */
export interface EngineOnClock {
  /** Reasons of the Events so far. */
  events(): readonly string[];
  /** Lets time pass on the clock. */
  pass(ms: number): Promise<void>;
  /** Lets time pass in steps of a twentieth of a second until the fact holds. Fails after `deadlineMs` of real time. */
  until(fact: string, holds: () => boolean, deadlineMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export interface EngineOnClockOptions {
  readonly namespace: string;
  readonly clock: ManualClock;
  /** By IP. Default: up. */
  readonly verdicts: Map<string, Verdict>;
}

export async function startEngineOnClock(
  plane: PlaneDetails,
  { namespace, clock, verdicts }: EngineOnClockOptions,
): Promise<EngineOnClock> {
  const client = clientFor(plane, { user: 'operator' });
  const cache: KubeCache = new KubeCache({
    ...{ client, clock: systemClock, random: systemRandom, logger: silent, namespaces: [namespace] },
    onChange: (kind, { before, after }, concerned) => {
      const name = (after ?? before)?.metadata.name ?? '';
      if (kind === 'ExternalBackend') world.engine.backendChanged(`${namespace}/${name}`, after);
      world.engine.enqueue(concerned);
    },
  });
  const writer = new KubeWriter({ client, cache, mayWrite: () => true });
  const world = new EngineWorld({ clock, verdicts, cache, writer });
  cache.start();
  await cache.synced;
  world.engine.onStartedLeading();
  const until = async (fact: string, holds: () => boolean, deadlineMs = 20_000): Promise<void> => {
    const end = performance.now() + deadlineMs;
    while (!holds()) {
      if (performance.now() > end)
        throw new Error(`not so at ${new Date(clock.wall()).toISOString()}: ${fact}`);
      await clock.advance(50);
      await sleep(2);
    }
  };
  return {
    events: () => world.events.map(({ reason }) => reason),
    pass: async (ms) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        await clock.advance(Math.min(1_000, ms - passed));
        await sleep(1); // The API server answers between the steps.
      }
    },
    until,
    stop: async () => {
      let isStopped = false;
      const stopped = world.engine.stop(20_000).then(() => (isStopped = true));
      await until('the engine stops', () => isStopped);
      await stopped;
      await cache.stop();
      await client.close();
    },
  };
}
