import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../src/core/kubernetes/objects.ts';
import { isReadyIn, notReadyMark } from '../../../src/core/publish/slice-readiness.ts';

const endpoint = (ip: string, conditions?: Endpoint['conditions']): Endpoint => ({
  addresses: [ip],
  ...(conditions && { conditions }),
});

const sliceWith = (annotations?: Readonly<Record<string, string>>) => ({
  metadata: { name: 's', namespace: 'shop', ...(annotations && { annotations }) },
});

const mark = 'externalbackend.io/published-not-ready';
const published = { ready: true, serving: true, terminating: false };
const left = { ready: false, serving: false, terminating: false };

describe('an endpoint of a slice', () => {
  it.each([
    ['is published as ready', published, undefined, true],
    ['is not published', left, undefined, false],
    ['has no conditions', undefined, undefined, true],
    ['has a condition ready alone', { ready: false }, undefined, false],
    [
      'is ready and not serving, as slices of earlier versions have it',
      { ready: true, serving: false },
      undefined,
      false,
    ],
    ['is published and listed in the annotation', published, { [mark]: '10.20.0.1,10.20.0.11' }, false],
    ['is published, and the annotation lists others', published, { [mark]: '10.20.0.1,10.20.0.110' }, true],
    ['is published, and the annotation is empty', published, { [mark]: '' }, true],
  ] as const)('counts as ready by the table if it %s', (_, conditions, annotations, ready) => {
    expect(isReadyIn(sliceWith(annotations))(endpoint('10.20.0.11', conditions))).toBe(ready);
  });
});

describe('the annotation of a slice', () => {
  it('lists in order the addresses that are published although they are not ready, and no others', () => {
    const endpoints = [
      endpoint('10.20.0.12', published),
      endpoint('10.20.0.11', published),
      endpoint('10.20.0.13', published),
      endpoint('10.20.0.14', left),
    ];
    const notReady = new Set(['10.20.0.11', '10.20.0.12', '10.20.0.14']);
    expect(notReadyMark(endpoints, { notReady })).toEqual({ [mark]: '10.20.0.11,10.20.0.12' });
  });

  it('is absent if every published address is ready', () => {
    expect(notReadyMark([endpoint('10.20.0.11', published)], {})).toEqual({});
  });
});
