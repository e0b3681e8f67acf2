import type { SecretState } from '../../core/probing/probe-secrets.ts';
import { OperatorError } from '../../core/errors.ts';
import type { Secrets } from '../../engine/ports.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';
import type { KubeClient } from '../client/client.ts';
import { priorities } from '../client/priority-limiter.ts';
import { pathOf, resources } from '../client/resources.ts';

export interface SecretReaderOptions {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Called with the owners of a Secret whose state has changed. */
  readonly onNews: (owners: Iterable<string>) => void;
  /**
   * Mean time between two reads of a Secret; each one is random, so that the reads of many Secrets spread.
   * Default 30 s. Unlike a watch it needs no right to list, like the TTL cache of the kubelet.
   */
  readonly refreshMs?: number;
}

interface TrackedSecret {
  readonly namespace: string;
  readonly name: string;
  readonly owners: Set<string>;
  readonly dropped: AbortController;
  state: SecretState;
  timer: Timer | undefined;
  /** Number of reads in a row that did not return its data. */
  failures: number;
}

/**
 * First delay after a failed read, because a Secret is often created right after its backend. It doubles each
 * time.
 */
const firstRetryMs = 1_000;

/**
 * Reads the Secrets that backends follow, each by its name, because the operator may have the right to `get`
 * some Secrets and not to list them. The last data of a Secret remain in effect while the API server does not
 * answer.
 */
export class SecretReader implements Secrets {
  readonly #options: SecretReaderOptions;
  readonly #tracked = new Map<string, TrackedSecret>();
  readonly #owners = new Map<string, readonly TrackedSecret[]>();
  #closed = false;

  constructor(options: SecretReaderOptions) {
    this.#options = options;
  }

  follow(owner: string, namespace: string, names: readonly string[]): void {
    const before = this.#owners.get(owner) ?? [];
    const after = (this.#closed ? [] : names).map((name) => this.#enter(namespace, name));
    for (const each of after) each.owners.add(owner);
    for (const each of before) if (!after.includes(each)) this.#leave(each, owner);
    if (after.length > 0) this.#owners.set(owner, after);
    else this.#owners.delete(owner);
  }

  state(namespace: string, name: string): SecretState {
    return this.#tracked.get(`${namespace}/${name}`)?.state;
  }

  /** Stops reading, for good. */
  close(): void {
    this.#closed = true;
    for (const owner of [...this.#owners.keys()]) this.follow(owner, '', []);
  }

  #enter(namespace: string, name: string): TrackedSecret {
    const key = `${namespace}/${name}`;
    const known = this.#tracked.get(key);
    if (known !== undefined) return known;
    const dropped = new AbortController();
    const entered: TrackedSecret = {
      namespace,
      name,
      owners: new Set(),
      dropped,
      state: undefined,
      timer: undefined,
      failures: 0,
    };
    this.#tracked.set(key, entered);
    void this.#read(entered);
    return entered;
  }

  #leave(tracked: TrackedSecret, owner: string): void {
    tracked.owners.delete(owner);
    if (tracked.owners.size > 0) return;
    tracked.timer?.cancel();
    tracked.dropped.abort();
    this.#tracked.delete(`${tracked.namespace}/${tracked.name}`);
  }

  async #read(tracked: TrackedSecret): Promise<void> {
    const { clock, random, refreshMs = 30_000, onNews } = this.#options;
    const state = await this.#fetch(tracked);
    if (tracked.dropped.signal.aborted) return;
    const isNews = JSON.stringify(state) !== JSON.stringify(tracked.state);
    tracked.state = state;
    tracked.failures = state !== undefined && 'data' in state ? 0 : tracked.failures + 1;
    const retryMs = tracked.failures === 0 ? refreshMs : firstRetryMs * 2 ** (tracked.failures - 1);
    const afterMs = Math.min(refreshMs, retryMs) * (0.75 + 0.5 * random());
    tracked.timer = clock.after(afterMs, () => void this.#read(tracked));
    if (isNews) onNews(tracked.owners);
  }

  async #fetch({ namespace, name, state, dropped }: TrackedSecret): Promise<SecretState> {
    const path = pathOf(resources.Secret, namespace, name);
    try {
      const answer = await this.#options.client.request({
        verb: 'get',
        resource: 'secrets',
        name,
        path,
        namespace,
        priority: priorities.secret,
        signal: dropped.signal,
      });
      return { data: decoded(answer) };
    } catch (error) {
      return (
        refused(error, namespace) ??
        // Messages of other errors are left out, because they may contain data of the Secret.
        state ?? { error: error instanceof OperatorError ? error.message : 'it could not be read' }
      );
    }
  }
}

/** Returns the reason with which the API server refuses the read; undefined: it did not refuse it. */
function refused(error: unknown, namespace: string): SecretState {
  const status = error instanceof OperatorError ? error.status : undefined;
  if (status === 404) return { error: 'it does not exist' };
  if (status === 403)
    return {
      error: `the operator may not read it; grant it the right to get Secrets in namespace ${namespace} (config/components/secrets)`,
    };
  return undefined;
}

/** Returns the data of a Secret as text, sorted by key, so that equal data have equal text. */
function decoded(answer: unknown): Readonly<Record<string, string>> {
  const { data = {} } = answer as { readonly data?: Readonly<Record<string, string>> };
  const sorted = Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}
