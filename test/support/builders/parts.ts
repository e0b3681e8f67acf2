import { resourceSchema, storedSchema } from '../../../src/api/crd.ts';
import { specSchema } from '../../../src/api/external-backend.ts';
import { misplacedMark } from '../../../src/api/object-fields.ts';
import { isNode, type SchemaNode } from '../../../src/api/structural.ts';

// The parts of the spec that may be `{}`, with specs that have them: found in the schema, so that a new part is among them.

export type Fields = Readonly<Record<string, unknown>>;
export type Nodes = ReadonlyMap<string, SchemaNode>;

const asNode = (value: unknown): SchemaNode => (isNode(value) ? value : {});
const specOf = (root: SchemaNode): SchemaNode => asNode(asNode(root.properties).spec);

/** Path, such as `ports[].probe`, to node. */
export function nodesIn(node: SchemaNode, path = ''): Nodes {
  const children = [
    ...Object.entries(asNode(node.properties)).map(
      ([name, child]) => [path === '' ? name : `${path}.${name}`, asNode(child)] as const,
    ),
    ...(isNode(node.items) ? [[`${path}[]`, node.items] as const] : []),
  ];
  return new Map(children.flatMap(([name, child]) => [[name, child] as const, ...nodesIn(child, name)]));
}

/** The nodes of the spec as the API server has them. */
export const storedNodes = (): Nodes => nodesIn(specOf(storedSchema()));
/** The nodes of the spec with the defaults of the parser, and the marks of refused fields. */
export const documentedNodes = (): Nodes => nodesIn(specOf(resourceSchema()));

/** Fields that entries of lists need, and fields that a part needs next to it. */
const base: Fields = { targets: [{ host: 'db.example.com' }], ports: [{ port: 5432 }] };
const entries: Readonly<Record<string, Fields>> = {
  targets: { host: 'db.example.com' },
  ports: { port: 5432 },
  services: { name: 'db' },
};
const companions: Readonly<Record<string, Fields>> = {
  'services[].sessionAffinityConfig': { sessionAffinity: 'ClientIP' },
};

/** A spec with the value at the path. */
export const specWith = (path: string, value: unknown): Fields => ({
  ...base,
  ...put(path.split('.'), value, ''),
});

function put([first = '', ...rest]: readonly string[], value: unknown, above: string): Fields {
  const name = first.replace('[]', '');
  const path = `${above}${first}`;
  const below = rest.length === 0 ? value : { ...put(rest, value, `${path}.`) };
  const beside = companions[path] ?? {};
  if (!first.endsWith('[]')) return { ...beside, [name]: below };
  return { ...beside, [name]: [{ ...entries[name], ...(below as Fields) }] };
}

/** Paths of all parts that may be `{}`. */
export const parts = (): readonly string[] =>
  [...documentedNodes()]
    .filter(
      ([path, node]) =>
        !path.endsWith('[]') && isObject(node) && specSchema.safeParse(specWith(path, {})).success,
    )
    .map(([path]) => path);

/** Paths of the parts that take `null` for `{}`. */
export function sharedParts(): readonly string[] {
  const nodes = storedNodes();
  return parts().filter((path) => nodes.get(path)?.nullable === true);
}

const isObject = ({ type, [misplacedMark]: refused }: SchemaNode): boolean =>
  type === 'object' && refused !== true;

const candidates = [
  'a',
  '/a',
  'db.example.com',
  '10.20.0.11',
  1,
  5,
  100,
  true,
  ['IPv4'],
  [200],
  [{ name: 'a', value: 'b' }],
  {},
  { name: 'a' },
];

/** Each part with one field in it, for all its fields that can stand alone; and its empty form. */
export function partsWithOneField(): readonly {
  readonly part: string;
  readonly full: Fields;
  readonly empty: Fields;
}[] {
  const nodes = documentedNodes();
  return parts().flatMap((path) =>
    fieldsOf(nodes.get(path) ?? {}).flatMap(({ name, values }) => {
      const full = values
        .map((value) => specWith(path, { [name]: value }))
        .find((spec) => specSchema.safeParse(spec).success);
      if (full === undefined)
        throw new Error(`no value of test/support/builders/parts.ts fits ${path}.${name}`);
      return { part: path, full, empty: specWith(path, {}) };
    }),
  );
}

function fieldsOf(
  node: SchemaNode,
): readonly { readonly name: string; readonly values: readonly unknown[] }[] {
  if (isNode(node.additionalProperties)) return [{ name: 'example.com/a', values: ['a'] }];
  return Object.entries(asNode(node.properties))
    .map(([name, child]) => ({ name, child: asNode(child) }))
    .filter(({ child }) => child[misplacedMark] !== true)
    .map(({ name, child }) => ({ name, values: valuesOf(child) }));
}

const valuesOf = ({ enum: words }: SchemaNode): readonly unknown[] =>
  Array.isArray(words) ? words.toReversed() : candidates;
