import type { Config } from './config.ts';
import { formatHostPort } from './core/probing/check.ts';
import type { DnsResolver } from './dns/refresh/resolver.ts';
import type { Engine, Observer } from './engine/engine.ts';
import type { KubeClient } from './kube/client/client.ts';
import type { KubeCache } from './kube/cache/cluster-cache.ts';
import { Metrics } from './serve/metrics.ts';

/** Creates the metrics. They contain the versions. */
export function createMetrics({
  config,
  version,
  nodeVersion,
}: {
  readonly config: Config;
  readonly version: string;
  readonly nodeVersion: string;
}): Metrics {
  const metrics = new Metrics({
    version,
    nodeVersion,
    perBackend: config.metricsPerBackend,
    maxBackends: config.metricsMaxBackends,
  });
  metrics.includeProcess();
  return metrics;
}

/** Returns an observer that records what the engine reports as metrics. */
export const observerOf = (metrics: Metrics): Observer => ({
  healthChanged: ({ state, reason }) => metrics.healthChanged(state, reason),
  reconciled: (error, durationMs, queuedMs) =>
    metrics.reconciled(error?.reason ?? 'Ok', durationMs, queuedMs),
  addresses: (key, has) => {
    const [namespace = '', name = ''] = key.split('/');
    if (has === undefined) metrics.forgotten(namespace, name);
    else metrics.backendFigures(namespace, name, has);
  },
  certificate: (key, check, expiresAt) => {
    const [namespace = '', name = ''] = key.split('/');
    metrics.certificateSeen(namespace, name, formatHostPort(check), expiresAt);
  },
});

/** Sets the sources of the metrics that are read at a scrape only. */
export const sampleAtScrape = (
  metrics: Metrics,
  engine: Engine,
  client: KubeClient,
  resolver: DnsResolver,
  view: Pick<KubeCache, 'unreadable'>,
): void =>
  metrics.sampleAtScrape({
    checks: () => engine.stats().checks,
    probers: () => engine.stats().workers,
    checksQuarantined: () => engine.stats().quarantined,
    checksCostly: () => engine.stats().costly,
    probeSlowdowns: () => engine.slowedNamespaces(),
    queueDepth: () => engine.stats().due,
    namespacesNotServed: () => view.unreadable().length,
    requestsInFlight: () => client.load.inFlight,
    dnsNames: () => resolver.stats().questions,
    dnsWaiting: () => resolver.stats().waiting,
    dnsOldestAnswerSeconds: () => {
      const { oldestAnswerMs } = resolver.stats();
      return oldestAnswerMs === undefined ? undefined : oldestAnswerMs / 1000;
    },
  });
