import { publishedByService } from '../published.ts';
import { servicesOf } from '../scene.ts';
import type { CreateRule } from './rule.ts';

/** E3: a Service of role Primary leads to one server at most, at every instant, also after a late write. */
export const onePrimary: CreateRule = (scene, fault) => ({
  written: ({ by }) => {
    if (by === undefined) return;
    const ready = publishedByService(scene.cluster);
    for (const backend of scene.backends)
      for (const { name, role } of servicesOf(backend, scene.specOf(backend))) {
        const ips = [...(ready.get(name) ?? [])];
        if (role === 'Primary' && ips.length > 1) fault(`${name} leads to ${ips.join(' and ')}`);
      }
  },
});
