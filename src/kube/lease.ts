import type { Clock } from '../engine/ports.ts';
import type { Ask, KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import { microTime } from './micro-time.ts';
import { pathOf, resources } from './resources.ts';

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

/** Whether nobody has renewed or taken the lease in between. What others write beside the record (annotations) does not count. */
export const isSameRecord = ({ spec: a }: Lease, { spec: b }: Lease): boolean =>
  fields.every((field) => (a?.[field] ?? undefined) === (b?.[field] ?? undefined));

/** Whether the lease is held by the same holder without a break: who takes it, also after itself, acquires it at another time. */
export const isSameTerm = ({ spec: a }: Lease, { spec: b }: Lease): boolean =>
  a?.holderIdentity === b?.holderIdentity &&
  a?.acquireTime === b?.acquireTime &&
  (a?.leaseTransitions ?? 0) === (b?.leaseTransitions ?? 0);

export interface LeaseRecordOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  /** Of each request. */
  readonly deadlineMs: number;
}

/**
 * One Lease in the API server and what client-go would write into it. Every update carries the resourceVersion that
 * was read. Each request is one attempt; the signal, where given, cuts it off.
 */
export class LeaseRecord {
  readonly #options: LeaseRecordOptions;

  constructor(options: LeaseRecordOptions) {
    this.#options = options;
  }

  /** Undefined: there is none. */
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

  /** Writes this replica's name and the time into it, whoever held it. */
  renew(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#request('update', { ...lease, spec: this.#term(lease.spec) }, signal);
  }

  /** Empties the lease if this replica holds it. Reads first: the last renewal may have been cut off after the server had done it. */
  async release(): Promise<void> {
    const now = microTime(this.#options.clock.wall());
    const lease = await this.read();
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    // A second, as client-go: a candidate that reads it need not wait for the old term.
    const over = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    await this.#request('update', { ...lease, spec: { ...lease.spec, ...over } });
  }

  #term(last: LeaseSpec | undefined): LeaseSpec {
    const now = microTime(this.#options.clock.wall());
    const mine = last?.holderIdentity === this.#options.identity;
    const transitions = last?.leaseTransitions ?? 0;
    return {
      ...last,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#options.leaseDurationMs / 1000),
      acquireTime: mine ? (last.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: mine || last === undefined ? transitions : transitions + 1,
    };
  }

  #request(verb: Ask['verb'], body?: unknown, signal?: AbortSignal): Promise<Lease> {
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
