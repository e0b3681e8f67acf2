import { HealthTable } from '../../../src/engine/probing/health-table.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import type { Check } from '../../../src/core/probing/check.ts';
import type { Status } from '../../../src/api/external-backend.ts';
import type { SecretState } from '../../../src/core/probing/probe-secrets.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { BackendEvent } from '../../../src/core/events/backend-event.ts';
import { Reconciler, type ReconcilerOptions } from '../../../src/engine/reconcile/reconciler.ts';
import { BackendRegistry } from '../../../src/engine/reconcile/backend-registry.ts';
import { namespace, type BackendInput, type SpecInput } from '../builders/builders.ts';
import { FakeCluster } from './fake-cluster.ts';
import { FakeResolver } from './fake-resolver.ts';
import { ManualClock } from './manual-clock.ts';
import { down, up } from '../builders/verdicts.ts';
import { storeBackend } from './store-backend.ts';

/** The reconciler over a fake cluster, with real health and a scheduler that only records. */
export class ReconcileWorld {
  readonly cluster: FakeCluster;
  readonly clock: ManualClock;
  readonly scheduled = new Map<string, readonly Check[]>();
  /** Ids that were known from before. */
  readonly known = new Set<string>();
  readonly events: BackendEvent[] = [];
  readonly counts = new Map<string, string>();
  readonly reconciler: Reconciler;
  readonly resolver: FakeResolver;
  /** Ids of checks in quarantine. */
  quarantined: readonly string[] = [];
  /** Name -> state of the Secret. */
  readonly secrets = new Map<string, SecretState>();
  readonly #health: HealthTable;
  readonly #registry = new BackendRegistry();

  constructor(
    over: Partial<ReconcilerOptions> = {},
    cluster: FakeCluster = new FakeCluster(),
    clock: ManualClock = new ManualClock(),
  ) {
    this.cluster = cluster;
    this.clock = clock;
    this.resolver = new FakeResolver(clock);
    this.#health = new HealthTable({ clock, onChanged: () => undefined });
    this.reconciler = new Reconciler({
      clock,
      cache: cluster,
      writer: cluster,
      events: { record: (_, event) => void this.events.push(event) },
      resolver: this.resolver,
      secrets: { follow: () => undefined, state: (_, name) => this.secrets.get(name) },
      autoSelectHandler: false,
      registry: this.#registry,
      prober: {
        healthOf: (owner) => this.#health.healthOf(owner),
        restore: (owner, checkId, health) => this.#health.restore(owner, checkId, health),
        set: (owner, checks, { fresh }) => {
          this.#health.retain(
            owner,
            checks.map(({ id }) => id),
          );
          this.scheduled.set(owner, checks);
          for (const check of checks) if (!fresh(check)) this.known.add(check.id);
        },
        quarantined: () => this.quarantined,
        forget: (owner) => {
          this.scheduled.delete(owner);
          this.#health.forget(owner);
        },
      },
      policy: addressPolicy(),
      statusPauseMs: 0,
      legacyEndpoints: true,
      maxEndpointsPerSlice: 100,
      onFigures: (key, count) =>
        void this.counts.set(key, count === undefined ? 'gone' : `${count.ready}/${count.total}`),
      ...over,
    });
  }

  /** Returns another process over the same cluster and clock. */
  restarted(): ReconcileWorld {
    return new ReconcileWorld({}, this.cluster, this.clock);
  }

  /** Stores a resource as a user. The stored status remains. */
  store(spec: SpecInput = {}, input: BackendInput = {}): void {
    storeBackend(this.cluster, spec, input);
    this.hear(input.name);
  }

  /** Reports a resource as the watch does, before its key is reconciled. */
  hear(name = 'orders-db'): ReadonlySet<string> {
    return this.#registry.update(`${namespace}/${name}`, this.cluster.backend(namespace, name));
  }

  remove(name = 'orders-db'): void {
    this.cluster.remove('ExternalBackend', namespace, name);
    this.hear(name);
  }

  /** Runs once, and returns what it wrote. */
  async run(name = 'orders-db') {
    const before = this.cluster.writes.length;
    const outcome = await this.reconciler.reconcile(`${namespace}/${name}`);
    return { outcome, writes: this.cluster.writes.slice(before).map(text) };
  }

  /** Gives `verdict` to an address, or to all. */
  say(verdict: Verdict, ip?: string, name = 'orders-db'): void {
    const { uid = '' } = this.cluster.backend(namespace, name)?.metadata ?? {};
    for (const check of this.scheduled.get(uid) ?? [])
      if (ip === undefined || check.ip === ip) this.#health.record(uid, check, verdict);
  }

  /** Gives a verdict to one check. */
  judge(check: Check, verdict: Verdict, name = 'orders-db'): void {
    const { uid = '' } = this.cluster.backend(namespace, name)?.metadata ?? {};
    this.#health.record(uid, check, verdict);
  }

  /** Stores, probes everything with success, and runs until all is written. */
  async bringUp(spec: SpecInput = {}, input: BackendInput = {}): Promise<void> {
    this.store(spec, input);
    await this.run(input.name);
    this.say(up, undefined, input.name);
    await this.run(input.name);
  }

  /** Gives enough failures to make an address unhealthy. */
  fail(ip?: string): void {
    for (let i = 0; i < 3; i++) this.say(down, ip);
  }

  status(name = 'orders-db'): Status {
    return (this.cluster.backend(namespace, name) as { status?: Status } | undefined)?.status ?? {};
  }

  ready(name = 'orders-db'): string {
    const condition = this.status(name).conditions?.find(({ type }) => type === 'Ready');
    return `${condition?.status ?? '-'} ${condition?.reason ?? '-'}`;
  }

  /** Returns the addresses in the slices of a Service, with a `+` if ready. */
  published(service = 'orders-db'): readonly string[] {
    const endpoints = this.cluster.slices(namespace, service).flatMap((slice) => slice.endpoints ?? []);
    return endpoints
      .map((e) => `${e.conditions?.ready === true ? '+' : '-'}${e.addresses.join()}`)
      .toSorted();
  }
}

function text(action: Action): string {
  if (action.op === 'create' || action.op === 'update') return `${action.op} ${action.object.kind}`;
  if (action.op === 'delete') return `delete ${action.ref.kind}`;
  return action.op;
}
