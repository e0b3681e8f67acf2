import type { Action } from './action.ts';

/**
 * One write of a plan. The order of a plan is the order in which its steps are tried; only `needs` makes one depend on another.
 *
 * | needs                     | the write itself | what is written          |
 * |---------------------------|------------------|--------------------------|
 * | all were written, or none | is accepted      | action                   |
 * | all were written, or none | is refused       | `instead`, where given   |
 * | one was not written       | is not tried     | `instead`, where given   |
 *
 * A step of which only `instead` is written counts as not written for the steps that need it.
 */
export interface Step {
  readonly action: Action;
  readonly needs: readonly Step[];
  /** The part of the action that only takes addresses away or marks them not ready. */
  readonly instead?: Action;
}

export const step = (action: Action, needs: readonly Step[] = [], instead?: Action): Step => ({
  action,
  needs,
  ...(instead !== undefined && { instead }),
});

/** Steps of which each needs the one before it; the first needs `needs`. */
export function chain(actions: readonly Action[], needs: readonly Step[] = []): readonly Step[] {
  return actions.reduce<readonly Step[]>((steps, action) => {
    const last = steps.at(-1);
    return [...steps, step(action, last === undefined ? needs : [last])];
  }, []);
}
