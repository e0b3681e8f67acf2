import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { Store, compareVersions } from '../../../src/kube/cache/store.ts';
import type { Change } from '../../../src/kube/cache/store.ts';

const object = (uid: string, version: number, name = 'x'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'n', name, uid, resourceVersion: String(version) },
});
const told = (changes: readonly Change<KubeObject>[]) =>
  changes.map(({ before, after }) => [before?.metadata.uid, after?.metadata.uid]);

describe('compareVersions', () => {
  it('compares numbers of any length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n }), fc.bigInt({ min: 1n, max: 2n ** 64n }), (a, b) => {
        const sign = a < b ? -1 : a > b ? 1 : 0;
        expect(Math.sign(compareVersions(a.toString(), b.toString()))).toBe(sign);
      }),
    );
  });
});

describe('Store', () => {
  it('reports a new object under the name of an old one as a deletion and an addition', () => {
    const store = new Store<KubeObject>();
    store.watched(object('a', 1));
    expect(told(store.watched(object('b', 2)))).toEqual([
      ['a', undefined],
      [undefined, 'b'],
    ]);
  });

  it('ignores an answer that is older than the version of the watch', () => {
    const store = new Store<KubeObject>();
    store.watched(object('a', 1));
    store.watchedDeleted(object('a', 5));
    expect(store.put(object('a', 3))).toEqual([]);
    expect(store.size).toBe(0);
  });

  it('takes a read object that the watch leaves out, however old it is', () => {
    const store = new Store<KubeObject>();
    store.replace([], '100');
    expect(told(store.putUnwatched(object('a', 3)))).toEqual([[undefined, 'a']]);
    expect(store.putUnwatched(object('a', 2))).toEqual([]);
  });

  it('keeps objects that were written while a list was read', () => {
    const store = new Store<KubeObject>();
    store.replace([object('a', 1, 'a')], '10');
    store.put(object('b', 25, 'b'));
    store.put(object('c', 15, 'c'));
    store.replace([object('a', 1, 'a')], '20');
    expect([...store.values()].map((each) => each.metadata.name)).toEqual(['a', 'b']);
  });

  it('takes a list that is older than itself, because the server was restored from a backup', () => {
    const store = new Store<KubeObject>();
    store.replace([object('a', 90, 'a'), object('b', 95, 'b')], '100');
    expect(told(store.replace([object('a', 40, 'a')], '50'))).toEqual([
      ['b', undefined],
      ['a', 'a'],
    ]);
    expect(store.resourceVersion).toBe('50');
  });

  it('ends in the state of the cluster, in any order of answers and events', () => {
    // A history of one name: lives that are created, updated and deleted, each step with the next version.
    const lives = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 });
    const delays = fc.array(fc.nat({ max: 8 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(lives, fc.boolean(), delays, (updates, lastLives, late) => {
        const store = new Store<KubeObject>();
        const steps: { watch: () => void; own: () => void }[] = [];
        let version = 0;
        updates.forEach((count, life) => {
          const uid = `life-${life}`;
          for (let at = 0; at <= count; at += 1) {
            const state = object(uid, (version += 1));
            steps.push({ watch: () => store.watched(state), own: () => store.put(state) });
          }
          if (life === updates.length - 1 && lastLives) return;
          const end = object(uid, (version += 1));
          steps.push({ watch: () => store.watchedDeleted(end), own: () => store.remove('n/x', uid) });
        });
        // Own answers come in order, each at its time between the events.
        const order = steps.flatMap((step, at) => [
          { at: at * 2, run: step.watch },
          { at: at * 2 - 7 + (late[at % late.length] ?? 0) * 2, run: step.own },
        ]);
        for (const { run } of order.toSorted((a, b) => a.at - b.at)) run();
        const last = `life-${updates.length - 1}`;
        expect([...store.values()].map((each) => each.metadata.uid)).toEqual(lastLives ? [last] : []);
        if (lastLives) expect(store.get('n/x')?.metadata.resourceVersion).toBe(String(version));
      }),
      { numRuns: 500 },
    );
  });
});
