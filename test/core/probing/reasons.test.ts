import { describe, expect, it } from '@jest/globals';
import { degradedReasons, isPlainSuccess, warningFor } from '../../../src/core/health/warnings.ts';
import { unprobedReasons } from '../../../src/core/probing/address-reasons.ts';
import { reasons, verdictReasons, warningConditions } from '../../../src/core/probing/reasons.ts';
import { reasons as listed } from '../../../src/core/probing/verdict.ts';
import { possibleVerdicts } from '../../../src/serve/possible-verdicts.ts';

describe('the table of reasons', () => {
  it('has the reasons of verdicts in their order', () => {
    expect(reasons).toEqual(listed);
    expect(warningConditions).toEqual(degradedReasons);
  });

  it.each(reasons)('gives %s the meaning that the lists and functions give it', (reason) => {
    const { isPlainSuccess: isPlain, results, roleUnknown, warning } = verdictReasons[reason];
    expect(isPlain === true).toBe(isPlainSuccess(reason));
    const ofRedis = possibleVerdicts.filter((each) => each.handler === 'redis' && each.reason === reason);
    expect(results).toEqual(ofRedis.map(({ result }) => result));
    const { needsRole = false, ...rest } = warning ?? {};
    expect(warning && rest).toEqual(warningFor(reason, 'Primary'));
    expect(warning && !needsRole ? rest : undefined).toEqual(warningFor(reason, undefined));
    const texts: Readonly<Record<string, string>> = {
      AuthFailed: 'login refused',
      CredentialsWithheld: 'credentials not sent',
      AuthRequired: 'the server requires a login',
    };
    expect(roleUnknown).toBe(texts[reason]);
  });

  it('has the reasons that come from no probe', () => {
    const notFromProbes = ['NotProbedYet', 'FamilyNotServed', 'ProbeDisabled'];
    const ofStatus = ['Drained', 'PublishRefused', 'NotPublished'];
    expect(unprobedReasons.toSorted()).toEqual([...notFromProbes, ...ofStatus].toSorted());
  });
});
