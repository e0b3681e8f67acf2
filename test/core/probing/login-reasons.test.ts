import { describe, expect, it } from '@jest/globals';
import type { Handler } from '../../../src/core/probing/check.ts';
import { withLoginReason } from '../../../src/core/probing/login-reasons.ts';
import { reasons } from '../../../src/core/probing/reasons.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';

const credentials = { username: 'prober', password: 'secret' };
const saturatedIs = 'inconclusive';
const databases: readonly Handler[] = [
  { kind: 'postgres', sslMode: 'prefer', saturatedIs },
  { kind: 'mysql', saturatedIs },
  { kind: 'redis' },
];
const withoutLogin: readonly Handler[] = [
  { kind: 'postgres', sslMode: 'prefer', saturatedIs, user: 'prober' },
  { kind: 'redis' },
  { kind: 'mongodb' },
];
const others: readonly Handler[] = [
  { kind: 'tcpSocket' },
  { kind: 'icmp' },
  { kind: 'tls', tls: {} },
  { kind: 'grpc', service: '' },
];
const up = (reason: Verdict['reason'], more: Partial<Verdict> = {}): Verdict => ({
  kind: 'up',
  reason,
  message: 'x',
  ...more,
});

describe('the reason of a verdict without a role', () => {
  it.each(databases.map((handler) => [handler.kind, handler] as const))(
    'with credentials, a %s that is up without a role is AuthFailed, whatever the reason',
    (_, handler) => {
      for (const reason of reasons.filter((each) => each !== 'CredentialsWithheld'))
        expect(withLoginReason({ ...handler, credentials } as Handler, up(reason))).toEqual(up('AuthFailed'));
    },
  );

  it('reports credentials that were withheld as such', () => {
    for (const handler of databases) {
      const verdict = up('CredentialsWithheld');
      expect(withLoginReason({ ...handler, credentials } as Handler, verdict, 'Primary')).toBe(verdict);
    }
  });

  it('is AuthRequired without credentials if a role was reported before', () => {
    for (const handler of withoutLogin) {
      expect(withLoginReason(handler, up('Responded'), 'Primary')).toEqual(up('AuthRequired'));
      expect(withLoginReason(handler, up('Responded'))).toEqual(up('Responded'));
      expect(withLoginReason(handler, up('AuthFailed'), 'Replica')).toEqual(up('AuthFailed'));
    }
  });

  it('is not changed with a role, when the server has none, and when it is not up', () => {
    const handler = { ...databases[0], credentials } as Handler;
    const verdicts = [
      up('Responded', { role: 'Primary' }),
      up('AuthFailed', { role: 'Replica' }),
      up('Responded', { isRoleless: true }),
      { ...up('Timeout'), kind: 'down' },
      { ...up('Saturated'), kind: 'inconclusive' },
    ] as const;
    for (const verdict of verdicts) expect(withLoginReason(handler, verdict, 'Primary')).toBe(verdict);
  });

  it('clears the role that another handler reported, when the new handler reports none', () => {
    const [postgres, mysql] = databases;
    for (const handler of [...others, postgres, mysql].filter((each) => each !== undefined)) {
      expect(withLoginReason(handler, up('Connected'))).toEqual(up('Connected'));
      expect(withLoginReason(handler, up('Connected'), 'Primary')).toEqual(
        up('Connected', { isRoleless: true }),
      );
    }
  });
});
