import type { Endpoints } from '../../../src/core/kubernetes/objects.ts';
import { publishedByService } from '../published.ts';
import type { CreateRule } from './rule.ts';

/** In the end the Endpoints object of a Service has the ready addresses of its slices. A suspended backend repairs nothing. */
export const endpointsFollow: CreateRule = (scene, fault) => ({
  ends: () => {
    const ready = publishedByService(scene.cluster);
    for (const { metadata, subsets = [] } of scene.cluster.api.cluster.all(
      'Endpoints',
    ) as readonly Endpoints[]) {
      if (scene.specOf(scene.holderOf(metadata.name) ?? '')?.suspend === true) continue;
      const all = subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
      const ips = [...new Set(all)].toSorted();
      const wanted = [...(ready.get(metadata.name) ?? [])].toSorted();
      if (ips.join() !== wanted.join())
        fault(`Endpoints ${metadata.name} has ${ips.join(' ')}, its slices ${wanted.join(' ')}`);
    }
  },
});
