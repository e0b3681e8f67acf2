import { afterAll } from '@jest/globals';
import type { PostgresCluster } from '../../support/servers/postgres-cluster.ts';

/** Returns a function that waits for a server. It is removed after the tests of the file or of the block that calls this. */
export function useClusters(): (make: Promise<PostgresCluster>) => Promise<PostgresCluster> {
  const clusters: PostgresCluster[] = [];
  afterAll(async () => {
    await Promise.all(clusters.map((cluster) => cluster.remove()));
  });
  return async (make) => {
    const cluster = await make;
    clusters.push(cluster);
    return cluster;
  };
}
