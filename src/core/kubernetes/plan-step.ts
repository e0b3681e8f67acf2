import type { Action } from './action.ts';

/**
 * One write of a plan. The steps of a plan are tried in its order. Only `needs` makes one step depend on
 * another.
 *
 * | needs                     | the write itself | what is written     |
 * |---------------------------|------------------|---------------------|
 * | all were written, or none | is accepted      | action              |
 * | all were written, or none | is refused       | `instead`, if given |
 * | one was not written       | is not tried     | `instead`, if given |
 *
 * A step of which only `instead` is written counts as not written for the steps that need it.
 */
export interface PlanStep {
  readonly action: Action;
  readonly needs: readonly PlanStep[];
  /** The part of the action that only removes addresses or marks them not ready. */
  readonly instead?: Action;
}

export const step = (action: Action, needs: readonly PlanStep[] = [], instead?: Action): PlanStep => ({
  action,
  needs,
  ...(instead !== undefined && { instead }),
});

/** Returns steps that each need the step before; the first one needs `needs`. */
export function stepsInOrder(
  actions: readonly Action[],
  needs: readonly PlanStep[] = [],
): readonly PlanStep[] {
  return actions.reduce<readonly PlanStep[]>((steps, action) => {
    const last = steps.at(-1);
    return [...steps, step(action, last === undefined ? needs : [last])];
  }, []);
}
