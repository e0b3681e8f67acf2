import { importsOf, targetOf } from './sources.ts';
import type { Source } from './sources.ts';

/** Groups of files that reach each other by imports, types included; each group sorted. */
export function circles(all: readonly Source[]): readonly (readonly string[])[] {
  const imported = new Map(
    all.map((source) => [
      source.path,
      importsOf(source).flatMap(({ from }) => (from.startsWith('.') ? [targetOf(source, from)] : [])),
    ]),
  );
  const reached = new Map([...imported.keys()].map((path) => [path, reachableFrom(path, imported)]));
  const groups = [...imported.keys()]
    .filter((path) => reached.get(path)?.has(path))
    .map((path) =>
      [...imported.keys()].filter((other) => reached.get(path)?.has(other) && reached.get(other)?.has(path)),
    );
  return [...new Map(groups.map((group) => [group.toSorted().join(), group.toSorted()])).values()];
}

function reachableFrom(path: string, imported: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...(imported.get(path) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(imported.get(next) ?? []));
  }
  return reached;
}
