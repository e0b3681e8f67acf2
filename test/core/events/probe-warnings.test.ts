import { describe, expect, it } from '@jest/globals';
import { mayWarn, probeWarnings, type EmittedWarnings } from '../../../src/core/events/probe-warnings.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';

const day = 86_400_000;
const ends = Date.UTC(2026, 5, 30, 12);
const plain: Verdict = { kind: 'up', reason: 'Connected', message: '' };
const certified: Verdict = { ...plain, certificateExpiresAt: ends };
const greeted: Verdict = { ...plain, detectedProtocol: 'mysql' };
const check = aCheck();

const at21: EmittedWarnings = { certificate: { expiresAt: ends, days: 21 } };
const at7: EmittedWarnings = { certificate: { expiresAt: ends, days: 7 } };
const of21Before: EmittedWarnings = { certificate: { expiresAt: ends - 90 * day, days: 7 } };

describe('the Event of a certificate that expires', () => {
  it.each<[string, number, EmittedWarnings | undefined, number | undefined]>([
    ['is not reported 22 days before', 22, undefined, undefined],
    ['is reported 21 days before', 21, undefined, 21],
    ['is reported once at 21 days', 20, at21, undefined],
    ['is reported again 7 days before', 7, at21, 7],
    ['is reported 7 days before when nothing was reported yet', 6.5, undefined, 7],
    ['is reported once at 7 days', 1, at7, undefined],
    ['is reported after it expired when nothing was reported yet', -3, undefined, 7],
    ['is reported again for another certificate', 20, of21Before, 21],
    ['is not reported for a renewed certificate', 80, at7, undefined],
  ])('%s', (_, daysLeft, emitted, days) => {
    const result = probeWarnings(check, certified, emitted, ends - daysLeft * day);
    expect(result.events.map(({ reason }) => reason)).toEqual(
      days === undefined ? [] : ['CertificateExpiresSoon'],
    );
    expect(result.emitted).toEqual(
      days === undefined ? emitted : { ...emitted, certificate: { expiresAt: ends, days } },
    );
  });

  it('names the address, the date and what to do', () => {
    const note = (daysLeft: number) =>
      probeWarnings(check, certified, undefined, ends - daysLeft * day).events[0]?.note;
    expect(note(20.5)).toBe('the certificate of 10.0.0.1:5432 expires on 2026-06-30, in 20 days: renew it');
    expect(note(1)).toBe('the certificate of 10.0.0.1:5432 expires on 2026-06-30, in 1 day: renew it');
    expect(note(-1)).toBe('the certificate of 10.0.0.1:5432 expired on 2026-06-30: renew it');
  });
});

describe('a bare connection to MySQL', () => {
  it('is reported once, with the effect and the fix', () => {
    const first = probeWarnings(check, greeted, undefined, 0);
    expect(first.events).toMatchObject([{ type: 'Warning', reason: 'BareConnectToMysql' }]);
    for (const word of ['10.0.0.1:5432', 'max_connect_errors', '1129', 'probe: {mysql: {}}'])
      expect(first.events[0]?.note).toContain(word);
    expect(probeWarnings(check, greeted, first.emitted, 0)).toEqual({ events: [], emitted: first.emitted });
  });

  it('is reported within the length of an Event', () => {
    const long = aCheck({ ip: '2001:db8:1111:2222:3333:4444:5555:6666', family: 'IPv6', port: 65_535 });
    expect(probeWarnings(long, greeted, undefined, 0).events[0]?.note.length).toBeLessThan(1024);
  });
});

it('A verdict without a greeting or a certificate causes no Event', () => {
  expect([plain, certified, greeted].map(mayWarn)).toEqual([false, true, true]);
  expect(probeWarnings(check, plain, at7, 0)).toEqual({ events: [], emitted: at7 });
});

describe('a probe of another protocol that MySQL answers', () => {
  it.each(['httpGet', 'redis'] as const)('is reported for %s with the effect and the fix', (kind) => {
    const handler =
      kind === 'redis'
        ? { kind }
        : { kind, request: { path: '/', scheme: 'HTTP', insecureSkipVerify: false } as const };
    const [notice] = probeWarnings(aCheck({ handler }), greeted, undefined, 0).events;
    for (const word of [`${kind} probe`, 'max_connect_errors', '1129', 'Use probe: {mysql: {}} instead'])
      expect(notice?.note).toContain(word);
    expect(notice?.note.length).toBeLessThan(1024);
  });
});
