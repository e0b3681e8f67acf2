import type { Action } from '../../../src/core/kubernetes/action.ts';
import { parseBackend } from '../../../src/api/parse.ts';
import {
  aService,
  aSlice,
  aStoredBackend,
  namespace,
  someEndpoints,
  type SpecInput,
} from '../../support/builders/builders.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { ApiServer } from './api-server.ts';
import { boundsOf, type Bounds } from './bounds.ts';
import type { Cut, History } from './history.ts';
import { Judge } from './judge.ts';
import { Outside } from './outside.ts';
import { Replica, type Term } from './replica.ts';
import { endOf } from './seen.ts';

const name = 'db';

/** Result of a history. */
export interface Course {
  readonly faults: readonly string[];
  /** Number of writes that were sent from the first event until the first cut. */
  readonly writes: number;
  /** Number of cuts that happened. */
  readonly cuts: number;
  readonly end: object;
}

/** Runs one history: replicas of the operator over one API server, and the events outside. */
export async function run(history: History): Promise<Course> {
  return new World(history).run();
}

class World {
  readonly #history: History;
  readonly #clock = new ManualClock();
  readonly #api = new ApiServer<Term>();
  readonly #outside: Outside;
  readonly #judge: Judge;
  readonly #replicas: Replica[] = [];
  readonly #cuts: Cut[];
  #terms = 0;
  #term: Term | undefined;
  #generation = 0;
  #bounds: Bounds | undefined;
  #failbackMs = 0;
  /** Number of writes since the first event or since the last cut ended; undefined: not counted. */
  #sent: number | undefined;
  #writes = 0;
  /** Number of each action among them. */
  #numbers = new WeakMap<Action, number>();
  #passed = 0;
  /** Time of the last disturbance. */
  #disturbedAt = 0;

  constructor(history: History) {
    this.#history = history;
    const { servers, names, refuses } = history.scenario;
    this.#cuts = [...history.cuts];
    this.#outside = new Outside(servers, names, refuses);
    this.#judge = new Judge(() => this.#clock.now(), this.#outside);
    this.#api.onChange = (by) => {
      this.#judge.published(this.#api.cluster, by);
      for (const replica of this.#replicas) replica.notify();
    };
  }

  async run(): Promise<Course> {
    const { scenario } = this.#history;
    if (scenario.handmade !== undefined) this.#writeByHand(scenario.handmade);
    if (scenario.spec !== undefined) this.#edit(scenario.spec);
    const [first] = [this.#start(), this.#start()];
    this.#lead(first, 0);
    await this.#passes(6_000);
    this.#sent = 0;
    const from = this.#clock.now();
    for (const act of scenario.acts)
      this.#clock.after(act.at, () => {
        this.#stall(0);
        if (act.op === 'edit') this.#edit(act.spec);
        else {
          this.#judge.check();
          this.#outside.act(act);
          this.#judge.changed();
        }
      });
    this.#disturbedAt = from + Math.max(0, ...scenario.acts.map(({ at }) => at));
    while (this.#clock.now() < this.#disturbedAt + this.#quietMs()) await this.#passes(250);
    const { faults } = this.#judge;
    return { faults, writes: this.#writes, cuts: this.#passed, end: endOf(this.#api.cluster) };
  }

  #quietMs(): number {
    return (this.#bounds?.joinMs ?? 0) + (this.#bounds?.outMs.dead ?? 0) + this.#failbackMs + 3_000;
  }

  async #passes(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    this.#judge.check();
  }

