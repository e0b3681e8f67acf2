import type { Logger } from '../../src/util/log.ts';
import { endOf as publishedIn } from '../engine/histories/seen.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';
import { perform } from './acts.ts';
import { ApiFaults } from './api/faults.ts';
import { Cluster } from './cluster.ts';
import { beginMs, endOf, type History } from './history.ts';
import { Targets } from './network/targets.ts';
import { Zones } from './network/zones.ts';
import { Draw } from './random.ts';
import { Recorder, type Violation } from './recorder.ts';
import type { Author, Ports } from './replica-options.ts';
import { Replica } from './replica.ts';
import { boundsFor } from './bounds.ts';
import { Scene } from './scene.ts';
import { Staff } from './staff.ts';

/** Result of a run. */
export interface Course {
  readonly violations: readonly Violation[];
  /** What is published in the end. */
  readonly end: object;
  /** History without events whose begin is the end of this one. */
  readonly afresh: History;
  readonly simulatedMs: number;
  /** Number of changes in the API server. */
  readonly writes: number;
}

const stepMs = 250;
/** Time without a write after which a settled run ends. */
const quietMs = 5_000;
/** Time within which writes must have ended, once all bounds are over. */
const maxQuietMs = 12_000;
/** Steps without a violation are taken no longer after the first one. */
const afterViolationMs = 1_000;

/** Runs one history, and checks all rules except the comparison with another run. */
export const simulate = (history: History, ports: Ports = {}, logger = silent): Promise<Course> =>
  new Run(history, ports, logger).run();

const nothing = (): void => undefined;
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

class Run {
  readonly #history: History;
  readonly #ports: Ports;
  readonly #logger: Logger;
  readonly #clock = new ManualClock();
  readonly #scene: Scene;
  readonly #faults: ApiFaults;
  readonly #recorder: Recorder;
  readonly #staff: Staff;
  #writes = 0;
  /** Instant of the last change of anything but a Lease. */
  #writtenAt = 0;

  constructor(history: History, ports: Ports, logger: Logger) {
    this.#history = history;
    this.#ports = ports;
    this.#logger = logger;
    this.#faults = new ApiFaults(new Draw(history.seed, 'api'));
    const cluster = new Cluster(this.#clock);
    const [targets, zones] = [new Targets(history.hosts, this.#clock), new Zones(history.names)];
    this.#scene = new Scene({ clock: this.#clock, cluster, targets, zones, history });
    this.#recorder = new Recorder(this.#scene);
    this.#staff = new Staff(this.#scene, (index, incarnation) => this.#create(index, incarnation));
    this.#staff.changed = () => this.#recorder.passes();
    cluster.onChange = (change) => {
      this.#writes += 1;
      if ((change.after ?? change.before)?.kind !== 'Lease') this.#writtenAt = this.#clock.now();
      this.#recorder.written(change);
    };
  }

  async run(): Promise<Course> {
    const { backends, replicas, acts } = this.#history;
    for (const [name, spec] of Object.entries(backends))
      this.#scene.edited(name, this.#scene.cluster.edit(name, spec));
    for (let i = 0; i < replicas; i++) this.#staff.start(i);
    await this.#clock.advance(beginMs);
    const stage = { scene: this.#scene, staff: this.#staff, faults: this.#faults };
    for (const act of acts)
      this.#clock.after(act.at, () => {
        this.#recorder.passes();
        perform(act, stage);
      });
    const isWhole = await this.#passes(endOf(this.#history));
    if (isWhole && (await this.#settles())) this.#recorder.ends();
    return {
      violations: this.#recorder.violations,
      end: publishedIn(this.#scene.cluster.api.cluster),
      afresh: this.#afresh(),
      simulatedMs: this.#clock.now(),
      writes: this.#writes,
    };
  }

  #afresh(): History {
    const { cluster, targets, zones } = this.#scene;
    return {
      ...this.#history,
      ...{ seed: this.#history.seed + 1, acts: [], backends: Object.fromEntries(cluster.specs) },
      ...{ hosts: Object.fromEntries(targets.hosts), names: Object.fromEntries(zones.names) },
    };
  }

  /** Lets time pass. Returns false if a rule was broken, after which nothing counts. */
  async #passes(ms: number): Promise<boolean> {
    const until = this.#clock.now() + ms;
    while (this.#clock.now() < until) {
      await this.#clock.advance(stepMs);
      this.#recorder.passes();
      const [first] = this.#recorder.violations;
      if (first !== undefined && this.#clock.now() > first.atMs + afterViolationMs) return false;
    }
    return this.#recorder.violations.length === 0;
  }

  /**
   * Lets time pass until everything has followed the last event and nothing is written any more, or should
   * have.
   */
  async #settles(): Promise<boolean> {
    const specs = this.#scene.backends.flatMap((name) => this.#scene.specOf(name) ?? []);
    const bounds = specs.map(boundsFor).map(({ joinMs, outMs }) => Math.max(joinMs, outMs.dead));
    const until = Math.max(this.#clock.now(), this.#scene.calmFrom) + Math.max(0, ...bounds) + maxQuietMs;
    while (this.#clock.now() < until) {
      const isQuiet = this.#clock.now() - this.#writtenAt > quietMs;
      if (isQuiet && this.#scene.isSettled && this.#recorder.isSettled) break;
      if (!(await this.#passes(stepMs))) return false;
    }
    return true;
  }

  #create(index: number, incarnation: number): Replica {
    const { seed, maxEndpointsPerSlice, hasThreads, isolation, secondOpinion, hasOneWall } = this.#history;
    const draw = new Draw(seed, `machine ${index}`);
    const { targets, zones, evidence, cluster } = this.#scene;
    return new Replica({
      ...{ index, incarnation, seed, maxEndpointsPerSlice, hasThreads, isolation, secondOpinion },
      ...{ world: this.#clock, ports: this.#ports, logger: this.#logger },
      skew: {
        rate: draw.between(0.99, 1.01),
        wallMs: hasOneWall ? 0 : draw.between(-3_600_000, 3_600_000),
      },
      outcome: (check) => targets.outcome(index, check),
      answer: (question, now) => zones.answer(question, now),
      onTerm: (author) => this.#scene.termBegan(author),
      onTermEnd: (author) => this.#termEnds(author),
      onVerdict: (by, check, verdict) => evidence.verdict(by, check, verdict),
      onAnswer: (by, question, answer) => evidence.answer(by, question, answer),
      wire: (replica) => ({
        treatmentOf: ({ method }) => this.#faults.treatmentOf(method !== 'GET'),
        onSent: (request) => {
          if (!isWrite(request)) return;
          this.#recorder.sent(replica.author);
          this.#staff.wrote(replica, 'before');
        },
        handle: (request, sentAt, term) => {
          const answer = cluster.handle(request, { replica, term, sentAt });
          if (isWrite(request)) this.#staff.wrote(replica, 'after');
          return answer;
        },
        termNow: () => replica.author.term,
        watch: (request, send) => cluster.watch(request, send),
      }),
    });
  }

  #termEnds({ replica, term }: Author): void {
    const now = this.#scene.term?.author;
    if (now?.replica === replica && now.term === term) this.#scene.term = undefined;
  }
}

/** Returns true for the writes that the fence is for. */
const isWrite = ({
  method,
  path,
  query,
}: {
  method: string;
  path: string;
  query?: URLSearchParams;
}): boolean => method !== 'GET' && query?.get('dryRun') !== 'All' && !/\/(leases|events)(\/|$)/.test(path);
