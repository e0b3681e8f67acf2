import { describe, expect, it } from '@jest/globals';
import { publishingDifference } from '../../../src/core/publish/observation.ts';
import type { Observed } from '../../../src/core/publish/problems.ts';
import { aService, aSlice, someEndpoints } from '../../support/builders/builders.ts';

const ips = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `10.20.0.${i + 1}`);

const withSlice = (...all: readonly string[]): Observed => ({
  service: aService(),
  slices: [aSlice(all, 'someone')],
  endpoints: undefined,
});

const onlyEndpoints = (...all: readonly string[]): Observed => ({
  service: aService(),
  slices: [],
  endpoints: someEndpoints(all),
});

const nothing: Observed = { service: undefined, slices: [], endpoints: undefined };

const alias = (externalName: string): Observed => ({
  ...nothing,
  service: { ...aService(), spec: { type: 'ExternalName', externalName } },
});

const selected: Observed = { ...nothing, service: { ...aService(), spec: { selector: { app: 'db' } } } };

describe('the difference between what would be published and what is', () => {
  it.each<readonly [string, Observed, Observed, string]>([
    ['nothing exists', withSlice('10.20.0.1'), nothing, 'the Service would be created with 1 ready address'],
    ['the same slices', withSlice(...ips(2)), withSlice(...ips(2)), 'none: the same 2 addresses are ready'],
    [
      'the same Endpoints',
      withSlice('10.20.0.1'),
      onlyEndpoints('10.20.0.1'),
      'none: the same address is ready',
    ],
    ['no ready address on either side', withSlice(), withSlice(), 'none: no address is ready'],
    [
      'other addresses',
      withSlice('10.20.0.1', '10.20.0.2'),
      withSlice('10.20.0.2', '10.20.0.3'),
      'would add 10.20.0.1:5432; would remove 10.20.0.3:5432',
    ],
    [
      'many addresses',
      withSlice(...ips(6)),
      withSlice(),
      'would add 10.20.0.1:5432, 10.20.0.2:5432, 10.20.0.3:5432, 10.20.0.4:5432 and 2 more',
    ],
    ['an IPv6 address', withSlice('fd00::1'), withSlice(), 'would add [fd00::1]:5432'],
    [
      'the same alias',
      alias('a.example.com'),
      alias('a.example.com'),
      'none: the alias points to a.example.com',
    ],
    [
      'another alias',
      alias('a.example.com'),
      alias('b.example.com'),
      'the alias would point to a.example.com instead of b.example.com',
    ],
    [
      'a new alias',
      alias('a.example.com'),
      withSlice(),
      'the Service would become an alias of a.example.com',
    ],
    [
      'an alias that ends',
      withSlice(),
      alias('b.example.com'),
      'the Service would no longer be an alias of b.example.com',
    ],
    [
      'a Service of Pods',
      withSlice('10.20.0.1'),
      selected,
      'not compared, because the Service has a selector, and the slices of Pods are not read',
    ],
  ])('is reported for %s', (_, would, now, text) => {
    expect(publishingDifference(would, now)).toBe(text);
  });
});