  #writeByHand(ips: readonly string[]): void {
    const metadata = { name };
    this.#api.put(aService({ clusterIP: '10.96.0.7' }, metadata));
    this.#api.put(someEndpoints(ips, metadata));
    const labels = {
      'kubernetes.io/service-name': name,
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    };
    this.#api.put(aSlice(ips, undefined, { name: `${name}-mirrored`, labels }));
  }

  #edit(spec: SpecInput): void {
    this.#generation += 1;
    const before = this.#api.cluster.backend(namespace, name) as { status?: unknown } | undefined;
    const stored = aStoredBackend(spec, { name, generation: this.#generation, status: before?.status });
    const parsed = parseBackend(stored);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    this.#bounds = boundsOf(parsed.backend.spec);
    this.#failbackMs =
      parsed.backend.spec.mode === 'ExternalName' ? parsed.backend.spec.failbackSeconds * 1000 : 0;
    this.#api.put(stored);
    this.#judge.edited(parsed.backend.spec);
    this.#judge.published(this.#api.cluster, undefined);
  }

  #start(): Replica {
    const { seed, writeMs, arrives, maxEndpointsPerSlice } = this.#history;
    const number = this.#replicas.length;
    const replica = new Replica({
      ...{ name: `replica ${number}`, seed: seed + number, clock: this.#clock, writeMs, arrives },
      ...{ api: this.#api, outside: this.#outside, maxEndpointsPerSlice },
      term: (of) => (this.#term?.replica === of ? this.#term : { replica: of, number: -1 }),
      onTerm: (of) => this.#termBegins(of),
      onWrite: (of, when, action) => this.#onWrite(of, when, action),
      onVerdict: (term, check, verdict) => this.#judge.heard(term, check, verdict),
    });
    this.#replicas.push(replica);
    replica.start();
    return replica;
  }

  /** @param lateMs for which its watch reports nothing yet, if there is something to report */
  #lead(replica: Replica, lateMs: number): void {
    replica.lateUntil = this.#clock.now() + (replica.caughtUp ? 0 : lateMs);
    replica.lead();
    replica.notify();
  }

  #termBegins(replica: Replica): void {
    this.#terms += 1;
    const term = { replica, number: this.#terms };
    this.#term = term;
    const begins = (): void => {
      if (this.#term !== term || !replica.leads || !replica.net.api || replica.net.isCut) return;
      if (!replica.caughtUp) {
        this.#clock.after(20, begins);
        return;
      }
      this.#judge.termBegins(term);
      this.#stall(0);
    };
    begins();
  }

  #onWrite(replica: Replica, when: 'before' | 'after', action: Action): void {
    if (this.#sent === undefined || this.#term?.replica !== replica) return;
    if (when === 'before') {
      this.#numbers.set(action, this.#sent);
      this.#sent += 1;
      if (this.#passed === 0) this.#writes += 1;
    }
    const [cut] = this.#cuts;
    if (cut === undefined || cut.when !== when || this.#numbers.get(action) !== cut.write) return;
    this.#cuts.shift();
    this.#sent = undefined;
    this.#numbers = new WeakMap();
    this.#passed += 1;
    if (cut.by === 'lapse') this.#lapse(replica, cut);
    else if (cut.by === 'silence') this.#silence(replica, cut.seconds * 1000);
    else void this.#end(replica, cut);
  }

  /** Shorter than the trust in the lease: no other replica leads meanwhile. */
  #silence(replica: Replica, ms: number): void {
    this.#judge.termEnds();
    this.#stall(ms + 3_000);
    replica.net.cut();
    this.#clock.after(ms, () => {
      replica.restore();
      this.#sent = 0;
    });
  }

  async #end(replica: Replica, cut: Exclude<Cut, { by: 'lapse' | 'silence' }>): Promise<void> {
    this.#judge.termEnds();
    this.#stall(cut.takeoverMs + cut.lateMs);
    this.#freeze(cut.lateMs);
    if (cut.by === 'SIGKILL') replica.kill();
    else await replica.terminate();
    this.#clock.after(Math.max(250, cut.takeoverMs), () => this.#succeed(cut));
  }

  /** The watch of the standby is behind already when it becomes the leader. */
  #freeze(lateMs: number): void {
    if (lateMs > 0)
      for (const replica of this.#replicas)
        if (!replica.leads) replica.lateUntil = this.#clock.now() + 10_000_000;
  }

  #stall(ms: number): void {
    this.#disturbedAt = Math.max(this.#disturbedAt, this.#clock.now() + ms);
  }

  #succeed({ successor, lateMs }: { successor: 'standby' | 'fresh'; lateMs: number }): void {
    const standby = this.#replicas.find((each) => each.alive && !each.leads && each.net.api);
    this.#lead(successor === 'standby' && standby !== undefined ? standby : this.#start(), lateMs);
    this.#start();
    this.#sent = 0;
  }

  #lapse(replica: Replica, cut: Extract<Cut, { by: 'lapse' }>): void {
    const { lost, trustMs, lateMs, other } = cut;
    const lapseMs = cut.seconds * 1000;
    this.#stall(trustMs + lapseMs + lateMs);
    if (lost.api) this.#judge.termEnds();
    replica.net.api = !lost.api;
    replica.net.targets = !lost.targets;
    this.#freeze(other === 'none' ? 0 : lateMs);
    this.#clock.after(trustMs, () => {
      this.#judge.termEnds();
      replica.lapse();
      if (other !== 'none') this.#clock.after(lapseMs / 2, () => this.#other(replica, cut));
      this.#clock.after(lapseMs, () => this.#restore(replica, cut));
    });
  }

  #other(replica: Replica, { lateMs, other }: Extract<Cut, { by: 'lapse' }>): void {
    const next = this.#replicas.find((each) => each.alive && each !== replica);
    if (next === undefined) return;
    this.#lead(next, lateMs);
    if (other === 'stays') this.#sent = 0;
  }

  #restore(replica: Replica, { lateMs, other }: Extract<Cut, { by: 'lapse' }>): void {
    replica.net.restore();
    if (other === 'stays') {
      replica.notify();
      return;
    }
    this.#judge.termEnds();
    const [visitor] = this.#replicas.filter((each) => each.leads && each !== replica);
    void (visitor?.terminate() ?? Promise.resolve()).then(() => {
      this.#lead(replica, lateMs);
      this.#start();
      this.#sent = 0;
    });
  }
}
