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

const validations = 'x-kubernetes-validations';

/** A rule as the CRD contains it. */
export function kubernetesRule({ cel, message, field }: AdmissionRule): KubernetesRule {
  return { rule: cel, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }) };
}

/**
 * The schema with rules, both for zod and (as metadata) for the CRD. The schema's own metadata and rules stay.
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
  const { [validations]: before = [], ...meta } = schema.meta() ?? {};
  const all = [...(before as readonly KubernetesRule[]), ...rules.map(kubernetesRule)];
  return refined.meta({ ...meta, [validations]: all });
}

/** Refuses an empty map. */
export const celNotEmpty = 'self.size() > 0';

/** A CEL string literal. */
export const celString = (text: string): string => JSON.stringify(text);

/** `pattern` must mean the same to JavaScript and to RE2: no look-around, no back references. */
export function matches(pattern: string, message: string): Rule<string> {
  const regExp = new RegExp(pattern);
  return { holds: (text) => regExp.test(text), cel: `self.matches(${celString(pattern)})`, message };
}

/**
 * A field of `owner` in CEL, as the parser reads it where it is left out: the API server stores no defaults of parts. Not
 * `orValue`, because the API server takes the length of its text for unlimited, and the rule for too expensive.
 */
export const celOr = (owner: string, field: string, fallback: string | number | boolean): string =>
  `(has(${owner}.${field}) ? ${owner}.${field} : ${typeof fallback === 'string' ? `'${fallback}'` : fallback})`;

/** Whether no value occurs twice. */
export const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

type Entry = Readonly<Record<string, unknown>>;

const keyOf =
  (keys: readonly string[]) =>
  (entry: Entry): string =>
    JSON.stringify(keys.map((name) => entry[name]));

const twice = (field: string, keys: readonly string[]): string =>
  `${field} has two entries with the same ${keys.join(' and ')}: remove one`;

/** An array that is applied as a whole, whose entries are unique by `keys`; `cel` is the twin of that. */
export function uniqueList<T extends z.ZodObject>(
  schema: z.ZodArray<T>,
  field: string,
  keys: readonly string[],
  cel: string,
): z.ZodArray<T> {
  const unique: Rule<Entry[]> = {
    holds: (entries) => distinct(entries.map(keyOf(keys))),
    cel,
    message: twice(field, keys),
  };
  const list = schema.meta({ ...schema.meta(), 'x-kubernetes-list-type': 'atomic' });
  return withRules(list, [unique as Rule<z.output<z.ZodArray<T>>>]);
}

/**
 * An array whose entries are identified by `keys`, which are required: the API server refuses two alike, and server-side
 * apply merges single entries from several owners.
 */
export function listMap<T extends z.ZodObject>(
  schema: z.ZodArray<T>,
  field: string,
  keys: readonly string[],
): z.ZodArray<T> {
  const refined = schema.superRefine((entries, context) => {
    if (distinct(entries.map(keyOf(keys)))) return;
    context.addIssue({ code: 'custom', message: twice(field, keys) });
  });
  return refined.meta({
    ...schema.meta(),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
  });
}
