import {
  clusterNetworksOf,
  type ClusterNetwork,
  type ClusterNetworksOf,
} from '../../core/resolution/cluster-networks.ts';
import type { OperatorError } from '../../core/errors.ts';
import type { Logger } from '../../util/log.ts';
import type { Clock, Random, Timer } from '../../util/clock.ts';
import type { KubeClient } from '../client/client.ts';
import {
  projectNode,
  projectServerSlice,
  projectServiceCidr,
  type NetworkObject,
} from './network-objects.ts';
import { Reflector } from './reflector.ts';
import { resources, type Resource } from '../client/resources.ts';
import type { Change } from './store.ts';

export interface NetworkWatchOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Namespaces that the operator may read; empty: the whole cluster. */
  readonly namespaces: readonly string[];
  /** Called when the networks of the cluster have changed. */
  readonly onChange: () => void;
}

/** Time that the start waits for a watch without an answer. */
export const networksWaitMs = 30_000;

/** Delay of `onChange`. Nodes are added in groups, and backends are reconciled once for each group. */
const settleMs = 1_000;

/** Time within which the operator notices a right that is granted later. */
const maxBackoffMs = 60_000;

interface Source {
  readonly resource: Resource;
  readonly project: (raw: unknown) => NetworkObject;
  readonly namespace?: string;
  readonly labelSelector?: string;
}

const sources: readonly Source[] = [
  { resource: resources.ServiceCIDR, project: projectServiceCidr },
  { resource: resources.Node, project: projectNode },
  {
    resource: resources.EndpointSlice,
    project: projectServerSlice,
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=kubernetes',
  },
];

/**
 * Watches the networks of the cluster.
 *
 * | list                       | its networks                          | start of the operator            |
 * |----------------------------|---------------------------------------|----------------------------------|
 * | read                       | known, and followed                   | goes on                          |
 * | refused (403, 404)         | unknown; logged once                  | goes on                          |
 * | no answer                  | unknown                               | waits, 30 s at most              |
 * | read, then its watch fails | as before                             | -                                |
 *
 * With `--namespaces` the slice of default/kubernetes is read only if that namespace is among them. The
 * address that the operator uses for the API server is known in any case. Nothing is published before all
 * lists are tried, and nothing is removed because a list cannot be read.
 */
export class NetworkWatch {
  readonly #options: NetworkWatchOptions;
  readonly #reflectors: readonly Reflector<NetworkObject>[];
  readonly #tried = Promise.withResolvers<undefined>();
  readonly #sources: readonly Source[];
  readonly #open: Set<Source>;
  readonly #refused = new Set<Source>();
  #known: readonly ClusterNetwork[] = [];
  #index: ClusterNetworksOf | undefined;
  #timers: readonly Timer[] = [];
  #pending: Timer | undefined;

  constructor(options: NetworkWatchOptions) {
    this.#options = options;
    const { client, clock, random, logger, namespaces } = options;
    this.#sources = sources.filter(
      ({ namespace }) => namespace === undefined || namespaces.length === 0 || namespaces.includes(namespace),
    );
    this.#open = new Set(this.#sources);
    const quiet: Logger = { ...logger, warn: (message, fields) => logger.debug(message, fields) };
    this.#reflectors = this.#sources.map(
      (source) =>
        new Reflector<NetworkObject>({
          ...{ client, clock, random, maxBackoffMs, ...source },
          // The cause is logged once by this class.
          logger: quiet,
          onChange: (change) => this.#changed(change),
          onRefused: (error) => this.#isRefused(source, error),
        }),
    );
  }

  /** Resolves when every list was read or refused, or the wait is over: see the table. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  /** Resources whose lists are not read yet. */
  get missing(): readonly string[] {
    return [...this.#open].map(({ resource }) => resource.plural);
  }

  /** @param known networks in addition to those of the watches */
  start(known: readonly ClusterNetwork[] = []): void {
    this.#known = known;
    this.#index = undefined;
    this.#reflectors.forEach((reflector, i) => {
      void reflector.synced.then(() => this.#isRead(this.#sources[i]));
      reflector.start();
    });
    this.#timers = [this.#options.clock.after(networksWaitMs, () => this.#giveUp())];
  }

  async stop(): Promise<void> {
    for (const timer of [...this.#timers, this.#pending]) timer?.cancel();
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }

  readonly networksOf: ClusterNetworksOf = (ip) => {
    this.#index ??= clusterNetworksOf([
      ...this.#known,
      ...this.#reflectors.flatMap(({ store }) => [...store.values()].flatMap(({ networks }) => networks)),
    ]);
    return this.#index(ip);
  };

  #changed({ before, after }: Change<NetworkObject>): void {
    // The kubelet updates its Node every few minutes, mostly without another network.
    if (textOf(before) === textOf(after)) return;
    this.#index = undefined;
    this.#pending ??= this.#options.clock.after(settleMs, () => {
      this.#pending = undefined;
      this.#options.onChange();
    });
  }

  #isRead(source: Source | undefined): void {
    if (source === undefined) return;
    if (this.#refused.delete(source))
      this.#options.logger.info('networks of the cluster can be read now; targets in them are refused', {
        resource: source.resource.plural,
      });
    this.#done(source);
  }

  #isRefused(source: Source, error: OperatorError): void {
    this.#done(source);
    if (this.#refused.has(source)) return;
    this.#refused.add(source);
    this.#options.logger.warn(
      'networks of the cluster are unknown; targets in them are not refused. Set --deny-cidr, or grant the operator the rights of config/rbac-namespaced/networks, or set --deny-cluster-networks=off',
      { resource: source.resource.plural, reason: error.reason, error },
    );
  }

  #giveUp(): void {
    if (this.#open.size === 0) return;
    this.#options.logger.warn(
      'networks of the cluster are unknown, because the API server does not answer; targets in them are not refused until it does',
      {
        resources: this.missing,
      },
    );
    this.#open.clear();
    this.#tried.resolve(undefined);
  }

  #done(source: Source): void {
    this.#open.delete(source);
    if (this.#open.size === 0) this.#tried.resolve(undefined);
  }
}

const textOf = (object: NetworkObject | undefined): string =>
  (object?.networks ?? [])
    .map(({ kind, cidr, ports = [] }) => `${kind} ${cidr.text} ${ports.join()}`)
    .join(' ');
