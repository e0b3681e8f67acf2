import type { z } from 'zod';

/**
 * One rule in its two forms: `holds` runs here, `cel` in the API server. They must say the same of every value;
 * `test/api/samples.ts` tries both. The message names the field and the fix.
 */
export interface Rule<T> {
  readonly holds: (value: T) => boolean;
  readonly cel: string;
  readonly message: string;
  /** Dotted path below the value that a failure is reported at; default: the value itself. */
  readonly field?: string;
}

/**
 * A rule of the API server alone. A resource that was stored before the rule existed, and breaks it, is understood all
 * the same, so that its servers are still probed: what is beyond the rule is left out where addresses are resolved, and
 * the status reports it.
 */
export type AdmissionRule = Pick<Rule<never>, 'cel' | 'message' | 'field'>;

interface KubernetesRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** A rule as it stands in the CRD. */
export function kubernetesRule({ cel, message, field }: AdmissionRule): KubernetesRule {
  return { rule: cel, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }) };
}

/**
 * The schema with rules, both for zod and (as metadata) for the CRD. The schema's own metadata stays.
 * Rules judge only what is well-formed below, so that one mistake is told once.
 */
export function withRules<S extends z.ZodType>(
  schema: S,
  rules: readonly (Rule<z.output<S>> | AdmissionRule)[],
): S {
  const refined = schema.superRefine((value, context) => {
    if (context.issues.length > 0) return;
    for (const rule of rules) {
      if (!('holds' in rule) || rule.holds(value)) continue;
      context.addIssue({ code: 'custom', message: rule.message, path: rule.field?.split('.') ?? [] });
    }
  });
  return refined.meta({ ...schema.meta(), 'x-kubernetes-validations': rules.map(kubernetesRule) });
}

/** A CEL string literal. */
export const celString = (text: string): string => JSON.stringify(text);

/** `pattern` must mean the same to JavaScript and to RE2: no look-around, no back references. */
export function matches(pattern: string, message: string): Rule<string> {
  const regExp = new RegExp(pattern);
  return { holds: (text) => regExp.test(text), cel: `self.matches(${celString(pattern)})`, message };
}

/** Whether no value occurs twice. */
export const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/**
 * An array whose entries are told apart by `keys` (required, or with a default): the API server refuses two alike,
 * and server-side apply merges single entries from several owners.
 */
export function listMap<T extends z.ZodObject>(
  schema: z.ZodArray<T>,
  field: string,
  keys: readonly string[],
): z.ZodArray<T> {
  const key = (entry: Readonly<Record<string, unknown>>): string =>
    JSON.stringify(keys.map((name) => entry[name]));
  const refined = schema.superRefine((entries, context) => {
    if (distinct(entries.map(key))) return;
    context.addIssue({
      code: 'custom',
      message: `${field} has two entries with the same ${keys.join(' and ')}: remove one`,
    });
  });
  return refined.meta({
    ...schema.meta(),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
  });
}
