import type { Clock } from '../../util/clock.ts';
import type { ApiRequest, KubeClient } from '../client/client.ts';
import { hasStatus } from '../client/errors.ts';
import { microTime } from '../client/micro-time.ts';
import { pathOf, resources } from '../client/resources.ts';

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

export interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: LeaseSpec;
}

const fields = [
  'holderIdentity',
  'leaseDurationSeconds',
  'acquireTime',
  'renewTime',
  'leaseTransitions',
] as const satisfies readonly (keyof LeaseSpec)[];

/**
 * Returns true if the Lease was neither renewed nor taken in between. Fields outside of the record
 * (annotations) do not count.
 */
export const isSameRecord = ({ spec: a }: Lease, { spec: b }: Lease): boolean =>
  fields.every((field) => (a?.[field] ?? undefined) === (b?.[field] ?? undefined));

/**
 * Returns true if the Lease has had the same holder without a break. A replica that takes it, even from
 * itself, acquires it at another time.
 */
export const isSameTerm = ({ spec: a }: Lease, { spec: b }: Lease): boolean =>
  a?.holderIdentity === b?.holderIdentity &&
  a?.acquireTime === b?.acquireTime &&
  (a?.leaseTransitions ?? 0) === (b?.leaseTransitions ?? 0);

export interface LeaseLockOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  /** Deadline of each request. */
  readonly deadlineMs: number;
}

/**
 * One Lease in the API server, with the record that client-go writes. Every update has the resourceVersion
 * that was read. Each request is one attempt, which the signal can cancel.
 */
export class LeaseLock {
  readonly #options: LeaseLockOptions;

  constructor(options: LeaseLockOptions) {
    this.#options = options;
  }

  /** Returns the Lease; undefined if it does not exist. */
  async read(signal?: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#request('get', undefined, signal);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  create(signal: AbortSignal): Promise<Lease> {
    const { namespace, name } = this.#options;
    const body = {
      apiVersion: resources.Lease.apiVersion,
      kind: resources.Lease.kind,
      metadata: { namespace, name },
      spec: this.#term(undefined),
    };
    return this.#request('create', body, signal);
  }

  /** Writes the name of this replica and the time into the Lease, whichever replica held it. */
  renew(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#request('update', { ...lease, spec: this.#term(lease.spec) }, signal);
  }

  /**
   * Releases the Lease if this replica holds it. It is read first, because the answer to the last renewal may
   * have been lost.
   */
  async release(): Promise<void> {
    const now = microTime(this.#options.clock.wall());
    const lease = await this.read();
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    // A second, as in client-go, so that a candidate that reads it need not wait for the old term.
    const over = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    await this.#request('update', { ...lease, spec: { ...lease.spec, ...over } });
  }

  #term(last: LeaseSpec | undefined): LeaseSpec {
    const now = microTime(this.#options.clock.wall());
    const isOwn = last?.holderIdentity === this.#options.identity;
    const transitions = last?.leaseTransitions ?? 0;
    return {
      ...last,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#options.leaseDurationMs / 1000),
      acquireTime: isOwn ? (last.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: isOwn || last === undefined ? transitions : transitions + 1,
    };
  }

  #request(verb: ApiRequest['verb'], body?: unknown, signal?: AbortSignal): Promise<Lease> {
    const { client, namespace, name, deadlineMs } = this.#options;
    return client.request({
      verb,
      resource: resources.Lease.plural,
      name,
      path: pathOf(resources.Lease, namespace, verb === 'create' ? undefined : name),
      body,
      attempts: 1,
      deadlineMs,
      ...(signal === undefined ? {} : { signal }),
    }) as Promise<Lease>;
  }
}
