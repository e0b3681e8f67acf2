import { describe, expect, it } from '@jest/globals';
import { loginVerdicts, refusalVerdict } from '../../../src/probe/connection/login-verdicts.ts';
import type { LoginStage } from '../../../src/probe/connection/login-verdicts.ts';

const stages = Object.keys(loginVerdicts) as LoginStage[];

describe('the rule of logins', () => {
  it.each(stages)('%s: an error of the server is down, one about who asks never is', (stage) => {
    expect(loginVerdicts[stage].server).toEqual(['down', 'down']);
    for (const subject of ['account', 'login'] as const)
      for (const logsIn of [false, true])
        expect(refusalVerdict({ stage, logsIn }, subject, 'x').kind).toBe('up');
  });

  it.each(stages)('%s: with credentials each error about who asks is AuthFailed', (stage) => {
    for (const subject of ['account', 'login'] as const)
      expect(refusalVerdict({ stage, logsIn: true }, subject, 'x')).toMatchObject({
        reason: 'AuthFailed',
        message: 'x',
      });
  });
});
