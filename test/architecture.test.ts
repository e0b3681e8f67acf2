import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { circles } from './support/layout/circles.ts';
import { breachesOfImports, breachesOfRooms } from './support/layout/imports.ts';
import { longFiles, maxLines } from './support/layout/long-files.ts';
import { rooms, rules } from './support/layout/layers.ts';
import { breachesAtTopLevel, breachesOfPurity } from './support/layout/purity.ts';
import { importsOf, isNode, packageOf, sourcesOf } from './support/layout/sources.ts';

const root = join(import.meta.dirname, '..');
const src = join(root, 'src');
const sources = sourcesOf(src);

/** Folders of declarations, and of C. */
const withoutModules: ReadonlySet<string> = new Set(['types', 'native']);

describe('the layout', () => {
  it('has imports that point one way, from the edge to the core', () => {
    expect(sources.flatMap(breachesOfImports)).toEqual([]);
  });

  it('has folders inside of its layers that import only folders below them', () => {
    expect(sources.flatMap(breachesOfRooms)).toEqual([]);
    const order = Object.keys(rooms);
    const upward = order.flatMap((room, at) =>
      (rooms[room] ?? []).filter((other) => order.indexOf(other) >= at).map((other) => `${room} -> ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it('has files that are short, or a reason for each that is not', () => {
    const long = sources
      .filter(({ tree }) => tree.getLineStarts().length - 1 > maxLines)
      .map(({ path }) => path);
    expect(long.filter((path) => !Object.hasOwn(longFiles, path))).toEqual([]);
    const paths = sources.map(({ path }) => path);
    expect(Object.keys(longFiles).filter((path) => !paths.includes(path))).toEqual([]);
  });

  it('has no circle of imports, of types neither', () => {
    expect(circles(sources)).toEqual([]);
  });

  it('has no clock, randomness or world in what decides, and `process` in programs only', () => {
    expect(sources.flatMap(breachesOfPurity)).toEqual([]);
  });

  it('has modules that do nothing and keep nothing when they are imported', () => {
    expect(sources.flatMap(breachesAtTopLevel)).toEqual([]);
  });

  it('imports only packages that package.json names as its own', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const foreign = sources.flatMap((source) => {
      // Their output is committed, and the image does not contain them.
      const isTool = ['generate', 'chart'].includes(source.layer);
      const known = isTool ? { ...dependencies, ...devDependencies } : dependencies;
      return importsOf(source)
        .filter(
          ({ from }) => !from.startsWith('.') && !isNode(from) && !Object.hasOwn(known, packageOf(from)),
        )
        .map(({ from }) => `${source.path} imports ${from}`);
    });
    expect(foreign).toEqual([]);
  });

  it('loads no package for the schema of the resource in a thread that probes: each has a memory of its own', () => {
    const reached = new Set<string>();
    const packages = new Set<string>();
    const walk = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const source = sources.find((each) => each.path === path);
      for (const { from, typeOnly } of source === undefined ? [] : importsOf(source)) {
        if (typeOnly) continue;
        if (from.startsWith('.')) walk(normalize(join(dirname(path), from)));
        else if (!isNode(from)) packages.add(packageOf(from));
      }
    };
    walk('prober.ts');
    expect(reached.size).toBeGreaterThan(50);
    expect([...packages].filter((name) => ['zod', 'undici', 'cron'].includes(name))).toEqual([]);
  });

  it('knows every folder of src', () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(
      folders
        .map(({ name }) => name)
        .filter((name) => !withoutModules.has(name) && rules[name] === undefined),
    ).toEqual([]);
  });
});
