import type { Config } from './config.ts';
import type { Logger } from './util/log.ts';
import type { KubeClient } from './kube/client/client.ts';
import { reviewToken } from './kube/client/token-review.ts';
import { CertificateFiles } from './serve/certificate-files.ts';
import { HttpServer } from './serve/http-server.ts';
import type { Metrics } from './serve/metrics.ts';
import { CachedExposition } from './serve/cached-exposition.ts';
import { healthRoutes, metricsRoutes } from './serve/routes.ts';
import type { AdmitCaller } from './serve/routes.ts';
import { TokenAccess } from './serve/token-access.ts';
import { systemClock as clock } from './system-clock.ts';

interface ServingOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly client: KubeClient;
}

interface Servers {
  listen(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Creates the two servers: health for every client, and metrics for clients with the right to them. */
export function createServers(
  options: ServingOptions,
  ...readiness: Parameters<typeof healthRoutes>
): Servers {
  const { config, metrics } = options;
  const health = new HttpServer(healthRoutes(...readiness), { keepAlive: false });
  const routes = metricsRoutes(new CachedExposition(metrics, clock), admissionOf(options));
  const exporter = new HttpServer(routes, { certificate: certificateOf(options) });
  return {
    listen: () => Promise.all([health.listen(config.healthAddress), exporter.listen(config.metricsAddress)]),
    close: () => Promise.all([health.close(graceMs), exporter.close(graceMs)]),
  };
}

/** Time for answers that are not finished when the process ends. */
const graceMs = 1_000;

function admissionOf({ config, logger, client }: ServingOptions): AdmitCaller | undefined {
  if (config.metricsAuth === 'none') return undefined;
  const review = (token: string) => reviewToken(client, token, '/metrics');
  const access = new TokenAccess({ clock, logger, review });
  return (caller) => access.refusalOf(caller);
}

function certificateOf({ config, logger }: ServingOptions): CertificateFiles | undefined {
  const { metricsCertFile: certFile, metricsKeyFile: keyFile } = config;
  if (certFile === undefined || keyFile === undefined) return undefined;
  return new CertificateFiles({ certFile, keyFile, clock, logger });
}
