import type { z } from 'zod';

/**
 * One rule in two forms: `holds` runs in this program, `cel` in the API server. Both must have the same
 * result for every value; `test/api/samples.ts` checks this. The message contains the field and the fix.
 */
export interface Rule<T> {
  readonly holds: (value: T) => boolean;
  readonly cel: string;
  readonly message: string;
  /** Dotted path, below the value, of the field that a failure is reported for. Default: the value itself. */
  readonly field?: string;
}

/**
 * Rule that only the API server enforces. A stored resource that is older than the rule and breaks it is
 * still parsed, so that its servers are probed. What exceeds the rule is left out during resolution, and the
 * status reports it.
 */
export type AdmissionRule = Pick<Rule<never>, 'cel' | 'message' | 'field'>;

interface KubernetesRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

const validations = 'x-kubernetes-validations';

/** Returns a rule in the form of the CRD. */
export function kubernetesRule({ cel, message, field }: AdmissionRule): KubernetesRule {
  return { rule: cel, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }) };
}

/**
 * Returns the schema with rules, for zod and (as metadata) for the CRD. Metadata and rules that the schema
 * already has are kept. Rules run only if the value below is well-formed, so that one mistake is reported
 * once.
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

/** CEL expression that refuses an empty map. */
export const celNotEmpty = 'self.size() > 0';

/** Returns a CEL string literal. */
export const celString = (text: string): string => JSON.stringify(text);

/**
 * Returns a rule that requires `pattern`. It must have the same meaning in JavaScript and RE2: no
 * look-around, no back references.
 */
export function matches(pattern: string, message: string): Rule<string> {
  const regExp = new RegExp(pattern);
  return { holds: (text) => regExp.test(text), cel: `self.matches(${celString(pattern)})`, message };
}

/**
 * Returns a CEL expression for a field of `owner` with the default of the parser, because the API server
 * stores no defaults of parts. Does not use `orValue`: the API server assumes an unlimited length for its
 * text, and the rule would be too expensive.
 */
export const celOr = (owner: string, field: string, fallback: string | number | boolean): string =>
  `(has(${owner}.${field}) ? ${owner}.${field} : ${typeof fallback === 'string' ? `'${fallback}'` : fallback})`;

/** Returns true if no value occurs twice. */
export const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

type Entry = Readonly<Record<string, unknown>>;

const keyOf =
  (keys: readonly string[]) =>
  (entry: Entry): string =>
    JSON.stringify(keys.map((name) => entry[name]));

const twice = (field: string, keys: readonly string[]): string =>
  `${field} has two entries with the same ${keys.join(' and ')}: remove one`;

/**
 * Returns an array that is applied as a whole and whose entries are unique by `keys`. `cel` checks the same
 * in the API server.
 */
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
 * Returns an array whose entries are identified by `keys`, which are required. The API server refuses two
 * entries with the same keys, and server-side apply merges single entries of several owners.
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
