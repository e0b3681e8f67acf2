import type { Check } from '../../../src/core/probing/check.ts';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import type { Role } from '../../../src/core/role.ts';

export interface Server {
  readonly alive: boolean;
  /** Undefined: the probe cannot find it out. */
  readonly role?: Role | undefined;
}

/** One event outside the operator. */
export type Act =
  | { readonly op: 'die'; readonly ip: string }
  | { readonly op: 'live'; readonly ip: string; readonly role?: Role }
  | { readonly op: 'demote' | 'promote'; readonly ip: string }
  | { readonly op: 'move'; readonly name: string; readonly ips: readonly string[] }
  | { readonly op: 'edit'; readonly spec: Readonly<Record<string, unknown>> };

/** The servers outside the cluster, and their host names. */
export class Outside {
  readonly servers: Map<string, Server>;
  readonly names: Map<string, readonly string[]>;
  /** True if a failed server refuses connections; otherwise it does not respond. */
  readonly #refuses: boolean;

  constructor(
    servers: Readonly<Record<string, Server>>,
    names: Readonly<Record<string, readonly string[]>>,
    refuses: boolean,
  ) {
    this.servers = new Map(Object.entries(servers));
    this.names = new Map(Object.entries(names));
    this.#refuses = refuses;
  }

  act(act: Exclude<Act, { op: 'edit' }>): void {
    if (act.op === 'move') {
      this.names.set(act.name, act.ips);
      return;
    }
    const { alive, role } = this.servers.get(act.ip) ?? { alive: false };
    const roles = {
      die: role,
      live: 'role' in act ? act.role : role,
      promote: 'Primary',
      demote: 'Replica',
    } as const;
    this.servers.set(act.ip, {
      alive: act.op === 'live' || (act.op !== 'die' && alive),
      role: roles[act.op],
    });
  }

  /** Returns the verdict of a probe that ends now, and its duration. */
  probed({ ip, timing }: Check): { readonly verdict: Verdict; readonly afterMs: number } {
    const server = this.servers.get(ip);
    if (server?.alive === true) {
      const role = server.role !== undefined && { role: server.role };
      return { verdict: { kind: 'up', reason: 'Responded', message: '', ...role }, afterMs: 3 };
    }
    return this.#refuses
      ? { verdict: { kind: 'down', reason: 'Refused', message: '' }, afterMs: 1 }
      : { verdict: { kind: 'down', reason: 'Timeout', message: '' }, afterMs: timing.timeoutMs };
  }

  answer({ name, type }: Question): Answer {
    const addresses = type === 'A' ? this.names.get(name) : undefined;
    if (addresses === undefined || addresses.length === 0)
      return { kind: 'none', reason: 'NoAddress', ttlMs: 5_000 };
    return { kind: 'records', addresses, services: [], ttlMs: 5_000 };
  }
}
