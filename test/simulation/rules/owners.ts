import { ownerName, serviceOf } from '../../../src/core/kubernetes/ownership.ts';
import { namesOf, type Scene } from '../scene.ts';
import type { CreateRule } from './rule.ts';

const kinds = ['Service', 'EndpointSlice', 'Endpoints'] as const;

/** E8: every object of the operator has its owner, and in the end none is left that no spec asks for. */
export const ownedObjects: CreateRule = (scene, fault) => ({
  written: ({ after, by }) => {
    if (by === undefined || after === undefined || !kinds.some((kind) => kind === after.kind)) return;
    if (ownerName(after) === undefined) fault(`${after.kind} ${after.metadata.name} has no owner`);
  },
  ends: () => {
    const asked = askedFor(scene);
    for (const kind of kinds)
      for (const object of scene.cluster.api.cluster.all(kind)) {
        const service = kind === 'EndpointSlice' ? serviceOf(object) : object.metadata.name;
        if (!asked.has(service ?? '')) fault(`${kind} ${object.metadata.name} is left over`);
      }
  },
});

const askedFor = (scene: Scene): ReadonlySet<string> =>
  new Set(scene.backends.flatMap((backend) => namesOf(backend, scene.specOf(backend))));
