import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { aBackend, allHealthy, unhealthy } from '../../support/builders/builders.ts';
import { condition, status } from '../support/statuses.ts';
import type { ErrorKind, ErrorReason } from '../../../src/core/errors.ts';
import type { Problem } from '../../../src/core/publish/problems.ts';

describe('Stalled', () => {
  const failing = (reason: ErrorReason, kind: ErrorKind = 'transient') =>
    status(aBackend(), allHealthy, { error: new OperatorError('its words', { kind, reason }) });
  const having = (...problems: readonly Problem[]) => status(aBackend(), allHealthy, { problems });
  const of = (reason: Problem['reason']): Problem => ({
    service: 'orders-db',
    reason,
    message: `it is ${reason}`,
    published: false,
  });

  it.each([
    'BadRequest',
    'Forbidden',
    'Invalid',
    'MethodNotAllowed',
    'NotAcceptable',
    'RequestEntityTooLarge',
    'Unauthorized',
    'UnsupportedMediaType',
  ] as const)('is True with the message of the API server after %s', (reason) => {
    const stalled = { status: 'True', reason, message: 'its words' };
    expect(condition(failing(reason, 'terminal'), 'Stalled')).toMatchObject(stalled);
  });

  it.each([
    'Conflict',
    'NotFound',
    'TooManyRequests',
    'InternalError',
    'ServiceUnavailable',
    'Timeout',
    'DeadlineExceeded',
    'Unreachable',
    'ConnectionLost',
    'NamespaceTerminating',
    'Bug',
  ] as const)('is absent after %s, which passes by itself', (reason) => {
    expect(condition(failing(reason), 'Ready')?.status).toBe('False');
    expect(condition(failing(reason), 'Stalled')).toBeUndefined();
  });

  it.each(['Conflict', 'NameClaimed', 'Contested', 'Altered'] as const)(
    'is True for the problem %s',
    (reason) => {
      const stalled = { status: 'True', reason, message: `it is ${reason}` };
      expect(condition(having(of(reason)), 'Stalled')).toMatchObject(stalled);
    },
  );

  it.each(['Adopting', 'Terminating'] as const)(
    'is absent for the problem %s, which passes by itself',
    (reason) => {
      expect(condition(having(of(reason)), 'Stalled')).toBeUndefined();
    },
  );

  it('reports only problems that need a person', () => {
    const stalled = condition(having(of('Adopting'), of('Conflict')), 'Stalled');
    expect(stalled).toMatchObject({ reason: 'Conflict', message: 'it is Conflict' });
  });

  it('is absent when everything is written, whatever the database does', () => {
    expect(
      condition(
        status(aBackend(), () => unhealthy),
        'Stalled',
      ),
    ).toBeUndefined();
  });
});
