import { dirname } from 'node:path';
import { assemblies, rooms, rules, typesOnly } from './layers.ts';
import { importsOf, isNode, layerOf, packageOf, targetOf } from './sources.ts';
import type { Source } from './sources.ts';

export function breachesOfImports(source: Source): readonly string[] {
  const rule = rules[source.layer];
  if (rule === undefined)
    return [`${source.path} is in no known layer: add it to test/support/layout/layers.ts`];
  return importsOf(source).flatMap(({ from, typeOnly }) => {
    const said = `${source.path} imports ${from}`;
    if (!from.startsWith('.')) {
      if (isNode(from)) return rule.node ? [] : [said];
      return rule.npm.includes(packageOf(from)) ? [] : [said];
    }
    const target = layerOf(targetOf(source, from));
    if (target === source.layer) return [];
    if (!rule.layers.includes(target)) return [said];
    return (typesOnly[source.layer] ?? []).includes(target) && !typeOnly ? [`${said} at run time`] : [];
  });
}

const roomOf = (path: string): string => (path.split('/').length > 2 ? dirname(path) : '');

/** Imports between folders of one layer that no row of `rooms` has. */
export function breachesOfRooms(source: Source): readonly string[] {
  const room = roomOf(source.path);
  if (room === '') return [];
  const may = rooms[room];
  if (may === undefined) return [`${room} has no row: add it to test/support/layout/layers.ts`];
  return importsOf(source).flatMap(({ from }) => {
    if (!from.startsWith('.')) return [];
    const target = targetOf(source, from);
    const other = roomOf(target);
    const isOutside = other === room || other.split('/')[0] !== source.layer;
    if (other === '' ? !assemblies.has(target) : isOutside || may.includes(other)) return [];
    return [`${source.path} imports ${from}`];
  });
}
