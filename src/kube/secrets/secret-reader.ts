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

interface Followed {
  readonly namespace: string;
  readonly name: string;
  readonly owners: Set<string>;
  readonly gone: AbortController;
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
  readonly #followed = new Map<string, Followed>();
  readonly #owners = new Map<string, readonly Followed[]>();
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
    return this.#followed.get(`${namespace}/${name}`)?.state;
  }

  /** Stops reading, for good. */
  close(): void {
    this.#closed = true;
    for (const owner of [...this.#owners.keys()]) this.follow(owner, '', []);
  }

  #enter(namespace: string, name: string): Followed {
    const key = `${namespace}/${name}`;
    const known = this.#followed.get(key);
    if (known !== undefined) return known;
    const gone = new AbortController();
    const entered: Followed = {
      namespace,
      name,
      owners: new Set(),
      gone,
      state: undefined,
      timer: undefined,
      failures: 0,
    };
    this.#followed.set(key, entered);
    void this.#read(entered);
    return entered;
  }

  #leave(followed: Followed, owner: string): void {
    followed.owners.delete(owner);
    if (followed.owners.size > 0) return;
    followed.timer?.cancel();
    followed.gone.abort();
    this.#followed.delete(`${followed.namespace}/${followed.name}`);
  }

  async #read(followed: Followed): Promise<void> {
    const { clock, random, refreshMs = 30_000, onNews } = this.#options;
    const state = await this.#ask(followed);
    if (followed.gone.signal.aborted) return;
    const isNews = JSON.stringify(state) !== JSON.stringify(followed.state);
    followed.state = state;
    followed.failures = state !== undefined && 'data' in state ? 0 : followed.failures + 1;
    const retryMs = followed.failures === 0 ? refreshMs : firstRetryMs * 2 ** (followed.failures - 1);
    const afterMs = Math.min(refreshMs, retryMs) * (0.75 + 0.5 * random());
    followed.timer = clock.after(afterMs, () => void this.#read(followed));
    if (isNews) onNews(followed.owners);
  }

  async #ask({ namespace, name, state, gone }: Followed): Promise<SecretState> {
    const path = pathOf(resources.Secret, namespace, name);
    try {
      const answer = await this.#options.client.request({
        verb: 'get',
        resource: 'secrets',
        name,
        path,
        namespace,
        lane: priorities.secret,
        signal: gone.signal,
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
