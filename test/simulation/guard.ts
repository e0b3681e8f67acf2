import type { Ports } from './replica-options.ts';
import type { RuleName } from './rules/rules.ts';

// Only types are imported: this is read before the modules that guards change.

export type Exports = Readonly<Record<string, unknown>>;
export type Fn = (...given: readonly unknown[]) => unknown;

/** A guard of the engine, switched off. */
export interface Guard {
  /** What the guard does. */
  readonly title: string;
  /** Rule that is broken without it. */
  readonly breaks: RuleName;
  /** Module (a path below src) -> exports in place of its own. */
  readonly modules?: Readonly<Record<string, (real: Exports) => Exports>>;
  /** Ports in place of those of each replica. */
  readonly ports?: Ports;
}

/** Returns the export of a module as a function. */
export const fn = (real: Exports, name: string): Fn => real[name] as Fn;

/** Changes the arguments of one function. */
export const given =
  (name: string, change: (args: readonly unknown[]) => readonly unknown[]) =>
  (real: Exports): Exports => ({ [name]: (...args: readonly unknown[]) => fn(real, name)(...change(args)) });

/** Changes the result of one function. */
export const result =
  (name: string, change: (value: unknown) => unknown) =>
  (real: Exports): Exports => ({ [name]: (...args: readonly unknown[]) => change(fn(real, name)(...args)) });
