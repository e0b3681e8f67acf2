import { describe, expect, it } from '@jest/globals';
import { planSlices } from '../../../src/core/publish/slices.ts';
import { aSlice } from '../../support/builders/builders.ts';
import { context, endpoint, group, ports } from '../support/planned-slices.ts';
import type { EndpointPort } from '../../../src/core/kubernetes/objects.ts';

describe('while the Service is refused, an address in the slice from which it moves', () => {
  const left = (is: boolean, wanted: boolean, port: number) => {
    const slice = { ...aSlice([], 'external-backend-operator'), endpoints: [endpoint(1, is)], ports };
    const named: readonly EndpointPort[] = [{ name: 'pg', port, protocol: 'TCP' }];
    const plan = planSlices([group([endpoint(1, wanted)], { ports: named })], [slice], context);
    const [last] = plan.leaving([]);
    const instead = last?.instead;
    return instead?.op === 'update' && instead.object.kind === 'EndpointSlice'
      ? instead.object.endpoints?.[0]?.conditions?.ready
      : 'stays';
  };
  it.each([
    ['with another port name follows its probe to not ready', true, false, 5432, false],
    ['with another port name follows its probe to ready', false, true, 5432, true],
    ['with another port number follows its probe to not ready', true, false, 6432, false],
    ['with another port number does not become ready', false, true, 6432, false],
  ])('%s', (_, is, wanted, port, ready) => {
    const found = left(is, wanted, port);
    expect(found === 'stays' ? is : found).toBe(ready);
  });
});
