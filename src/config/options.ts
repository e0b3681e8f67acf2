import { configSchema } from './schema.ts';

/** One setting in the form that users see. */
export interface Option {
  /** Key in Config. */
  readonly key: string;
  /** Name without the two leading hyphens. */
  readonly flag: string;
  /** Environment variables in the order of precedence. */
  readonly env: readonly string[];
  /** Kind of value: `duration`, `1..1000`, `true, false` … */
  readonly kind: string;
  /** Default as a user would write it; empty if there is none. */
  readonly fallback: string;
  readonly description: string;
  readonly boolean: boolean;
  /** True if the flag may be repeated. */
  readonly list: boolean;
}

const dashed = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const metaText = (meta: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = meta[name];
  return typeof value === 'string' ? value : undefined;
};

function kindOf(schema: { readonly def: object; meta(): object | undefined }): string {
  const own = metaText({ ...schema.meta() }, 'kind');
  if (own !== undefined) return own;
  const inner: unknown = 'innerType' in schema.def ? schema.def.innerType : undefined;
  return isSchema(inner) ? kindOf(inner) : 'text';
}

const isSchema = (value: unknown): value is Parameters<typeof kindOf>[0] =>
  typeof value === 'object' && value !== null && 'def' in value && 'meta' in value;

/** Returns all settings, in the order of the schema. */
export function options(): readonly Option[] {
  return Object.entries(configSchema.shape).map(([key, schema]) => {
    const meta = { ...schema.meta() };
    const flag = dashed(key);
    const kind = kindOf(schema);
    const own = `EXTERNAL_BACKEND_${flag.toUpperCase().replaceAll('-', '_')}`;
    const second = metaText(meta, 'env');
    const fallback: unknown = 'defaultValue' in schema.def ? schema.def.defaultValue : '';
    return {
      key,
      flag,
      env: second === undefined ? [own] : [own, second],
      kind,
      fallback: typeof fallback === 'string' ? fallback : '',
      description: metaText(meta, 'description') ?? '',
      boolean: kind === 'true, false',
      list: kind.startsWith('list'),
    };
  });
}
