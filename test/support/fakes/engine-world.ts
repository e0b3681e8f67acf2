import type { Status } from '../../../src/api/external-backend.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { Engine, type EngineOptions } from '../../../src/engine/engine.ts';
import { LocalProber } from '../../../src/engine/probing/local-prober.ts';
import type { BackendEvent } from '../../../src/core/events/backend-event.ts';
import type { ProbeFn, Writer } from '../../../src/engine/ports.ts';
import { RunTally } from '../../../src/engine/probing/run-tally.ts';
import { namespace, type BackendInput, type SpecInput } from '../builders/builders.ts';
import { FakeCluster } from './fake-cluster.ts';
import { FakeResolver } from './fake-resolver.ts';
import { ManualClock } from './manual-clock.ts';
import { cancelled, up } from '../builders/verdicts.ts';
import { storeBackend } from './store-backend.ts';

export interface EngineWorldInput extends Partial<EngineOptions> {
  readonly cluster?: FakeCluster;
  readonly clock?: ManualClock;
  /** Verdicts by IP; shared by the processes of one history. */
  readonly verdicts?: Map<string, Verdict>;
  /** Default: returns the verdict in `verdicts`. */
  readonly probe?: ProbeFn;
}

/**
 * One process of the operator without its network: the whole engine over a fake cluster, a manual clock, and
 * probes that return the verdict in `verdicts` for the IP at once (default `up`). A second process of the
 * same cluster is `successor`.
 */
export class EngineWorld {
  readonly cluster: FakeCluster;
  readonly clock: ManualClock;
  readonly resolver: FakeResolver;
  readonly engine: Engine;
  readonly verdicts: Map<string, Verdict>;
  readonly events: BackendEvent[] = [];
  /** Key of the backend -> `ready/total` as the metrics report it. */
  readonly series = new Map<string, string>();
  /** IPs in the order in which they were probed. */
  readonly probed: string[] = [];
  /** True if writes pass the fence of the writer. */
  leads = true;
  /** Milliseconds for which each write is in flight. */
  writeMs = 0;
  /** Until it resolves, a probe waits for its verdict; undefined: no wait. */
  hold: Promise<unknown> | undefined;

  constructor({ cluster, clock, verdicts, probe, ...over }: EngineWorldInput = {}) {
    this.cluster = cluster ?? new FakeCluster();
    this.clock = clock ?? new ManualClock();
    this.verdicts = verdicts ?? new Map<string, Verdict>();
    this.resolver = new FakeResolver(this.clock);
    const nothing = (): void => undefined;
    this.engine = new Engine({
      clock: this.clock,
      random: () => 0.5,
      logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      cache: this.cluster,
      writer: this.#writer(),
      events: { record: (_, event) => void this.events.push(event) },
      resolver: this.resolver,
      secrets: { follow: nothing, state: () => undefined },
      createProber: (listeners) =>
        new LocalProber({
          ...listeners,
          clock: this.clock,
          random: () => 0.5,
          probe: probe ?? ((check, signal) => this.#probe(check, signal)),
          limits: { maxConcurrent: 4096, maxPerHost: 8, maxPerHostAndNamespace: 2 },
          tally: new RunTally(),
        }),
      observer: {
        healthChanged: nothing,
        reconciled: nothing,
        certificateSeen: nothing,
        backendFigures: (key, has) => {
          if (has === undefined) this.series.delete(key);
          else this.series.set(key, `${has.ready}/${has.total}`);
        },
      },
      workers: 64,
      policy: addressPolicy(),
      autoSelectHandler: false,
      legacyEndpoints: true,
      maxEndpointsPerSlice: 100,
      ...over,
    });
    this.engine.start();
  }

  /** Returns another process over the same cluster, clock and servers, with the resources in its view. */
  successor(over: EngineWorldInput = {}): EngineWorld {
    const { cluster, clock, verdicts } = this;
    const next = new EngineWorld({ cluster, clock, verdicts, ...over });
    for (const { metadata } of cluster.backends()) next.hear(metadata.name);
    return next;
  }

  /** Stores the resource as a user does. Its status remains. */
  store(spec: SpecInput = {}, input: BackendInput = {}): void {
    storeBackend(this.cluster, spec, input);
    this.hear(input.name);
  }

  /** Reports the resource, as the watch does. */
  hear(name = 'orders-db'): void {
    this.engine.backendChanged(`${namespace}/${name}`, this.cluster.backend(namespace, name));
  }

  /** Stops the process. Writes in flight are finished. */
  async stop(): Promise<void> {
    await Promise.all([this.engine.stop(20_000), this.clock.advance(20_000)]);
  }

  /** Returns the addresses in the slices of a Service, with a `+` if ready. */
  published(service = 'orders-db'): string {
    return this.cluster
      .slices(namespace, service)
      .flatMap((slice) => slice.endpoints ?? [])
      .map((e) => `${e.conditions?.ready === true ? '+' : '-'}${e.addresses.join()}`)
      .toSorted()
      .join(' ');
  }

  status(name = 'orders-db'): Status {
    return (this.cluster.backend(namespace, name) as { status?: Status } | undefined)?.status ?? {};
  }

  #writer(): Writer {
    return {
      perform: async (action) => {
        this.#fence();
        if (this.writeMs > 0) await new Promise<void>((done) => this.clock.after(this.writeMs, done));
        this.#fence();
        await this.cluster.perform(action);
      },
    };
  }

  #fence(): void {
    if (!this.leads)
      throw new OperatorError('this replica is not the leader', {
        kind: 'waiting',
        reason: 'NotLeader',
        afterMs: 5_000,
      });
  }

  async #probe({ ip }: Check, signal: AbortSignal): Promise<Verdict> {
    this.probed.push(ip);
    await this.hold;
    return signal.aborted ? cancelled : (this.verdicts.get(ip) ?? up);
  }
}
