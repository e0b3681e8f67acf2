import { registerHooks } from 'node:module';
import type { Guard } from './guard.ts';

type Exports = Readonly<Record<string, unknown>>;

const source = new URL('../../src/', import.meta.url).href;
/** Suffix of the URL under which the real module is loaded. */
const real = '?real';

/**
 * Replaces exports of modules of src, for this process and before they are loaded. So a guard is switched off
 * without a switch in the program.
 */
export function switchOff(modules: NonNullable<Guard['modules']>): void {
  const changed = new Map(Object.entries(modules).map(([path, change]) => [source + path, change] as const));
  const replacements = new Map<string, Exports>();
  Object.assign(globalThis, {
    replacementsOf: (url: string, own: Exports): Exports => {
      const found = replacements.get(url) ?? changed.get(url)?.(own) ?? {};
      replacements.set(url, found);
      return found;
    },
  });
  registerHooks({
    load: (url, context, next) => {
      const change = changed.get(url);
      if (change === undefined) return next(url, context);
      // The names are static, and known only with the real exports: a stub shows those that a change has.
      const names = Object.keys(change(stub));
      const lines = names.map((name) => `export const ${name} = replaced[${JSON.stringify(name)}];`);
      const text = [
        `import * as own from ${JSON.stringify(url + real)};`,
        `export * from ${JSON.stringify(url + real)};`,
        `const replaced = replacementsOf(${JSON.stringify(url)}, own);`,
        ...lines,
      ].join('\n');
      return { format: 'module', shortCircuit: true, source: text };
    },
  });
}

/** Exports of any name: functions. */
const stub = new Proxy({}, { get: () => NoFunction }) as Exports;

function NoFunction(): void {
  /* It is never called. */
}
