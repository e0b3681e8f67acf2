import { contains, parseCidr, type Cidr } from './api/cidr.ts';
import type { Config } from './config.ts';
import { addressPolicy, type AddressPolicy } from './core/resolution/address-policy.ts';
import { aliasPolicy, type AliasPolicy } from './core/resolution/alias-policy.ts';
import type { ClusterNetwork, ClusterNetworksOf } from './core/resolution/cluster-networks.ts';
import type { Logger } from './util/log.ts';
import type { KubeClient } from './kube/client/client.ts';
import { loadKubeConfig } from './kube/client/kube-config.ts';
import { serverNetworks } from './kube/cache/network-objects.ts';
import { NetworkWatch } from './kube/cache/network-watch.ts';
import { systemClock as clock, systemRandom as random } from './system-clock.ts';

export interface AddressingOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly client: KubeClient;
  /** Called when the known networks of the cluster have changed. */
  readonly onChange: () => void;
}

/** Policies for addresses and aliases, and the networks of the cluster that they need. */
export interface Addressing {
  readonly rules: {
    readonly policy: AddressPolicy;
    readonly networksOf: ClusterNetworksOf;
    readonly aliasPolicy: AliasPolicy;
  };
  /** Resolves when a start need not wait any longer. */
  readonly tried: Promise<void>;
  /** Lists that a start still waits for. */
  readonly missing: () => readonly string[];
  start(): void;
  stop(): Promise<void>;
}

const cidrsOf = (texts: readonly string[]): readonly Cidr[] => texts.flatMap((text) => parseCidr(text) ?? []);

/** Creates the policies from the flags and the watch of the networks of the cluster. */
export function createAddressing(options: AddressingOptions): Addressing {
  const { config } = options;
  const watch =
    config.denyClusterNetworks === 'auto'
      ? new NetworkWatch({ ...options, clock, random, namespaces: config.namespaces })
      : undefined;
  const given = cidrsOf(config.serviceCidr).map((cidr) => networkOfFlag(cidr));
  const networksOf: ClusterNetworksOf =
    watch?.networksOf ?? ((ip) => given.filter(({ cidr }) => contains(cidr, ip)));
  const policy = addressPolicy({
    denied: cidrsOf(config.denyCidr),
    allowed: cidrsOf(config.allowCidr),
    networksOf,
  });
  return {
    rules: { policy, networksOf, aliasPolicy: aliasPolicy(config.aliasDeny) },
    tried: watch?.tried ?? Promise.resolve(),
    missing: () => watch?.missing ?? [],
    start: () => {
      const server = loadKubeConfig(config.kubeconfig, config.context).getCurrentCluster()?.server;
      watch?.start([...given, ...(server === undefined ? [] : serverNetworks(server))]);
    },
    stop: async () => {
      await watch?.stop();
    },
  };
}

const networkOfFlag = (cidr: Cidr): ClusterNetwork => ({
  kind: 'services',
  cidr,
  source: `--service-cidr ${cidr.text}`,
});
