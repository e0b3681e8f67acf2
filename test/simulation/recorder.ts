import type { Change } from './cluster.ts';
import type { Author } from './replica-options.ts';
import type { Move, Rule } from './rules/rule.ts';
import { rules, type RuleName } from './rules/rules.ts';
import { listedByService, readyAnywhere, readyByService } from './published.ts';
import { type Scene } from './scene.ts';

export interface Violation {
  readonly rule: RuleName;
  readonly atMs: number;
  readonly text: string;
}

const none: ReadonlySet<string> = new Set();

/** Watches a run from outside, over all slices, and checks every rule at every instant. */
export class Recorder {
  readonly violations: Violation[] = [];
  readonly #scene: Scene;
  readonly #rules: readonly Rule[];
  #ready: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #anywhere: ReadonlySet<string> = none;
  #listed: ReadonlyMap<string, ReadonlySet<string>> = new Map();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#rules = Object.entries(rules).map(([rule, create]) =>
      create(scene, (text) => this.fault(rule as RuleName, text)),
    );
  }

  fault(rule: RuleName, text: string): void {
    this.violations.push({ rule, atMs: this.#scene.now, text });
  }

  written(change: Change): void {
    const kind = (change.after ?? change.before)?.kind;
    const moves = kind === 'EndpointSlice' || kind === 'Endpoints' ? this.#moves() : [];
    for (const rule of this.#rules) rule.written?.(change, moves);
  }

  sent(by: Author): void {
    for (const rule of this.#rules) rule.sent?.(by);
  }

  passes(): void {
    for (const rule of this.#rules) rule.passes?.();
  }

  get isSettled(): boolean {
    return this.#rules.every((rule) => rule.isSettled?.() !== false);
  }

  ends(): void {
    for (const rule of this.#rules) rule.ends?.();
  }

  #moves(): readonly Move[] {
    const before = this.#ready;
    const after = readyByService(this.#scene.cluster);
    this.#ready = after;
    const [were, listed] = [this.#anywhere, this.#listed];
    this.#listed = listedByService(this.#scene.cluster);
    this.#anywhere = readyAnywhere(this.#scene.cluster);
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((service) => {
      const [was, is] = [before.get(service) ?? none, after.get(service) ?? none];
      const left = [...was].filter((ip) => !is.has(ip));
      const joined = [...is].filter((ip) => !was.has(ip));
      return [
        ...left.map((ip) => ({ ip, isReady: false, wasReady: true })),
        ...joined.map((ip) => ({ ip, isReady: true, wasReady: were.has(ip) })),
      ].map((move) => ({
        ...{ ...move, service, readyBefore: was },
        wasListed: listed.get(service)?.has(move.ip) === true,
      }));
    });
  }
}
