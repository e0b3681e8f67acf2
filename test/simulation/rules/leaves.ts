import { Departures } from './departures.ts';
import type { CreateRule } from './rule.ts';

/**
 * E1, E2: an address leaves a Service only
 *
 * - on a person's word: a spec, in force when the write was decided, does not ask for it there;
 * - on the answer of its name, as this replica received it;
 * - on its own evidence in the writer's term: `failureThreshold` verdicts down in a row, or another role;
 * - when it is not ready there for another port, or a Service of role Primary leads to it, or a late write of a former leader added it: the slices that the term
 *   began with count.
 */
export const leavesOnEvidence: CreateRule = (scene, fault) => {
  const departures = new Departures(scene);
  return {
    written: ({ by }, moves) => {
      for (const [{ ip, service }, why] of departures.of(by, moves))
        if (why === 'none')
          fault(`${by?.replica.identity ?? ''} took ${ip} from ${service} without evidence`);
    },
  };
};
