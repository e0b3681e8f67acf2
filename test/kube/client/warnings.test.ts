import { describe, expect, it } from '@jest/globals';

import { Warnings, warningTexts } from '../../../src/kube/client/warnings.ts';

describe('a Warning header', () => {
  it.each<readonly [string | readonly string[] | undefined, readonly string[]]>([
    [undefined, []],
    ['', []],
    [
      '299 - "spec.externalIPs is deprecated and may no longer be implemented in some clusters"',
      ['spec.externalIPs is deprecated and may no longer be implemented in some clusters'],
    ],
    [
      '299 - "spec.trafficDistribution: \\"PreferClose\\" is deprecated; use \\"PreferSameZone\\""',
      ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
    ],
    ['299 - "a, b", 299 - "c"', ['a, b', 'c']],
    [
      ['299 - "a"', '299 - "b"'],
      ['a', 'b'],
    ],
    ['299 kube "a" "Sat, 28 Nov 2026 00:00:00 GMT"', ['a']],
    ['214 - "transformed"', []],
    ['299 - "not closed', []],
    ['299 - "a back slash: \\\\"', ['a back slash: \\']],
  ])('%j', (header, texts) => {
    expect(warningTexts(header)).toEqual(texts);
  });
});

describe('warnings of the API server', () => {
  const collected = () => {
    const texts: string[] = [];
    return { texts, warnings: new Warnings<string>((text, about) => void texts.push(`${about}: ${text}`)) };
  };

  it('are reported once each', () => {
    const { texts, warnings } = collected();
    for (const about of ['a', 'b']) warnings.take('299 - "deprecated", 299 - "ambiguous"', about);
    expect(texts).toEqual(['a: deprecated', 'a: ambiguous']);
  });

  it('are not reported for Endpoints, which the operator writes on purpose', () => {
    const { texts, warnings } = collected();
    warnings.take(
      '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
      'endpoints',
    );
    expect(texts).toEqual([]);
  });

  it('are bounded in number and length, whatever a webhook sends', () => {
    const { texts, warnings } = collected();
    for (let i = 0; i < 10_000; i += 1) warnings.take(`299 - "${i} ${'x'.repeat(5_000)}"`, 'a');
    expect(texts).toHaveLength(100);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(600);
  });
});
