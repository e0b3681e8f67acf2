import { noAnswer } from './server.ts';
import type { NameServer, Try } from './server.ts';

/** Why the servers gave no answer, in words that are the same each time, in the configured order. */
export class Misses {
  readonly #servers: readonly NameServer[];
  readonly #tryTimeoutMs: number;
  /** The last of each: `SERVFAIL from`. */
  readonly #reasons = new Map<NameServer, string>();
  #late: NameServer[] = [];
  #allSilent = true;

  constructor(servers: readonly NameServer[], tryTimeoutMs: number) {
    this.#servers = servers;
    this.#tryTimeoutMs = tryTimeoutMs;
  }

  get allSilent(): boolean {
    return this.#allSilent;
  }

  silent(server: NameServer, { reason, late }: Extract<Try, { kind: 'silent' }>): void {
    this.#reasons.set(server, reason);
    if (late) this.#late.push(server);
  }

  /** Those that did not answer in time since this was last called. */
  takeLate(): readonly NameServer[] {
    const late = this.#late;
    this.#late = [];
    return late;
  }

  useless(server: NameServer, reason: string): void {
    this.#allSilent = false;
    this.#reasons.set(server, `${reason} from`);
  }

  /** `SERVFAIL from 10.96.0.10; no answer from 10.96.0.11 and 10.96.0.12 within 2 s` */
  text(whenEmpty: string): string {
    const groups = new Map<string, string[]>();
    for (const server of this.#servers) {
      const reason = this.#reasons.get(server);
      if (reason !== undefined) groups.set(reason, [...(groups.get(reason) ?? []), server.text]);
    }
    const parts = [...groups].map(([reason, servers]) => {
      const within = reason === noAnswer ? ` within ${this.#tryTimeoutMs / 1000} s` : '';
      return `${reason} ${servers.join(' and ')}${within}`;
    });
    return parts.length === 0 ? whenEmpty : parts.join('; ');
  }
}
