import { delimiter } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

/**
 * Returns the kubeconfig at `path`. Without a path it is the one that client-node finds: ~/.kube/config if it exists,
 * else the service account of the pod. Several paths with a colon between them are merged, as kubectl does with
 * KUBECONFIG: the current context is that of the first file, and names must be unique. Throws if a file or the
 * context is missing.
 */
export function loadKubeConfig(path: string | undefined, context: string | undefined): KubeConfig {
  const config = path === undefined ? defaultConfig() : mergedConfig(path.split(delimiter));
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() === null)
    throw new Error(
      `the kubeconfig has no context ${JSON.stringify(config.currentContext)}; name one with --context`,
    );
  return config;
}

function defaultConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}

function mergedConfig(paths: readonly string[]): KubeConfig {
  const [first = new KubeConfig(), ...others] = paths.filter((path) => path !== '').map(fileConfig);
  for (const other of others) first.mergeConfig(other, Boolean(first.currentContext));
  return first;
}

function fileConfig(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}
