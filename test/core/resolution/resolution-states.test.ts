import { describe, expect, it } from '@jest/globals';
import { resolutionStates as schemaStates } from '../../../src/api/status.ts';
import {
  questionResults,
  resolutionStates,
  stateIs,
} from '../../../src/core/resolution/resolution-states.ts';

const having = (mark: Parameters<typeof stateIs>[1]) =>
  resolutionStates.filter((state) => stateIs(state, mark)).toSorted();

describe('the table of resolution states', () => {
  it('has the order of severity that resolve-host.ts has', () => {
    expect(resolutionStates).toEqual([
      'Pending',
      'Failed',
      'Expired',
      'Stale',
      'Unconfirmed',
      'Restored',
      'NoSuchName',
      'NoAddress',
      'Answered',
    ]);
  });

  it('has the states of the API', () => {
    expect(resolutionStates.toSorted()).toEqual([...schemaStates].toSorted());
  });

  it('marks the states that the other lists name', () => {
    const failingRules = ['Stale', 'Expired', 'Failed', 'Unconfirmed', 'NoSuchName', 'NoAddress'];
    expect(having('failing')).toEqual(failingRules.toSorted());
    expect(having('lost')).toEqual(['Expired', 'NoAddress', 'NoSuchName']);
    expect(having('unanswered')).toEqual(['Expired', 'Failed']);
    expect(having('awaited')).toEqual(['Pending', 'Restored']);
    const steady = ['Answered', 'Restored'];
    expect(having('rewordable')).toEqual(
      resolutionStates.filter((state) => !steady.includes(state)).toSorted(),
    );
  });

  it('gives no mark to a host without a state', () => {
    expect(stateIs(undefined, 'failing')).toBe(false);
  });

  it('has the results of a question that the metrics name', () => {
    expect(questionResults).toEqual(['Records', 'NoSuchName', 'NoAddress', 'Failed']);
  });
});
