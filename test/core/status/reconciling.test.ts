import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { invalidHalt, statusOfHalt, suspendedHalt } from '../../../src/core/status/status.ts';
import {
  aBackend,
  allBut,
  allHealthy,
  desiredOf,
  nothingKnown,
  unhealthy,
  writtenOf,
} from '../../support/builders/builders.ts';
import { condition, now, status } from '../support/statuses.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { StatusInput } from '../../../src/core/status/status-input.ts';

const allDown: HealthOf = () => unhealthy;
const backend = aBackend();
const pending = { service: 'orders-db', reason: 'Adopting', message: 'it waits', published: false } as const;

/** Returns `status reason` of the conditions that GitOps tools read; `-` if one is absent. */
const read = (healthOf: HealthOf, over: Partial<StatusInput> = {}) =>
  ['Ready', 'Reconciling', 'Stalled', 'Available'].map((type) => {
    const found = condition(status(backend, healthOf, over), type);
    return found === undefined ? '-' : `${found.status} ${found.reason}`;
  });

describe('Reconciling', () => {
  it('is True until the first verdict, with the reason and message of Available', () => {
    expect(read(nothingKnown)).toEqual(['True Published', 'True NotProbedYet', '-', 'Unknown NotProbedYet']);
    const first = status(backend, nothingKnown);
    expect(condition(first, 'Reconciling')?.message).toBe(condition(first, 'Available')?.message);
  });

  it.each<readonly [string, HealthOf, string]>([
    ['every address is ready', allHealthy, 'True AddressesReady'],
    ['one address is down', allBut('10.20.0.12'), 'True AddressesReady'],
    ['every address is down', allDown, 'False NoReadyAddress'],
  ])('is absent when %s', (_, healthOf, available) => {
    expect(read(healthOf)).toEqual(['True Published', '-', '-', available]);
  });

  it('is True while a write fails that passes by itself, with the reason of Ready', () => {
    const error = new OperatorError('busy', { kind: 'transient', reason: 'TooManyRequests' });
    expect(read(allHealthy, { error }).slice(0, 3)).toEqual([
      'False TooManyRequests',
      'True TooManyRequests',
      '-',
    ]);
  });

  it('is absent when a person must act', () => {
    const problems = [{ ...pending, reason: 'Conflict' } as const];
    expect(read(nothingKnown, { problems }).slice(0, 3)).toEqual(['False Conflict', '-', 'True Conflict']);
  });

  it('ends with a suspension and with an invalid spec', () => {
    const before = status(backend, nothingKnown);
    expect(condition(statusOfHalt(before, 2, suspendedHalt, now), 'Reconciling')).toBeUndefined();
    const halt = invalidHalt([{ path: 'spec', message: 'is wrong' }]);
    expect(condition(statusOfHalt(before, 2, halt, now), 'Reconciling')).toBeUndefined();
  });
});

describe('A backend that waits to take over a Service', () => {
  const desired = desiredOf(backend, allDown);
  const written = writtenOf(desired);

  it('is Ready with reason Adopting, and Reconciling until the first verdict', () => {
    const problems = [pending];
    expect(read(nothingKnown, { problems, written })).toEqual([
      'True Adopting',
      'True NotProbedYet',
      '-',
      'Unknown NotProbedYet',
    ]);
    expect(read(allDown, { problems, written })).toEqual(['True Adopting', '-', '-', 'False NotPublished']);
  });

  it('is not Ready while something of it is not written', () => {
    const error = new OperatorError('busy', { kind: 'transient', reason: 'TooManyRequests' });
    expect(read(allDown, { problems: [pending], error })[0]).toBe('False TooManyRequests');
  });

  it('reports another problem first', () => {
    const conflict = { ...pending, service: 'other', reason: 'Conflict' } as const;
    expect(read(allDown, { problems: [pending, conflict] }).slice(0, 3)).toEqual([
      'False Conflict',
      '-',
      'True Conflict',
    ]);
  });

  it('is Ready although the Service that it takes over does not exist yet', () => {
    const missing = written.map((service) => ({ ...service, state: 'missing' as const }));
    expect(read(allDown, { problems: [pending], written: missing })[0]).toBe('True Adopting');
  });
});
