import { expect, it } from '@jest/globals';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { WarningHistory } from '../../../src/engine/probing/warning-history.ts';
import { aCheck } from '../../support/fakes/scripted-probe.ts';

const greeted: Verdict = { kind: 'up', reason: 'Connected', message: '', detectedProtocol: 'mysql' };
const [a, b] = [aCheck({ id: 'a' }), aCheck({ id: 'b' })];

const told = (notices: WarningHistory, key = 'shop/db', check = a) =>
  notices.of(key, check, greeted, 0).map(({ reason }) => reason);

it('A warning is recorded once for each check of each backend', () => {
  const notices = new WarningHistory();
  expect([told(notices), told(notices)]).toEqual([['BareConnectToMysql'], []]);
  expect(told(notices, 'shop/db', b)).toEqual(['BareConnectToMysql']);
  expect(told(notices, 'shop/other')).toEqual(['BareConnectToMysql']);
});

it('A warning is recorded again for a check or backend that was removed and added again', () => {
  const notices = new WarningHistory();
  for (const check of [a, b]) told(notices, 'shop/db', check);
  notices.retain('shop/db', [b]);
  expect(told(notices, 'shop/db', b)).toEqual([]);
  expect(told(notices, 'shop/db', a)).toEqual(['BareConnectToMysql']);
  notices.retain('shop/db', []);
  expect(told(notices, 'shop/db', b)).toEqual(['BareConnectToMysql']);
  notices.retain('shop/never', []);
});

it('The expiry of a certificate is kept for each check of the backend', () => {
  const notices = new WarningHistory();
  notices.of('shop/db', a, { certificateExpiresAt: 5 }, 0);
  notices.of('shop/db', b, { certificateExpiresAt: 6 }, 0);
  notices.retain('shop/db', [b]);
  expect([...notices.certificates('shop/db')]).toEqual([[b, 6]]);
  notices.retain('shop/db', []);
  expect([...notices.certificates('shop/db')]).toEqual([]);
});
