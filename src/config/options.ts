import { configSchema } from './schema.ts';

/** One setting as a user sees it. */
export interface Option {
  /** The key in Config. */
  readonly key: string;
  /** Without the two hyphens. */
  readonly flag: string;
  /** In the order in which they are looked up. */
  readonly env: readonly string[];
  /** What may be written: `duration`, `1..1000`, `true, false` … */
  readonly kind: string;
  /** As it would be written; empty where there is none. */
  readonly fallback: string;
  readonly description: string;
  readonly boolean: boolean;
  /** May be given several times. */
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

/** All settings, in the order of the schema. */
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
