import { serviceFeatures } from './api/delegated-powers.ts';
import type { Config } from './config.ts';
import { createAddressing } from './create-addressing.ts';
import { createDnsClient } from './dns/query/client.ts';
import { DnsResolver } from './dns/refresh/resolver.ts';
import { Engine } from './engine/engine.ts';
import type { EngineOptions } from './engine/engine.ts';
import type { ProbeOnceFn } from './engine/ports.ts';
import type { Logger } from './util/log.ts';
import { KubeClient } from './kube/client/client.ts';
import { ApiCredentials } from './kube/client/credentials.ts';
import { EventWriter } from './kube/events/event-writer.ts';
import { loadKubeConfig } from './kube/client/kube-config.ts';
import { SecretReader } from './kube/secrets/secret-reader.ts';
import { logServerVersion } from './kube/client/server-version.ts';
import type { Terms } from './kube/election/terms.ts';
import { KubeCache } from './kube/cache/cluster-cache.ts';
import { KubeWriter } from './kube/write/writer.ts';
import { createTerms } from './create-terms.ts';
import { createMessenger } from './create-messenger.ts';
import { createProbing } from './create-prober.ts';
import { Metrics } from './serve/metrics.ts';
import { createServers } from './create-servers.ts';
import { systemClock as clock, systemRandom as random } from './system-clock.ts';
import { TokenBucket } from './util/token-bucket.ts';

export interface OperatorOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Name of this process in the Lease, unique among processes. */
  readonly identity: string;
  /** Name of the pod, for Events. */
  readonly instance: string;
  readonly version: string;
  readonly nodeVersion: string;
  /** Program of a probe thread. Default: src/prober.ts. */
  readonly proberProgram?: URL;
}

export interface Operator {
  /**
   * Resolves when the servers listen and the watches run. Rejects if an address cannot be listened on or the kubeconfig is
   * missing. Waits for an API server that is out of reach.
   */
  start(): Promise<void>;
  /** Stops probing and watching, lets writes in flight end, and releases the Lease. What is published remains. */
  stop(): Promise<void>;
}

/** Creates and connects the parts. Decisions are made in `core`, and their timing in `engine`. */
export function createOperator(options: OperatorOptions): Operator {
  const { config, logger } = options;
  const metrics = createMetrics(options);
  const client = createClient(options, metrics, () => terms);
  const parts = { client, clock, random };
  const events = new EventWriter({
    ...{ ...parts, logger, instance: options.instance },
    observer: metrics,
  });
  const probing = createProbing({ ...options, metrics, program: options.proberProgram });
  const cache: KubeCache = createCache(options, client, metrics, () => engine);
  const dns = createDns(options, metrics, () => engine);
  const secrets = new SecretReader({ ...parts, onNews: (owners) => engine.inputsChanged(owners) });
  const terms: Terms = createTerms({ ...options, ...parts, metrics, events, engine: () => engine });
  const addressing = createAddressing({ ...options, client, onChange: () => engine.networksChanged() });
  const probeOnce: ProbeOnceFn = (check, signal) => engine.probeOnce(check, signal);
  const messenger = createMessenger({
    ...{ ...options, ...parts, terms: () => terms },
    ...{ cache, secrets, policy: addressing.rules.policy, probe: probeOnce },
  });
  const engine: Engine = createEngine(options, metrics, {
    cache,
    ...addressing.rules,
    ...{ writer: createWriter(client, cache, terms), events },
    ...{ canaryProbe: probeOnce, witnesses: messenger },
    onOutseen: () => void terms.yield(),
    createProber: probing.createProber,
    ...{ resolver: dns.resolver, secrets },
  });
  let synced = false;
  const lists = () => [...cache.unreadable(), ...addressing.missing()];
  const missing = () => (synced ? [] : lists().map((what) => `the first lists of ${what}`));
  const servers = createServers({ ...options, metrics, client }, missing, () => cache.unreadable());
  metrics.sampleAtScrape({ engine, client, resolver: dns.resolver, cache: cache });

  return {
    start: async () => {
      loadKubeConfig(config.kubeconfig, config.context);
      await servers.listen();
      cache.start();
      addressing.start();
      void Promise.all([cache.synced, addressing.tried]).then(() => {
        synced = true;
        logger.info('synced', { backends: engine.stats().backends });
        engine.start();
        messenger?.start();
        terms.start();
        void logServerVersion({ client, logger });
      });
    },
    stop: async () => {
      await Promise.all([cache.stop(), addressing.stop(), engine.stop(config.shutdownTimeout)]);
      probing.close();
      dns.close();
      secrets.close();
      events.stop();
      await Promise.all([terms.stop(), messenger?.stop()]);
      await Promise.all([servers.close(), client.close()]);
    },
  };
}

