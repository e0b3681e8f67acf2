import { KubeConfig } from '@kubernetes/client-node';

/**
 * Returns the given kubeconfig. Without a path it is the first one that client-node finds: $KUBECONFIG,
 * ~/.kube/config if it exists, the service account of the pod. Throws if the file or the context is missing.
 */
export function loadKubeConfig(path: string | undefined, context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (path === undefined) config.loadFromDefault();
  else config.loadFromFile(path);
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() === null)
    throw new Error(
      `the kubeconfig has no context ${JSON.stringify(config.currentContext)}; name one with --context`,
    );
  return config;
}
