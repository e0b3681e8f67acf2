import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';

/**
 * State of a name at its servers.
 *
 * | state     | answer                                                                            |
 * |-----------|-----------------------------------------------------------------------------------|
 * | addresses | these                                                                             |
 * | NoSuchName| the name does not exist, of a server that answers other questions                 |
 * | Lie       | the name does not exist, of a server that answers no question any more            |
 * | Fails     | none                                                                              |
 */
export type NameAnswer = readonly string[] | 'NoSuchName' | 'Lie' | 'Fails';

/** Short, so that a history of a minute has many answers. */
const ttlMs = 5_000;

/** Names outside the cluster. */
export class Zones {
  readonly names = new Map<string, NameAnswer>();
  /** Addresses of each name: a failure changes nothing of them. */
  readonly addresses = new Map<string, readonly string[]>();
  /** Addresses that each name had at any time. */
  readonly #all = new Map<string, ReadonlySet<string>>();
  readonly #first: Readonly<Record<string, NameAnswer>>;

  constructor(names: Readonly<Record<string, NameAnswer>>) {
    this.#first = names;
    for (const [name, is] of Object.entries(names)) this.set(name, is);
  }

  set(name: string, is: NameAnswer): void {
    this.names.set(name, is);
    if (is === 'Fails' || is === 'Lie') return;
    const ips = is === 'NoSuchName' ? [] : is;
    this.addresses.set(name, ips);
    this.#all.set(name, new Set([...(this.#all.get(name) ?? []), ...ips]));
  }

  hasHad(name: string, ip: string): boolean {
    return this.#all.get(name)?.has(ip) === true;
  }

  /** Sets what the name was at the beginning. */
  restore(name: string): void {
    this.set(name, this.#first[name] ?? 'NoSuchName');
  }

  /** @param now monotonic milliseconds of the replica that asks */
  answer({ name, type }: Question, now: number): Answer {
    const state = this.names.get(name) ?? 'NoSuchName';
    if (state === 'Fails') return { kind: 'failed', message: 'no answer' };
    if (state === 'Lie') return { kind: 'none', reason: 'NoSuchName', ttlMs };
    if (state === 'NoSuchName') return { kind: 'none', reason: 'NoSuchName', ttlMs, serverAnsweredAt: now };
    if (type !== 'A') return { kind: 'none', reason: 'NoAddress', ttlMs, serverAnsweredAt: now };
    return { kind: 'records', addresses: state, services: [], ttlMs };
  }
}
