import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { deadlineError, networkError, statusError } from '../../../src/kube/client/errors.ts';
import { maxInlineDelayMs, retryDelay } from '../../../src/kube/client/retry.ts';

const asked = { verb: 'x', resource: 'y' };
const lost = networkError(asked, Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
const refused = networkError(asked, Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
const status = (code: number, retryAfter?: string) => statusError(asked, code, '', retryAfter);

describe('retryDelay', () => {
  it.each([
    ['update', '429 without advice', status(429), 100],
    ['update', '429 with Retry-After 2', status(429, '2'), 2_000],
    ['update', '429 with a Retry-After beyond patience', status(429, '60'), undefined],
    ['update', '503', status(503), 100],
    ['update', 'a lost connection', lost, 100],
    ['update', 'a refused connection', refused, 100],
    ['update', 'a 401', status(401), 0],
    ['update', 'a conflict', status(409), undefined],
    ['update', 'a refusal for good', status(422), undefined],
    ['update', 'a missing right', status(403), undefined],
    ['update', 'a passed deadline', deadlineError(asked, 10), undefined],
    [
      'update',
      'a lost lead',
      new OperatorError('x', { kind: 'waiting', reason: 'NotLeader', afterMs: 1 }),
      undefined,
    ],
    ['create', '429', status(429), 100],
    ['create', '503: it may have been done', status(503), undefined],
    ['create', 'a lost connection: it may have been done', lost, undefined],
    ['create', 'a refused connection', refused, 100],
  ] as const)('of %s after %s', (verb, _what, error, delayMs) => {
    expect(retryDelay(verb, error, 1, 0.5)).toBe(delayMs);
  });

  it('waits longer each time, with a jitter of one half, and never longer than its limit', () => {
    expect([1, 2, 3, 4, 9].map((attempt) => retryDelay('get', lost, attempt, 0.5))).toEqual([
      100, 200, 400, 800, 2_000,
    ]);
    expect(retryDelay('get', lost, 1, 0)).toBe(50);
    expect(retryDelay('get', lost, 9, 0.999)).toBeLessThan(maxInlineDelayMs);
  });

  it('tries fresh credentials once', () => {
    expect(retryDelay('get', status(401), 2, 0.5)).toBeUndefined();
  });
});
