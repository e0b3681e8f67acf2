import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allErrorReasons } from '../../../src/core/errors.ts';
import { needsList, networkError, statusError } from '../../../src/kube/client/errors.ts';

const asked = { verb: 'update', resource: 'endpointslices', name: 'db-1' };
const body = (reason: string, more: object = {}) =>
  JSON.stringify({ kind: 'Status', reason, message: 'why', ...more });
/** As JSON, where the value has such a form. */
const jsonOf = (value: unknown): string => {
  try {
    return JSON.stringify(value ?? null);
  } catch {
    return '';
  }
};
const ending = { details: { causes: [{ reason: 'NamespaceTerminating' }] } };

describe('statusError', () => {
  it.each([
    [400, body('BadRequest'), undefined, 'terminal', 'BadRequest', undefined],
    [401, body('Unauthorized'), undefined, 'transient', 'Unauthorized', undefined],
    [403, body('Forbidden'), undefined, 'terminal', 'Forbidden', undefined],
    [403, body('Forbidden', ending), undefined, 'terminal', 'NamespaceTerminating', undefined],
    [404, body('NotFound'), undefined, 'transient', 'NotFound', undefined],
    [409, body('Conflict'), undefined, 'transient', 'Conflict', undefined],
    [409, body('AlreadyExists'), undefined, 'transient', 'AlreadyExists', undefined],
    [410, body('Expired'), undefined, 'transient', 'Expired', undefined],
    [413, '', undefined, 'terminal', 'RequestEntityTooLarge', undefined],
    [415, body('UnsupportedMediaType'), undefined, 'terminal', 'UnsupportedMediaType', undefined],
    [422, body('Invalid'), undefined, 'terminal', 'Invalid', undefined],
    [429, body('TooManyRequests'), '3', 'transient', 'TooManyRequests', 3_000],
    [429, 'Too many requests, please try again later.', '1', 'transient', 'TooManyRequests', 1_000],
    [
      429,
      body('TooManyRequests', { details: { retryAfterSeconds: 7 } }),
      undefined,
      'transient',
      'TooManyRequests',
      7_000,
    ],
    [429, '', 'Wed, 21 Oct 2026 07:28:00 GMT', 'transient', 'TooManyRequests', undefined],
    [500, body('InternalError'), undefined, 'transient', 'InternalError', undefined],
    [503, '<html>', '2', 'transient', 'ServiceUnavailable', 2_000],
    [504, body('Timeout'), undefined, 'transient', 'Timeout', undefined],
    [502, '', undefined, 'transient', 'UnexpectedStatus', undefined],
  ])('makes %i %s (Retry-After %s) %s %s', (status, text, retryAfter, kind, reason, afterMs) => {
    const error = statusError(asked, status, text, retryAfter);
    expect({ kind: error.kind, reason: error.reason, afterMs: error.afterMs, status: error.status }).toEqual({
      kind,
      reason,
      afterMs,
      status,
    });
  });

  it.each([
    [403, 'Service shop/db must not be of type LoadBalancer (ticket 1)', 'Forbidden'],
    [422, `[denied by no-lb] ${'x'.repeat(150)}`, 'Invalid'],
    [403, 'PolicyOfTicket4711', 'Forbidden'],
    [500, '', 'InternalError'],
    [418, 'Teapot', 'UnexpectedStatus'],
    [400, { reason: 1 }, 'BadRequest'],
  ])('takes no text of a webhook as the reason: %i %j is %s', (status, reason, expected) => {
    expect(statusError(asked, status, JSON.stringify({ reason })).reason).toBe(expected);
  });

  it('has a known reason, a message of bounded length and a wait of a minute at most, whatever the body', () => {
    const all: readonly string[] = allErrorReasons;
    const part = fc.oneof(fc.string(), fc.constantFrom(...all, 'x'.repeat(5_000)), fc.anything());
    const details = fc.record({ causes: fc.anything(), retryAfterSeconds: fc.anything() });
    const status = fc.record({ reason: part, message: part, details: fc.oneof(details, fc.anything()) });
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), fc.oneof(status, fc.anything()), (code, answer) => {
        const { reason, message, afterMs = 0 } = statusError(asked, code, jsonOf(answer));
        expect(all).toContain(reason);
        expect(message.length).toBeLessThan(2_100);
        expect(afterMs).toBeLessThanOrEqual(60_000);
      }),
      { examples: [[503, { details: { retryAfterSeconds: { toString: '', valueOf: '' } } }]] },
    );
  });

  it('keeps the text of a webhook in the message, even if the webhook put it into the reason', () => {
    const words = 'Service shop/db must not be of type LoadBalancer';
    expect(statusError(asked, 403, JSON.stringify({ reason: words })).message).toContain(words);
    expect(statusError(asked, 403, JSON.stringify({ reason: 'x', message: words })).message).toContain(words);
  });

  it('has the request and the message of the server', () => {
    expect(statusError(asked, 422, body('Invalid')).message).toBe('update endpointslices db-1: why');
  });
});

describe('networkError', () => {
  const withCode = (code: string) => Object.assign(new Error('x'), { code });

  it.each([
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
  ])('concludes from %s that nothing was sent', (code) => {
    expect(networkError(asked, withCode(code))).toMatchObject({ kind: 'transient', reason: 'Unreachable' });
    const wrapped = new Error('fetch failed', { cause: withCode(code) });
    expect(networkError(asked, wrapped)).toMatchObject({ reason: 'Unreachable' });
  });

  it.each(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'CERT_HAS_EXPIRED'])(
    'makes no promise after %s',
    (code) => {
      expect(networkError(asked, withCode(code))).toMatchObject({
        kind: 'transient',
        reason: 'ConnectionLost',
      });
    },
  );
});

describe('needsList', () => {
  it('returns true after 410 and for a version that is newer than that of the server', () => {
    expect(needsList(statusError(asked, 410, body('Expired')))).toBe(true);
    const tooLarge = JSON.stringify({
      reason: 'Timeout',
      message: 'Too large resource version: 9, current: 5',
    });
    expect(needsList(statusError(asked, 504, tooLarge))).toBe(true);
    expect(needsList(statusError(asked, 504, body('Timeout')))).toBe(false);
    expect(needsList(new Error('410'))).toBe(false);
  });
});
