import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { InitialEvents } from '../../../src/kube/cache/initial-events.ts';
import type { WatchEvent } from '../../../src/kube/cache/watch-stream.ts';

const event = (type: string, name: string, resourceVersion: string): WatchEvent => ({
  type,
  object: { metadata: { name, namespace: 'shop', resourceVersion } } as WatchEvent['object'],
});
const bookmark = (resourceVersion: string, annotations?: Readonly<Record<string, string>>): WatchEvent => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion, ...(annotations && { annotations }) } },
});
const end = bookmark('9', { 'k8s.io/initial-events-end': 'true' });

/** What came of the events, each object as name@version; undefined: they are not all. */
function after(...events: readonly WatchEvent[]): readonly string[] | undefined {
  const first = new InitialEvents((raw) => raw as KubeObject);
  const whole = events.map((each) => first.add(each)).at(-1);
  return whole?.objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ''}`);
}

describe('the initial events of a full watch', () => {
  it.each<[string, readonly WatchEvent[], readonly string[] | undefined]>([
    [
      'are all there is once the server says so',
      [event('ADDED', 'b', '7'), event('ADDED', 'a', '3'), end],
      ['b@7', 'a@3'],
    ],
    ['may be none', [end], []],
    ['are a part before', [event('ADDED', 'a', '3')], undefined],
    ['are a part at a bookmark that does not say so', [event('ADDED', 'a', '3'), bookmark('8')], undefined],
    ['hold what an object is now', [event('ADDED', 'a', '3'), event('MODIFIED', 'a', '8'), end], ['a@8']],
    ['hold nothing that went meanwhile', [event('ADDED', 'a', '3'), event('DELETED', 'a', '8'), end], []],
  ])('%s', (_, events, expected) => {
    expect(after(...events)).toEqual(expected);
  });

  it('have the version of the bookmark', () => {
    expect(new InitialEvents((raw) => raw as KubeObject).add(end)).toEqual({ objects: [], version: '9' });
  });
});
