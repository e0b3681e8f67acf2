import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../src/core/errors.ts';
import type { LogFields } from '../../src/engine/ports.ts';
import { Namespaces } from '../../src/kube/namespaces.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

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

describe('the namespaces that are watched', () => {
  it('are waited for until each is known whole or is refused', async () => {
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

  it('are waited for as long as none is known whole: there is nothing to serve', async () => {
    const { namespaces, isSynced, clock } = watched('a', 'b');
    namespaces.refused('a', forbidden);
    namespaces.refused('b', forbidden);
    await clock.advance(600_000);
    expect(await isSynced()).toBe(false);
    namespaces.whole('b');
    expect(await isSynced()).toBe(true);
  });

  it('are waited for no longer than 30 s once one is known whole', async () => {
    const { namespaces, isSynced, clock, told } = watched('a', 'b');
    await clock.advance(600_000);
    namespaces.whole('a');
    await clock.advance(29_000);
    expect(await isSynced()).toBe(false);
    await clock.advance(2_000);
    expect(await isSynced()).toBe(true);
    expect(told).toEqual(['warn b The namespace is not known whole yet and not served until it is']);
    namespaces.whole('b');
    expect(namespaces.isWhole('b')).toBe(true);
  });

  it('are told of once when they are refused, and again when they can be read', () => {
    const { namespaces, told, whole } = watched('a', 'b');
    for (let kind = 0; kind < 4; kind += 1) namespaces.refused('b', forbidden);
    namespaces.whole('b');
    expect(told).toEqual([
      'warn b The namespace cannot be read and is not served until it can',
      'info b The namespace can be read now',
    ]);
    expect(whole).toEqual(['b']);
  });

  it('are one where the whole cluster is watched', async () => {
    const { namespaces, isSynced } = watched();
    expect([namespaces.names, namespaces.isWhole('shop')]).toEqual([[''], false]);
    namespaces.whole('');
    expect([await isSynced(), namespaces.isWhole('shop')]).toEqual([true, true]);
  });
});
