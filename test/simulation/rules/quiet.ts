import type { CreateRule } from './rule.ts';

/** Time before the end in which nothing is written. */
const quietMs = 4_000;

/** E7: in a steady state only Leases are written. */
export const quietInTheEnd: CreateRule = (scene, fault) => {
  let last: { readonly at: number; readonly text: string } | undefined;
  return {
    written: ({ before, after, by }) => {
      const object = after ?? before;
      if (by === undefined || object === undefined || object.kind === 'Lease') return;
      last = { at: scene.now, text: `${object.kind} ${object.metadata.name}` };
    },
    ends: () => {
      if (last !== undefined && scene.now - last.at < quietMs)
        fault(`${last.text} was written ${scene.now - last.at} ms before the end of a quiet time`);
    },
  };
};
