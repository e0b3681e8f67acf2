import {
  aStoredBackend,
  namespace,
  smallest,
  type BackendInput,
  type SpecInput,
} from '../builders/builders.ts';
import type { FakeCluster } from './fake-cluster.ts';

/** Stores the resource as a user does. Its status remains. */
export function storeBackend(cluster: FakeCluster, spec: SpecInput, input: BackendInput): void {
  const before = cluster.backend(namespace, input.name ?? 'orders-db') as { status?: unknown } | undefined;
  const status = input.status ?? before?.status;
  cluster.put(aStoredBackend({ ...smallest, ...spec }, { ...input, status }));
}
