import { misplacedMark } from './object-fields.ts';
import { isNode, type SchemaNode } from './structural.ts';

/**
 * Returns the schema for the API server: with the defaults of the fields directly in it, and no others.
 *
 * A default of a list item causes a permanent difference, because clients merge such a list as a whole,
 * without the field that the server adds. A default of a part gets the manager that applies the part as its
 * owner, and the next apply removes it. The parser applies these defaults, and the descriptions contain them.
 */
export function storedForm(node: SchemaNode): SchemaNode {
  return mapChildren(node, (child) => withoutDefaults(child, false));
}

function withoutDefaults(node: SchemaNode, nested: boolean): SchemaNode {
  const { default: value, [misplacedMark]: _, description, ...rest } = node;
  const kept = {
    ...(description !== undefined && { description }),
    ...rest,
    ...(value !== undefined && !nested && { default: value }),
  };
  const documented =
    value === undefined || !nested
      ? kept
      : { ...kept, description: `${String(description)} ${defaultText(value)}` };
  return mapChildren(documented, (child) => withoutDefaults(child, true));
}

function mapChildren(node: SchemaNode, change: (child: SchemaNode) => SchemaNode): SchemaNode {
  const { properties, items, additionalProperties } = node;
  return {
    ...node,
    ...(isNode(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [name, isNode(child) ? change(child) : child]),
      ),
    }),
    ...(isNode(items) && { items: change(items) }),
    ...(isNode(additionalProperties) && { additionalProperties: change(additionalProperties) }),
  };
}

const defaultText = (value: unknown): string =>
  `Default: ${Array.isArray(value) ? value.join(', ') : value === '' ? 'empty' : String(value)}.`;