/** Creates the metrics. They contain the versions. */
function createMetrics({ config, version, nodeVersion }: OperatorOptions): Metrics {
  const metrics = new Metrics({
    version,
    nodeVersion,
    perBackend: config.metricsPerBackend,
    maxBackends: config.metricsMaxBackends,
  });
  metrics.includeProcess();
  return metrics;
}

/** Returns a writer that writes only in the term in which the write began. */
const createWriter = (client: KubeClient, cache: KubeCache, terms: Terms): KubeWriter =>
  new KubeWriter({
    ...{ client, cache, mayWrite: () => terms.isLeader() },
    ...{ term: () => terms.number, confirm: () => terms.confirm() },
  });

function createEngine(
  { config, logger }: OperatorOptions,
  metrics: Metrics,
  world: Pick<
    EngineOptions,
    | 'cache'
    | 'writer'
    | 'events'
    | 'createProber'
    | 'resolver'
    | 'secrets'
    | 'policy'
    | 'aliasPolicy'
    | 'networksOf'
  > &
    Pick<EngineOptions, 'witnesses' | 'onOutseen'> & { readonly canaryProbe: ProbeOnceFn },
): Engine {
  return new Engine({
    ...world,
    isolation: {
      sharePercent: config.isolationShare,
      minHosts: config.isolationMinHosts,
      canaries: config.canary,
      probe: world.canaryProbe,
    },
    clock,
    random,
    logger,
    observer: metrics,
    workers: config.maxConcurrentReconciles,
    minRefreshMs: config.dnsMinRefresh,
    maxProbeRatePerNamespace: config.maxProbeRatePerNamespace,
    switchedOff: new Set(serviceFeatures.filter((feature) => !config.serviceFeatures.includes(feature))),
    excludedNamespaces: config.excludeNamespaces,
    autoSelectHandler: config.autoSelectHandler,
    legacyEndpoints: config.legacyEndpoints,
    maxEndpointsPerSlice: config.maxEndpointsPerSlice,
  });
}

function createCache(
  { config, logger }: OperatorOptions,
  client: KubeClient,
  metrics: Metrics,
  engine: () => Engine,
) {
  return new KubeCache({
    client,
    clock,
    random,
    logger,
    namespaces: config.namespaces,
    observer: metrics,
    onChange: (kind, { before, after }, concerned) => {
      const metadata = (after ?? before)?.metadata;
      if (kind === 'ExternalBackend' && metadata !== undefined)
        engine().backendChanged(`${metadata.namespace}/${metadata.name}`, after);
      engine().enqueue(concerned);
    },
  });
}

function createDns({ config, logger }: OperatorOptions, metrics: Metrics, engine: () => Engine) {
  const servers = config.dnsServers.length > 0 ? config.dnsServers : undefined;
  const rate = new TokenBucket(config.dnsMaxQps, 1_000 / config.dnsMaxQps, clock.now());
  const client = createDnsClient({
    ...{ clock, resolvConfPath: config.resolvConf, servers },
    onRepeat: () => rate.take(),
  });
  const resolver = new DnsResolver({
    clock,
    random,
    logger,
    rate,
    query: (question, asked) => client.resolve(question, asked),
    onNews: (owners) => engine().inputsChanged(owners),
    observer: metrics,
  });
  return {
    resolver,
    close: () => {
      resolver.close();
      client.close();
    },
  };
}

const createClient = (
  { config, logger }: OperatorOptions,
  metrics: Metrics,
  terms: () => Terms,
): KubeClient =>
  new KubeClient({
    credentials: new ApiCredentials(() => loadKubeConfig(config.kubeconfig, config.context), clock),
    clock,
    random,
    maxInFlight: config.maxConcurrentApiRequests,
    observer: metrics,
    hooks: {
      onWarning: (warning, path) => logger.warn('warning of the API server', { warning, path }),
      onAnswer: (sentAt) => terms().answered(sentAt),
    },
  });
