import { z } from 'zod';
import { misplacedMark } from './object-fields.ts';
import { celNotEmpty } from './rule.ts';

/** One node of an OpenAPI schema, as plain data. */
export type SchemaNode = { readonly [key: string]: unknown };

/**
 * Returns a zod schema as a Kubernetes structural schema. Throws if the API server would refuse the result,
 * or would silently not enforce what the zod schema requires.
 * `bounded`: every string, array and map must have an upper bound, because the cost of CEL rules is estimated
 * for the largest value.
 */
export function structural(schema: z.ZodType, { bounded }: { readonly bounded: boolean }): SchemaNode {
  const raw = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'throw',
  });
  const node = normalise(raw);
  lint(node, '', bounded);
  const loose = bounded ? fieldsOf(node).flatMap(([name, child]) => looseParts(child, name)) : [];
  if (loose.length > 0)
    throw new Error(`schema at ${loose.join(', ')}: {} becomes null by server-side apply: make it a part`);
  return node;
}

export const isNode = (value: unknown): value is SchemaNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mapValues = (node: SchemaNode, change: (value: SchemaNode) => SchemaNode): SchemaNode =>
  Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, isNode(value) ? change(value) : value]),
  );

/** Converts what zod writes and Kubernetes does not accept to the equivalent of Kubernetes. */
function normalise(node: SchemaNode): SchemaNode {
  const { description, type, properties, items, additionalProperties, anyOf, ...rest } = node;
  return {
    ...(description === undefined ? {} : { description }),
    ...(isIntOrString(anyOf)
      ? { 'x-kubernetes-int-or-string': true }
      : { ...(anyOf === undefined ? {} : { anyOf }) }),
    ...(type === undefined ? {} : { type }),
    ...(type === 'integer' ? integer(rest) : rest),
    ...(isNode(properties) ? { properties: mapValues(properties, normalise) } : {}),
    ...(isNode(items) ? { items: normalise(items) } : {}),
    // `false` (a strict object) is not allowed together with properties. The API server prunes unknown
    // fields, or refuses them with strict field validation.
    ...(isNode(additionalProperties) ? { additionalProperties: normalise(additionalProperties) } : {}),
  };
}

const isIntOrString = (anyOf: unknown): boolean =>
  Array.isArray(anyOf) &&
  anyOf
    .map((member: unknown) => (isNode(member) ? member.type : undefined))
    .toSorted()
    .join() === 'integer,string';

const int32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };

/** Removes the bounds of the type itself, which `format` already implies. */
function integer({ minimum, maximum, ...rest }: SchemaNode): SchemaNode {
  const min = Number(minimum);
  const max = Number(maximum);
  return {
    format: min >= int32.minimum && max <= int32.maximum ? 'int32' : 'int64',
    ...(min === int32.minimum || min === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(max === int32.maximum || max === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
    ...rest,
  };
}

const refusedKeys = ['$ref', 'anyOf', 'oneOf', 'allOf', 'not', 'propertyNames', 'definitions', 'const'];

function lint(node: SchemaNode, path: string, bounded: boolean): void {
  const problem = problemOf(node) ?? (bounded ? unbounded(node) : undefined);
  if (problem !== undefined) throw new Error(`schema at ${path === '' ? 'the root' : path}: ${problem}`);
  for (const [name, child] of fieldsOf(node)) {
    if (child.description === undefined) throw new Error(`schema at ${path}.${name}: no description`);
    lint(child, `${path}.${name}`, bounded);
  }
  if (isNode(node.items)) lint(node.items, `${path}[]`, bounded);
  if (isNode(node.additionalProperties)) lint(node.additionalProperties, `${path}{}`, bounded);
}

const fieldsOf = ({ properties }: SchemaNode): readonly (readonly [string, SchemaNode])[] =>
  Object.entries(isNode(properties) ? properties : {}).flatMap(([name, child]) =>
    isNode(child) ? [[name, child] as const] : [],
  );

/**
 * Returns the paths of objects that may be `{}` and are not parts (object-fields.ts). Objects that are applied as a
 * whole are not searched.
 */
function looseParts(node: SchemaNode, path: string): readonly string[] {
  const isWhole = node['x-kubernetes-map-type'] === 'atomic' || node['x-kubernetes-list-type'] === 'atomic';
  if (isWhole || node[misplacedMark] === true) return [];
  const below = fieldsOf(node).flatMap(([name, child]) => looseParts(child, `${path}.${name}`));
  const items = isNode(node.items) ? fieldsOf(node.items) : [];
  return [
    ...(mayBeEmpty(node) && node.nullable !== true ? [path] : []),
    ...below,
    ...items.flatMap(([name, child]) => looseParts(child, `${path}[].${name}`)),
  ];
}

/** Returns true for an object whose fields are all optional, unless a rule refuses it when empty. */
const mayBeEmpty = (node: SchemaNode): boolean =>
  node.type === 'object' &&
  node.required === undefined &&
  !JSON.stringify(node['x-kubernetes-validations'] ?? '').includes(celNotEmpty);

function problemOf(node: SchemaNode): string | undefined {
  const refused = refusedKeys.find((key) => key in node);
  if (refused !== undefined) return `${refused} is not structural`;
  if (typeof node.type !== 'string' && node['x-kubernetes-int-or-string'] !== true) return 'no type';
  if (typeof node.pattern === 'string' && /\(\?[=!<]/.test(node.pattern)) return 'RE2 has no look-around';
  if ('additionalProperties' in node && 'properties' in node)
    return 'additionalProperties next to properties';
  if (node.type === 'array' && node['x-kubernetes-list-type'] === undefined)
    return 'no x-kubernetes-list-type';
  return undefined;
}

function unbounded(node: SchemaNode): string | undefined {
  if (node.type === 'array' && node.maxItems === undefined) return 'no maxItems';
  if (node.type === 'string' && node.maxLength === undefined && node.enum === undefined)
    return 'no maxLength';
  if ('additionalProperties' in node && node.maxProperties === undefined) return 'no maxProperties';
  return undefined;
}
