import { KubeConfig } from '@kubernetes/client-node';

/**
 * Returns the given kubeconfig, else the one of the search of client-node: $KUBECONFIG, ~/.kube/config where it exists, the
 * service account of the pod.
 * Throws where the file or the context is missing.
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
