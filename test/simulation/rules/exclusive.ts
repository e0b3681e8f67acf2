import { readyByService, servicesOf, termOf } from '../scene.ts';
import type { CreateRule } from './rule.ts';

/**
 * E3: a Service of role Primary leads to one server at most, at every instant. Known limit: a slice that a former leader
 * created, and that the network delivers in a later term, has no version that could refuse it. It stays until the
 * watch reports it to the leader.
 */
export const onePrimary: CreateRule = (scene, fault) => ({
  written: ({ by }) => {
    if (by === undefined || (scene.term !== undefined && termOf(by) !== termOf(scene.term.author))) return;
    const ready = readyByService(scene.cluster);
    for (const backend of scene.backends)
      for (const { name, role } of servicesOf(backend, scene.specOf(backend))) {
        const ips = [...(ready.get(name) ?? [])];
        if (role === 'Primary' && ips.length > 1) fault(`${name} leads to ${ips.join(' and ')}`);
      }
  },
});
