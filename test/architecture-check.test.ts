import { describe, expect, it } from '@jest/globals';
import { join, relative } from 'node:path';
import { circles } from './support/layout/circles.ts';
import { breachesOfImports, breachesOfRooms } from './support/layout/imports.ts';
import { breachesAtTopLevel, breachesOfPurity } from './support/layout/purity.ts';
import { parse, sourcesOf } from './support/layout/sources.ts';

describe('the check of the layout itself', () => {
  const breaches = (path: string, text: string): readonly string[] => {
    const source = parse(path, text);
    return [...breachesOfImports(source), ...breachesOfPurity(source), ...breachesAtTopLevel(source)];
  };

  it.each([
    ['core/x.ts', "import { readFileSync } from 'node:fs';"],
    ['core/x.ts', "import type { WorkQueue } from '../engine/work-queue.ts';"],
    ['core/x.ts', "export { x } from '../kube/client.ts';"],
    ['core/x.ts', 'export const f = () => Date.now();'],
    ['core/x.ts', 'export const f = () => new Date().toISOString();'],
    ['core/x.ts', 'export const f = () => Math.random();'],
    ['engine/x.ts', 'export const f = () => setTimeout(f, 1);'],
    ['engine/x.ts', "export const f = () => import('../kube/client.ts');"],
    ['engine/x.ts', 'export const f = () => AbortSignal.timeout(1);'],
    ['util/x.ts', "import { parseIp } from '../api/ip.ts';"],
    ['kube/x.ts', "export const f = () => process.env['HOME'];"],
    ['kube/x.ts', "import { HttpServer } from '../serve/http-server.ts';"],
    ['probe/x.ts', "import { WorkQueue } from '../engine/work-queue.ts';"],
    ['serve/x.ts', "export const f = () => console.log('x');"],
    ['serve/x.ts', 'let count = 0; export const f = () => count++;'],
    ['serve/x.ts', 'const cache = new Map<string, string>(); export const f = () => cache;'],
    ['serve/x.ts', "register('x');"],
    ['serve/x.ts', "for (const each of ['a']) register(each);"],
    ['elsewhere/x.ts', ''],
  ])('finds the breach in %s: %s', (path, text) => {
    expect(breaches(path, text)).not.toEqual([]);
  });

  it.each([
    ['core/x.ts', "import { FairQueue } from '../util/fair-queue.ts';"],
    ['core/x.ts', 'export const f = (now: number) => new Date(now).toISOString();'],
    ['core/x.ts', 'export interface X { readonly process: string } export const f = (x: X) => x.process;'],
    ['probe/x.ts', "import type { Probe } from '../engine/ports.ts';"],
    ['probe/x.ts', "import { type Probe } from '../engine/ports.ts';"],
    ['kube/x.ts', "import { KubeConfig } from '@kubernetes/client-node';"],
    ['serve/x.ts', "const names: ReadonlySet<string> = new Set(['a']); export const f = () => names;"],
  ])('finds none in %s: %s', (path, text) => {
    expect(breaches(path, text)).toEqual([]);
  });

  it.each([
    ['core/resolution/x.ts', "import type { Check } from '../probing/check.ts';"],
    ['probe/connection/x.ts', "import { probes } from '../probes.ts';"],
    ['core/attic/x.ts', ''],
  ])('finds the breach between folders in %s: %s', (path, text) => {
    expect(breachesOfRooms(parse(path, text))).not.toEqual([]);
  });

  it.each([
    ['core/probing/x.ts', "import type { Role } from '../role.ts';"],
    ['core/probing/x.ts', "import type { Service } from '../kubernetes/objects.ts';"],
    ['core/probing/x.ts', "import { parseIp } from '../../api/ip.ts';"],
  ])('finds no breach between folders in %s: %s', (path, text) => {
    expect(breachesOfRooms(parse(path, text))).toEqual([]);
  });

  it('finds a circle of imports where one of them is a type, and none in a chain', () => {
    const files = [
      parse('core/a.ts', "import { b } from './b.ts';"),
      parse('core/b.ts', "import type { C } from './c.ts';"),
      parse('core/c.ts', "import { a } from './a.ts';"),
      parse('core/d.ts', "import { a } from './a.ts';"),
    ];
    expect(circles(files)).toEqual([['core/a.ts', 'core/b.ts', 'core/c.ts']]);
    expect(circles(files.slice(1))).toEqual([]);
  });

  it('looked at this project', () => {
    const sources = sourcesOf(join(import.meta.dirname, '../src'));
    expect(sources.map(({ path }) => relative('.', path))).toContain('core/errors.ts');
  });
});
