import { describe, expect, it } from '@jest/globals';
import { passThroughFields } from '../../src/api/service.ts';

describe('the fields that pass through to a Service', () => {
  it('are the list that service-body.ts copies, without the families', () => {
    const copied = [
      'sessionAffinity',
      'sessionAffinityConfig',
      'internalTrafficPolicy',
      'externalTrafficPolicy',
      'trafficDistribution',
      'externalIPs',
      'loadBalancerClass',
      'loadBalancerSourceRanges',
      'ipFamilies',
      'selector',
    ];
    expect(passThroughFields).toEqual(copied.filter((field) => field !== 'ipFamilies'));
  });

  it('end the list that alias-rules.ts refuses', () => {
    const refused = [
      'maxLagSeconds',
      'clusterIP',
      'ipFamilies',
      'ipFamilyPolicy',
      'sessionAffinity',
      'sessionAffinityConfig',
      'internalTrafficPolicy',
      'externalTrafficPolicy',
      'trafficDistribution',
      'externalIPs',
      'loadBalancerClass',
      'loadBalancerSourceRanges',
      'selector',
    ];
    const others = ['maxLagSeconds', 'clusterIP', 'ipFamilies', 'ipFamilyPolicy'];
    expect([...others, ...passThroughFields]).toEqual(refused);
  });

  it('are those that service-repair.ts leaves to the apply, without the class and the selector', () => {
    const left = [
      'sessionAffinity',
      'sessionAffinityConfig',
      'internalTrafficPolicy',
      'externalTrafficPolicy',
      'trafficDistribution',
      'externalIPs',
      'loadBalancerSourceRanges',
    ];
    const patched = ['loadBalancerClass', 'selector'];
    expect(passThroughFields.filter((field) => !patched.includes(field))).toEqual(left);
  });
});
