import type { Config } from './config.ts';
import { parseCidr } from './core/address.ts';
import { flipOf } from './core/flip.ts';
import { StaticResolver } from './dns/static-resolver.ts';
import { HealthTable } from './engine/health-table.ts';
import type { Logger } from './engine/ports.ts';
import { Reconciler } from './engine/reconciler.ts';
import { BackendRegistry } from './engine/registry.ts';
import { ProbeScheduler } from './engine/scheduler.ts';
import { WorkQueue, type Outcome } from './engine/work-queue.ts';
import { KubeClient } from './kube/client.ts';
import { Credentials } from './kube/credentials.ts';
import { EventWriter } from './kube/events.ts';
import { loadKubeConfig } from './kube/kube-config.ts';
import { LeaseElector, SoleLeader, type LeaderHooks, type Leadership } from './kube/leader.ts';
import { KubeView } from './kube/view.ts';
import { KubeWriter } from './kube/writer.ts';
import { createProbes } from './probe/probes.ts';
import { HttpServer } from './serve/http-server.ts';
import { Metrics } from './serve/metrics.ts';
import { healthRoutes, metricsRoutes } from './serve/routes.ts';
import { systemClock as clock, systemRandom as random } from './system-clock.ts';

export interface OperatorOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Unique among replicas. */
  readonly identity: string;
  readonly version: string;
  readonly nodeVersion: string;
}

export interface Operator {
  /** Resolves when the servers listen and the watches run; rejects when an address cannot be listened on. */
  start(): Promise<void>;
  /** Stops probing and watching, lets writes in flight end, releases the Lease. What is published stays. */
  stop(): Promise<void>;
}

/** Builds the parts and joins them. What is decided is decided in `core`; what happens when, in `engine`. */
export function createOperator(options: OperatorOptions): Operator {
  const { config, logger } = options;
  const metrics = createMetrics(options);
  const client = createClient(config, metrics);
  const registry = new BackendRegistry();
  const events = new EventWriter({ client, clock, random, logger, instance: options.identity });
  const probes = createProbes();
  /** Whether this replica works: from leading for the first time until another one leads. */
  let working = false;
  let synced = false;

  const enqueue = (keys: Iterable<string>): void => {
    for (const key of keys) queue.add(key);
  };
  const view = new KubeView({
    client,
    clock,
    random,
    logger,
    namespaces: config.namespaces,
    onRestart: (resource, reason) => metrics.watchRestarted(resource, reason),
    onChange: (kind, { before, after }, concerned) => {
      const backend = after ?? before;
      if (kind === 'ExternalBackend' && backend !== undefined)
        enqueue(registry.update(`${backend.metadata.namespace}/${backend.metadata.name}`, after));
      enqueue(concerned);
    },
  });
  const leadership = createLeadership(options, client, {
    onStartedLeading: () => {
      logger.info('leading', { identity: options.identity });
      metrics.leading(true);
      working = true;
      enqueue(registry.keys());
    },
    onLost: (reason) => {
      logger.warn('not leading any more', { reason });
      metrics.leading(false);
    },
    onNewLeader: (identity) => {
      if (identity === options.identity) return;
      logger.info('another replica leads', { leader: identity });
      working = false;
      reconciler.reset();
    },
  });
  const health = new HealthTable({
    clock,
    onChanged: (owner, check, before, after) => {
      metrics.turned(after.state, after.reason);
      const key = reconciler.keyOf(owner);
      if (key === undefined) return;
      queue.add(key);
      const backend = registry.get(key)?.raw;
      const flip = flipOf(check, before, after);
      if (backend !== undefined && flip !== undefined) events.record(backend, flip);
    },
  });
  const scheduler = new ProbeScheduler({
    clock,
    random,
    probe: probes.probe,
    limits: { maxConcurrent: config.maxConcurrentProbes, maxPerHost: config.maxProbesPerHost },
    onVerdict: (owner, check, verdict, durationMs) => {
      metrics.probed(check.handler.kind, verdict, durationMs);
      health.record(owner, check, verdict);
    },
    onLateness: (ms) => metrics.late(ms),
    onFault: (error, check) => logger.error('a probe failed by itself', { error, check: check.id }),
  });
  const reconciler = new Reconciler({
    clock,
    view,
    writer: new KubeWriter({ client, view, mayWrite: () => leadership.isLeader() }),
    events,
    resolver: new StaticResolver(),
    registry,
    health,
    scheduler,
    deniedCidrs: config.denyCidr.flatMap((text) => parseCidr(text) ?? []),
    legacyEndpoints: config.legacyEndpoints,
    maxEndpointsPerSlice: config.maxEndpointsPerSlice,
    onAddresses: (key, count) => {
      const [namespace = '', name = ''] = key.split('/');
      if (count === undefined) metrics.forgotten(namespace, name);
      else metrics.published(namespace, name, count.ready, count.total);
    },
  });
  const queue = new WorkQueue({
    clock,
    random,
    concurrency: config.workers,
    handler: (key) => (working ? reconciler.reconcile(key) : Promise.resolve({ ok: true })),
    onOutcome: (key, outcome, durationMs, queuedMs, retryInMs) => {
      metrics.reconciled('ok' in outcome ? 'Ok' : outcome.reason, durationMs, queuedMs);
      report(logger, key, outcome, retryInMs);
    },
  });
  metrics.sampleAtScrape({
    checks: () => scheduler.stats().checks,
    queueDepth: () => queue.stats().queued,
    requestsInFlight: () => client.load.inFlight,
  });
  const servers = createServers(config, metrics, () => (synced ? [] : ['the first lists of the watches']));

  return {
    start: async () => {
      await servers.listen();
      view.start();
      void view.synced.then(() => {
        synced = true;
        logger.info('synced', { backends: [...registry.keys()].length });
        queue.start();
        scheduler.start();
        leadership.start();
      });
    },
    stop: async () => {
      await Promise.all([view.stop(), scheduler.stop(), queue.stop(config.shutdownTimeout)]);
      probes.close();
      events.stop();
      await leadership.stop();
      await Promise.all([servers.close(), client.close()]);
    },
  };
}

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

