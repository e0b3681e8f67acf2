import { KubeConfig } from '@kubernetes/client-node';
import { loadKubeConfig } from '../kube/client/kube-config.ts';
import type { FlagValues } from './command.ts';
import type { Surroundings } from './terminal.ts';
import { CommandError } from './usage-error.ts';

/** Returns the kubeconfig with the flags of kubectl applied: --context, --cluster, --user, --server, --token. */
export function clusterConfig(flags: FlagValues, env: Surroundings['env']): KubeConfig {
  const path = flags.text('kubeconfig') ?? env['KUBECONFIG'];
  const config = load(path === '' ? undefined : path, flags.text('context'));
  if (path === undefined && flags.text('server') === undefined && isFallback(config))
    throw new CommandError('there is no kubeconfig: set KUBECONFIG or --kubeconfig');
  const changed = ['cluster', 'user', 'server', 'token'].some((name) => flags.text(name) !== undefined);
  return changed ? withFlags(config, flags) : config;
}

/** Returns the namespace of the flags, else that of the context, else `default`. */
export const namespaceOf = (flags: FlagValues, config: KubeConfig): string =>
  flags.text('namespace') ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';

/** True for the cluster that client-node assumes if it finds no kubeconfig. */
const isFallback = (config: KubeConfig): boolean =>
  config.getCurrentCluster()?.server === 'http://localhost:8080';

function load(path: string | undefined, context: string | undefined): KubeConfig {
  try {
    return loadKubeConfig(path, context);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      `${why}\nSet KUBECONFIG or --kubeconfig; kubectl config view shows what kubectl uses`,
    );
  }
}

function withFlags(config: KubeConfig, flags: FlagValues): KubeConfig {
  const context = config.getContextObject(config.getCurrentContext());
  const [cluster, user] = [flags.text('cluster'), flags.text('user')];
  const foundCluster = cluster === undefined ? config.getCurrentCluster() : config.getCluster(cluster);
  const foundUser = user === undefined ? config.getCurrentUser() : config.getUser(user);
  if (foundCluster === null)
    throw new CommandError(`the kubeconfig has no cluster ${cluster ?? ''}: see kubectl config get-clusters`);
  if (user !== undefined && foundUser === null)
    throw new CommandError(`the kubeconfig has no user ${user}: see kubectl config get-users`);
  const [server, token] = [flags.text('server'), flags.text('token')];
  const name = 'flags';
  const changed = new KubeConfig();
  changed.loadFromOptions({
    clusters: [{ ...foundCluster, name, ...(server !== undefined && { server }) }],
    users: [token === undefined ? { ...foundUser, name } : { name, token }],
    contexts: [{ name, cluster: name, user: name, namespace: context?.namespace }],
    currentContext: name,
  });
  return changed;
}
