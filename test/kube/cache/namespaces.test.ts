import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import type { LogFields } from '../../../src/util/log.ts';
import { Namespaces } from '../../../src/kube/cache/namespaces.ts';
import { ManualClock, settle } from '../../support/fakes/manual-clock.ts';

const forbidden = new OperatorError('no Role', { kind: 'transient', reason: 'Forbidden', status: 403 });

function watched(...names: readonly string[]) {
  const clock = new ManualClock();
  const told: string[] = [];
  const whole: string[] = [];
  const tell = (level: string) => (message: string, fields?: LogFields) =>
    void told.push(`${level} ${String(fields?.['namespace'])} ${message}`);
  const namespaces = new Namespaces({
    clock,
    logger: { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') },
    namespaces: names,
    onWhole: (namespace) => void whole.push(namespace),
  });
  let synced = false;
  void namespaces.synced.then(() => (synced = true));
  const isSynced = async () => (await settle(), synced);
  return { clock, told, whole, namespaces, isSynced };
}

describe('the start with several watched namespaces', () => {
  it('waits until each of them is complete or refused', async () => {
    const { namespaces, isSynced, whole } = watched('a', 'b', 'c');
    namespaces.whole('a');
    expect(await isSynced()).toBe(false);
    namespaces.refused('b', forbidden);
    expect(await isSynced()).toBe(false);
    namespaces.whole('c');
    expect(await isSynced()).toBe(true);
    expect(whole).toEqual(['a', 'c']);
    expect(['a', 'b', 'c'].map((name) => namespaces.isWhole(name))).toEqual([true, false, true]);
  });

  it('waits as long as none of them is complete', async () => {
    const { namespaces, isSynced, clock } = watched('a', 'b');
    namespaces.refused('a', forbidden);
    namespaces.refused('b', forbidden);
    await clock.advance(600_000);
    expect(await isSynced()).toBe(false);
    namespaces.whole('b');
    expect(await isSynced()).toBe(true);
  });

  it('waits no longer than 30 s once one of them is complete', async () => {
    const { namespaces, isSynced, clock, told } = watched('a', 'b');
    await clock.advance(600_000);
    namespaces.whole('a');
    await clock.advance(29_000);
    expect(await isSynced()).toBe(false);
    await clock.advance(2_000);
    expect(await isSynced()).toBe(true);
    expect(told).toEqual(['warn b the namespace has not been read completely; it is not served until then']);
    namespaces.whole('b');
    expect(namespaces.isWhole('b')).toBe(true);
  });

  it('logs a refused namespace once, and again when it can be read', () => {
    const { namespaces, told, whole } = watched('a', 'b');
    for (let kind = 0; kind < 4; kind += 1) namespaces.refused('b', forbidden);
    namespaces.whole('b');
    expect(told).toEqual([
      'warn b the namespace cannot be read; it is not served until it can be read',
      'info b the namespace can be read now and is served',
    ]);
    expect(whole).toEqual(['b']);
  });

  it('waits for one namespace without a name, if the whole cluster is watched', async () => {
    const { namespaces, isSynced } = watched();
    expect([namespaces.names, namespaces.isWhole('shop')]).toEqual([[''], false]);
    namespaces.whole('');
    expect([await isSynced(), namespaces.isWhole('shop')]).toEqual([true, true]);
  });
});
