import { Document, isMap, isScalar } from 'yaml';
import { z } from 'zod';
import { chartValues } from './values.ts';

/** JSON schema of a value, as far as it is used here. */
interface ValueSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, ValueSchema>>;
}

const jsonSchema = () => z.toJSONSchema(chartValues, { target: 'draft-7', io: 'input' }) as ValueSchema;

/** Returns the content of values.schema.json. */
export function valuesSchema(): string {
  const title = 'Values of the chart external-backend-operator';
  return `${JSON.stringify({ title, ...jsonSchema() }, null, 2)}\n`;
}

interface ChartValue extends ValueSchema {
  readonly path: readonly string[];
}

/** Returns the values that a user sets, each with its path: a map of values is replaced by its entries. */
function chartValueList(schema = jsonSchema(), path: readonly string[] = []): readonly ChartValue[] {
  if (path.length > 0 && schema.description !== undefined) return [{ ...schema, path }];
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    chartValueList(value, [...path, key]),
  );
}

const wrapped = (text: string, width: number): string =>
  text.replace(new RegExp(`(?=.{${width},})(.{1,${width}})\\s+`, 'g'), '$1\n').replaceAll(/^/gm, ' ');

/** Returns the content of values.yaml: every default, below its description. */
export function valuesYaml(header: string): string {
  const document = new Document(chartValues.parse({}));
  for (const { path, description = '' } of chartValueList()) {
    const map = document.getIn(path.slice(0, -1), true);
    const parent = path.length === 1 ? document.contents : map;
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
      : undefined;
    if (isScalar(pair?.key)) pair.key.commentBefore = wrapped(description, 100 - 2 * path.length);
  }
  if (isMap(document.contents))
    for (const { key } of document.contents.items) if (isScalar(key)) key.spaceBefore = true;
  return `# ${header}\n${document.toString({ lineWidth: 0 })}`;
}

const kindOf = ({ type = '', enum: names }: ValueSchema): string =>
  names === undefined ? type : names.map((name) => `\`${name}\``).join(', ');

/** Returns the table of all values in Markdown. */
export function valuesTable(): string {
  const rows = chartValueList().map((value) => {
    const fallback = value.default === undefined ? '' : `\`${JSON.stringify(value.default)}\``;
    return `| \`${value.path.join('.')}\` | ${kindOf(value)} | ${fallback} | ${value.description ?? ''} |`;
  });
  return ['| value | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
