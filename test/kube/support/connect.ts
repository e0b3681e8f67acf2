import { KubeConfig } from '@kubernetes/client-node';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Logger } from '../../../src/util/log.ts';
import { KubeClient } from '../../../src/kube/client/client.ts';
import type { RequestObserver } from '../../../src/kube/client/client.ts';
import { ApiCredentials } from '../../../src/kube/client/credentials.ts';
import { systemClock, systemRandom } from '../../../src/system-clock.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import type { UserName } from '../../controlplane/users.ts';

export interface Door {
  readonly user?: UserName;
  /** Another way to the API server, e.g. through a `TcpProxy`. */
  readonly server?: string;
  readonly observer?: RequestObserver;
}

/** The operator's own client, as a user of the test control plane. */
export function clientFor(plane: PlaneDetails, { user = 'admin', server, observer }: Door = {}): KubeClient {
  const load = () =>
    kubeConfig({
      server: server ?? plane.server,
      caFile: plane.caFile,
      // The proxy has an address that the server's certificate does not name.
      ...(server === undefined ? {} : { tlsServerName: 'kubernetes.default.svc' }),
      token: plane.tokens[user],
    });
  return clientOf(load, observer);
}

export function clientOf(load: () => KubeConfig, observer?: RequestObserver): KubeClient {
  return new KubeClient({
    credentials: new ApiCredentials(load, systemClock),
    clock: systemClock,
    random: systemRandom,
    ...(observer === undefined ? {} : { observer }),
  });
}

export function kubeConfig(options: {
  readonly server: string;
  readonly token?: string;
  readonly caFile?: string;
  readonly tlsServerName?: string;
}): KubeConfig {
  const { token, ...cluster } = options;
  const name = 'test';
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name, skipTLSVerify: cluster.server.startsWith('http:'), ...cluster }],
    users: [{ name, ...(token === undefined ? {} : { token }) }],
    contexts: [{ name, cluster: name, user: name }],
    currentContext: name,
  });
  return config;
}

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What the promise is rejected with; fails when it is not an OperatorError. */
export async function failureOf(promise: Promise<unknown>): Promise<OperatorError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof OperatorError) return outcome;
  throw new Error(`expected an OperatorError, got ${String(outcome)}`);
}
