import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Exports, Guard } from './guard.ts';
import { guards } from './guards.ts';

// Guards name modules and exports of src in strings, which the compiler does not check. A renamed export would
// leave its guard on, and only the simulation would show it.

const cases = Object.entries<Guard>(guards).flatMap(([name, { modules = {} }]) =>
  Object.entries(modules).map(([path, replace]) => ({ name, path, replace })),
);

const load = (path: string): Promise<Exports> =>
  import(join(import.meta.dirname, '../../src', path)) as Promise<Exports>;

/** Returns the names of methods of a replaced class. */
const methodsOf = (value: unknown): readonly string[] =>
  typeof value === 'function' && Object.hasOwn(value, 'prototype')
    ? Object.getOwnPropertyNames((value as { readonly prototype: object }).prototype)
    : [];

/** Names that guards read from the real module while the simulation runs. */
const namesRead = [
  ...readFileSync(join(import.meta.dirname, 'guards.ts'), 'utf8').matchAll(
    /\breal\['(\w+)'\]|\breal\.(\w+)|\bfn\(real, '(\w+)'\)|\bconst \{ (\w+) \} = real\b/g,
  ),
].flatMap(([, ...groups]) => groups.filter(Boolean));

describe('a guard of the simulation', () => {
  it.each(cases)('replaces only what exists: $name in $path', async ({ path, replace }) => {
    const real = await load(path);
    const replaced = replace(real);
    expect(Object.keys(real)).toEqual(expect.arrayContaining(Object.keys(replaced)));
    for (const [name, value] of Object.entries(replaced))
      expect(methodsOf(real[name])).toEqual(expect.arrayContaining([...methodsOf(value)]));
  });

  it('reads only exports of the modules that guards replace', async () => {
    const modules = await Promise.all(cases.map(({ path }) => load(path)));
    const exported = new Set(modules.flatMap((each) => Object.keys(each)));
    expect(namesRead).toContain('emptyNameState');
    expect(namesRead.filter((name) => !exported.has(name))).toEqual([]);
  });
});
