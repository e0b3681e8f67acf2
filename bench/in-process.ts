import { addressPolicy } from '../src/core/resolution/address-policy.ts';
import type { Check } from '../src/core/probing/check.ts';
import type { Verdict } from '../src/core/probing/verdict.ts';
import { emptyNameState } from '../src/core/resolution/name-state.ts';
import { Engine } from '../src/engine/engine.ts';
import { LocalProber } from '../src/engine/probing/local-prober.ts';
import type { ProbeFn, Resolver } from '../src/engine/ports.ts';
import type { Logger } from '../src/util/log.ts';
import { RunTally } from '../src/engine/probing/run-tally.ts';
import { KubeClient } from '../src/kube/client/client.ts';
import { ApiCredentials } from '../src/kube/client/credentials.ts';
import { loadKubeConfig } from '../src/kube/client/kube-config.ts';
import { KubeCache } from '../src/kube/cache/cluster-cache.ts';
import { KubeWriter } from '../src/kube/write/writer.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import type { PlaneDetails } from '../test/controlplane/details.ts';

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: console.warn,
  error: console.error,
};

export const up: Verdict = { kind: 'up', reason: 'Connected', message: '' };
export const down: Verdict = { kind: 'down', reason: 'Refused', message: '' };

/** The engine with its real Kubernetes adapters and a probe that returns the verdicts of the bench. */
export interface InProcess {
  readonly client: KubeClient;
  /** Sets the verdict of the check's address from now on. A run that waits returns it at once. */
  say(ip: string, verdict: Verdict): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createClient(plane: PlaneDetails, maxInFlight = 32): KubeClient {
  const credentials = new ApiCredentials(() => loadKubeConfig(plane.kubeconfigs.admin, undefined), clock);
  return new KubeClient({ credentials, clock, random, maxInFlight });
}

/** Receives the function to call when the names of these owners have changed. */
export type CreateResolver = (onNews: (owners: Iterable<string>) => void) => Resolver;

const noNames: CreateResolver = () => ({
  follow: () => undefined,
  state: () => emptyNameState,
  restore: () => undefined,
});

export function createInProcess(plane: PlaneDetails, createResolver = noNames): InProcess {
  const client = createClient(plane);
  const script = new ProbeScript();
  const cache = new KubeCache({
    client,
    clock,
    random,
    logger: quiet,
    namespaces: [],
    onChange: (kind, { before, after }, concerned) => {
      const metadata = (after ?? before)?.metadata;
      if (kind === 'ExternalBackend' && metadata !== undefined)
        engine.backendChanged(`${metadata.namespace}/${metadata.name}`, after);
      engine.enqueue(concerned);
    },
  });
  const nothing = (): void => undefined;
  const engine: Engine = new Engine({
    clock,
    random,
    logger: quiet,
    cache: cache,
    writer: new KubeWriter({ client, cache: cache, mayWrite: () => true }),
    events: { record: nothing },
    resolver: createResolver((owners) => engine.inputsChanged(owners)),
    secrets: { follow: nothing, state: () => undefined },
    autoSelectHandler: false,
    createProber: (listeners) =>
      new LocalProber({
        ...listeners,
        ...{ clock, random, probe: script.probe, tally: new RunTally() },
        limits: { maxConcurrent: 65_535, maxPerHost: 8, maxPerHostAndNamespace: 2 },
      }),
    observer: {
      healthChanged: nothing,
      reconciled: nothing,
      backendFigures: nothing,
      certificateSeen: nothing,
    },
    workers: 1024,
    policy: addressPolicy(),
    legacyEndpoints: true,
    maxEndpointsPerSlice: 100,
  });
  return {
    client,
    say: (ip, verdict) => script.say(ip, verdict),
    start: async () => {
      cache.start();
      await cache.synced;
      engine.start();
      engine.onStartedLeading();
    },
    stop: async () => {
      await Promise.all([cache.stop(), engine.stop(5_000)]);
      await client.close();
    },
  };
}

/** The first run of an address returns `up`. A later run waits for another verdict until just before its timeout. */
class ProbeScript {
  readonly #said = new Map<string, Verdict>();
  readonly #answered = new Map<string, Verdict>();
  readonly #waiting = new Map<string, (verdict: Verdict) => void>();

  readonly probe: ProbeFn = (check: Check, signal: AbortSignal) => {
    const said = this.#said.get(check.ip);
    if (said === undefined) {
      this.#said.set(check.ip, up);
      this.#answered.set(check.ip, up);
      return Promise.resolve(up);
    }
    // The verdict was set between two runs.
    if (said !== this.#answered.get(check.ip)) {
      this.#answered.set(check.ip, said);
      return Promise.resolve(said);
    }
    return new Promise((resolve) => {
      const answer = (verdict: Verdict): void => {
        clearTimeout(timer);
        this.#waiting.delete(check.ip);
        this.#answered.set(check.ip, verdict);
        resolve(verdict);
      };
      const timer = setTimeout(() => answer(this.#said.get(check.ip) ?? up), check.timing.timeoutMs - 10);
      signal.addEventListener('abort', () => answer(up), { once: true });
      this.#waiting.set(check.ip, answer);
    });
  };

  say(ip: string, verdict: Verdict): void {
    this.#said.set(ip, verdict);
    this.#waiting.get(ip)?.(verdict);
  }
}
