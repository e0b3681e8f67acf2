import type { Check } from '../../core/probing/check.ts';
import { reachOf } from '../../core/probing/verdict.ts';
import type { Clock } from '../../util/clock.ts';
import type { ProbeOnceFn } from '../ports.ts';
import type { ObservedPath } from '../probing/host-paths.ts';

/** Address that answers as long as this process is connected, whatever the backends. */
export interface Canary {
  readonly ip: string;
  readonly port: number;
}

const TIMEOUT_MS = 1_000;

/**
 * Probes canaries on request, in a probe thread, because a TCP probe also reads what the server sends. A canary that is
 * being probed is not probed a second time.
 */
export class Canaries {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #probe: ProbeOnceFn;
  readonly #checks: readonly Check[];
  readonly #running = new Set<string>();

  constructor(canaries: readonly Canary[], clock: Pick<Clock, 'now'>, probe: ProbeOnceFn) {
    this.#clock = clock;
    this.#probe = probe;
    this.#checks = canaries.map(checkOf);
  }

  /** Names of the canaries: address and port. */
  get names(): readonly string[] {
    return this.#checks.map(({ id }) => id);
  }

  /** Probes all canaries, and reports each that answers or does not. */
  probe(onPath: (path: ObservedPath) => void): void {
    for (const check of this.#checks) if (!this.#running.has(check.id)) void this.#runProbe(check, onPath);
  }

  async #runProbe(check: Check, onPath: (path: ObservedPath) => void): Promise<void> {
    this.#running.add(check.id);
    const at = this.#clock.now();
    try {
      const path = reachOf(await this.#probe(check, new AbortController().signal));
      if (path === 'reached') onPath({ ip: check.id, reachedAt: at, unreachedAt: -Infinity });
      else if (path === 'unreached') onPath({ ip: check.id, reachedAt: -Infinity, unreachedAt: at });
    } catch {
      // A probe that throws has no evidence.
    } finally {
      this.#running.delete(check.id);
    }
  }
}

function checkOf({ ip, port }: Canary): Check {
  const family = ip.includes(':') ? 'IPv6' : 'IPv4';
  const id = family === 'IPv6' ? `[${ip}]:${port}` : `${ip}:${port}`;
  const timing = {
    ...{ initialDelayMs: 0, periodMs: 1_000, timeoutMs: TIMEOUT_MS },
    ...{ successThreshold: 1, failureThreshold: 1 },
  };
  return { id, ip, family, port, host: ip, handler: { kind: 'tcpSocket' }, timing };
}
