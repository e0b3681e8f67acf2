import { z } from 'zod';
import { chartValues } from '../../../src/chart/values.ts';

/** JSON schema of a value of the chart. */
export interface ChartValueSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, ChartValueSchema>>;
  readonly additionalProperties?: unknown;
}

export interface ChartNode {
  /** `image.tag`; empty for all values together. */
  readonly name: string;
  readonly path: readonly string[];
  readonly schema: ChartValueSchema;
  /** A map whose entries are values of their own. */
  readonly isGroup: boolean;
}

/** Returns all values of the chart and the groups that contain them. */
export const chartNodes = (): readonly ChartNode[] =>
  nodesOf(z.toJSONSchema(chartValues, { target: 'draft-7', io: 'input' }) as ChartValueSchema, []);

function nodesOf(schema: ChartValueSchema, path: readonly string[]): readonly ChartNode[] {
  const isGroup = schema.properties !== undefined && schema.description === undefined;
  const inner = isGroup ? Object.entries(schema.properties ?? {}) : [];
  return [
    { name: path.join('.'), path, schema, isGroup },
    ...inner.flatMap(([key, value]) => nodesOf(value, [...path, key])),
  ];
}
