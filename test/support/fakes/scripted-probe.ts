import { cancelled, timedOut, up } from '../builders/verdicts.ts';
import type { Check, Timing } from '../../../src/core/probing/check.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { ProbeFn } from '../../../src/engine/ports.ts';
import type { Clock } from '../../../src/util/clock.ts';

/** Returns a TCP check of 10.0.0.1:5432 every 10 s, except for the given fields. */
export function aCheck(over: Partial<Omit<Check, 'timing'>> & { timing?: Partial<Timing> } = {}): Check {
  const ip = over.ip ?? '10.0.0.1';
  const port = over.port ?? 5432;
  const timing = {
    initialDelayMs: 0,
    periodMs: 10_000,
    timeoutMs: 1_000,
    successThreshold: 1,
    failureThreshold: 3,
  };
  return {
    id: `${ip}:${port}`,
    family: 'IPv4',
    host: ip,
    handler: { kind: 'tcpSocket' },
    ...over,
    ip,
    port,
    timing: { ...timing, ...over.timing },
  };
}

/**
 * ProbeBehaviour of a target: responds at once or after a while, does not respond until the timeout, throws, or
 * never ends.
 */
export type ProbeBehaviour =
  Verdict | { readonly afterMs: number; readonly verdict: Verdict } | 'hangs' | 'throws' | 'never settles';

/** A probe that follows scripts. Targets are up by default; the last behaviour of a script remains. */
export class ScriptedProbe {
  readonly #clock: Clock;
  readonly #scripts = new Map<string, ProbeBehaviour[]>();
  readonly #running = new Map<string, number>();
  /** Every start, in order. */
  readonly starts: { readonly id: string; readonly at: number }[] = [];
  /** Highest number of concurrent runs: in all, of one check, of one host. */
  readonly peak = { all: 0, check: 0, host: 0 };
  aborted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  play(id: string, ...script: ProbeBehaviour[]): void {
    this.#scripts.set(id, script);
  }

  startsOf(id: string): number[] {
    return this.starts.filter((start) => start.id === id).map((start) => start.at);
  }

  get running(): number {
    return this.#running.get('all') ?? 0;
  }

  readonly probe: ProbeFn = async (check, signal) => {
    this.starts.push({ id: check.id, at: this.#clock.now() });
    const names = { all: 'all', check: `check ${check.id}`, host: `host ${check.ip}` } as const;
    for (const kind of ['all', 'check', 'host'] as const) {
      this.peak[kind] = Math.max(this.peak[kind], this.#count(names[kind], 1));
    }
    signal.addEventListener('abort', () => (this.aborted += 1));
    try {
      return await this.#act(check, signal);
    } finally {
      for (const name of Object.values(names)) this.#count(name, -1);
    }
  };

  #count(name: string, by: number): number {
    const count = (this.#running.get(name) ?? 0) + by;
    this.#running.set(name, count);
    return count;
  }

  #act(check: Check, signal: AbortSignal): Promise<Verdict> {
    const script = this.#scripts.get(check.id) ?? [up];
    const behaviour = (script.length > 1 ? script.shift() : script[0]) ?? up;
    if (behaviour === 'throws') throw new Error('a bug in the probe');
    if (behaviour === 'never settles') return new Promise(() => undefined);
    if (behaviour === 'hangs') return this.#later(check.timing.timeoutMs, timedOut, signal);
    if ('afterMs' in behaviour) return this.#later(behaviour.afterMs, behaviour.verdict, signal);
    return Promise.resolve(behaviour);
  }

  #later(ms: number, verdict: Verdict, signal: AbortSignal): Promise<Verdict> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ms, () => resolve(verdict));
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve(cancelled);
      });
    });
  }
}