const createClient = (config: Config, metrics: Metrics): KubeClient =>
  new KubeClient({
    credentials: new Credentials(() => loadKubeConfig(config.kubeconfig, config.context), clock),
    clock,
    random,
    maxInFlight: config.kubeInFlight,
    hooks: { onRequest: (request) => metrics.requested(request) },
  });

function createLeadership(options: OperatorOptions, client: KubeClient, hooks: LeaderHooks): Leadership {
  const { config, logger, identity } = options;
  if (!config.leaderElect) return new SoleLeader(hooks);
  return new LeaseElector({
    ...hooks,
    client,
    clock,
    random,
    logger,
    identity,
    namespace: config.leaseNamespace,
    name: config.leaseName,
    leaseDurationMs: config.leaseDuration,
    renewDeadlineMs: config.renewDeadline,
    retryPeriodMs: config.retryPeriod,
  });
}

function createServers(config: Config, metrics: Metrics, missing: () => readonly string[]) {
  const health = healthRoutes(missing);
  const own = config.metricsAddress;
  const servers =
    own === undefined
      ? [{ address: config.httpAddress, server: new HttpServer({ ...health, ...metricsRoutes(metrics) }) }]
      : [
          { address: config.httpAddress, server: new HttpServer(health) },
          { address: own, server: new HttpServer(metricsRoutes(metrics)) },
        ];
  return {
    listen: () => Promise.all(servers.map(({ address, server }) => server.listen(address))),
    close: () => Promise.all(servers.map(({ server }) => server.close(1_000))),
  };
}

/** Conflicts are the normal life of optimistic writes; the rest is worth a line. */
function report(logger: Logger, key: string, outcome: Outcome, retryInMs: number | undefined): void {
  if ('ok' in outcome) return;
  const fields = { backend: key, reason: outcome.reason, retryInMs, error: outcome };
  if (outcome.kind === 'waiting' || outcome.status === 409) logger.debug('reconcile put off', fields);
  else logger.warn('reconcile failed', fields);
}
