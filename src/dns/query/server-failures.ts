import { noAnswer } from './name-server.ts';
import type { NameServer, QueryResult } from './name-server.ts';

/**
 * Collects why servers gave no answer. The text is the same each time, with the servers in the configured
 * order.
 */
export class ServerFailures {
  readonly #servers: readonly NameServer[];
  readonly #tryTimeoutMs: number;
  /** Last reason of each server, such as `SERVFAIL from`. */
  readonly #reasons = new Map<NameServer, string>();
  #late: NameServer[] = [];
  #allSilent = true;

  constructor(servers: readonly NameServer[], tryTimeoutMs: number) {
    this.#servers = servers;
    this.#tryTimeoutMs = tryTimeoutMs;
  }

  /** True if no server has responded. */
  get allSilent(): boolean {
    return this.#allSilent;
  }

  /** Records a try without a response. */
  silent(server: NameServer, { reason, late }: Extract<QueryResult, { kind: 'silent' }>): void {
    this.#reasons.set(server, reason);
    if (late) this.#late.push(server);
  }

  /** Returns the servers that timed out since the last call. */
  takeLate(): readonly NameServer[] {
    const late = this.#late;
    this.#late = [];
    return late;
  }

  /** Records a useless response. */
  addError(server: NameServer, reason: string): void {
    this.#allSilent = false;
    this.#reasons.set(server, `${reason} from`);
  }

  /**
   * Returns a text such as `SERVFAIL from 10.96.0.10; no answer from 10.96.0.11 and 10.96.0.12 within 2 s`.
   */
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
