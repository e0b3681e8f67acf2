import { specSchema } from '../../../src/api/external-backend.ts';
import { misplacedMark } from '../../../src/api/object-fields.ts';
import { structural } from '../../../src/api/structural.ts';

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the fields of the spec in the schema, such as `targets[].host`. Each value of an enumeration is a
 * field of its own (`mode=ExternalName`), and a map is one field. Fields that the schema always refuses are
 * left out.
 */
export function schemaFields(): ReadonlySet<string> {
  return new Set(fieldsOfNode(structural(specSchema, { bounded: true }), ''));
}

function fieldsOfNode(node: Node, path: string): readonly string[] {
  if (node[misplacedMark] === true) return [];
  if (isNode(node['items'])) return fieldsOfNode(node['items'], `${path}[]`);
  if (isNode(node['properties']))
    return [
      ...(path === '' ? [] : [path]),
      ...Object.entries(node['properties']).flatMap(([name, child]) =>
        fieldsOfNode(child as Node, path === '' ? name : `${path}.${name}`),
      ),
    ];
  const values = node['enum'];
  return Array.isArray(values) ? values.map((value) => `${path}=${String(value)}`) : [path];
}

/** Returns the fields of the schema that a spec has. */
export function fieldsOf(spec: unknown, known: ReadonlySet<string>, path = ''): readonly string[] {
  if (Array.isArray(spec)) return spec.flatMap((item) => fieldsOf(item, known, `${path}[]`));
  if (!isNode(spec)) return [path, `${path}=${String(spec)}`].filter((field) => known.has(field));
  const inner = Object.entries(spec).flatMap(([name, value]) =>
    fieldsOf(value, known, path === '' ? name : `${path}.${name}`),
  );
  return [...(known.has(path) ? [path] : []), ...inner];
}
