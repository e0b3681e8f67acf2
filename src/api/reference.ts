import { apiVersion, kind } from './external-backend.ts';
import { resourceSchema } from './crd.ts';
import { misplacedMark } from './part.ts';
import type { SchemaNode } from './structural.ts';

const isNode = (value: unknown): value is SchemaNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asNode = (value: unknown): SchemaNode => (isNode(value) ? value : {});
const asStrings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

const smallest = `\`\`\`yaml
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: orders-db, namespace: shop }
spec:
  targets: [{ host: 10.20.0.11 }, { host: 10.20.0.12 }]
  ports: [{ port: 5432 }]
\`\`\``;

const intro = `<!-- Made by \`make generate\` from src/api. Do not edit. -->

# ${kind} (${apiVersion})

Namespaced; \`kubectl get xb\`. The smallest resource:

${smallest}

It gives the Service \`orders-db\` without a selector, its EndpointSlices and Endpoints, and a TCP probe of both addresses.

Of the defaults below, the API server stores those of the fields of \`spec\` itself. The others are the operator's: they are not stored, so that what is applied is what is stored.

\`kubectl explain xb.spec\` shows everything below too. The API server refuses a resource that breaks a rule, with the rule's message. A field it does not know is refused where the client asks for strict validation (\`kubectl\` does) and dropped otherwise.
`;

/** The reference of the API, as Markdown. */
export function apiReference(): string {
  const root = resourceSchema();
  const { spec, status } = asNode(root.properties);
  const seen = new Map<string, string>();
  return [
    intro,
    ...refusals(ruleMessages(root)),
    ...section('spec', asNode(spec), seen),
    ...section('status', asNode(status), seen),
  ].join('\n');
}

type Field = readonly [name: string, node: SchemaNode];

/** A table of the fields of one object, what is refused in it, and the sections of the objects below it. */
function section(path: string, node: SchemaNode, seen: Map<string, string>): readonly string[] {
  const fields: readonly Field[] = Object.entries(asNode(node.properties))
    .map(([name, child]) => [name, asNode(child)] as const)
    .filter(([, child]) => child[misplacedMark] !== true);
  if (fields.length === 0) return [];
  const same = seen.get(JSON.stringify(node));
  if (same !== undefined) return [`## ${path}\n`, `The same as ${same}.\n`];
  seen.set(JSON.stringify(node), path);
  const required = asStrings(node.required);
  return [
    `## ${path}\n`,
    `${text(node.description)}\n`,
    '| field | type | default | meaning |',
    '|---|---|---|---|',
    ...fields.map(([name, child]) => row(name, child, required.includes(name))),
    '',
    ...refusals([...fields.flatMap(([, child]) => fieldMessages(child)), ...ruleMessages(node)]),
    ...fields.flatMap(([name, child]) => below(`${path}.${name}`, child, seen)),
  ];
}

function below(path: string, node: SchemaNode, seen: Map<string, string>): readonly string[] {
  return node.type === 'array' ? section(`${path}[]`, asNode(node.items), seen) : section(path, node, seen);
}

function row(name: string, node: SchemaNode, required: boolean): string {
  const meaning = text(node.description).replaceAll('|', '\\|').replaceAll('\n', ' ');
  return `| \`${name}\` | ${typeOf(node)} | ${required ? '**required**' : defaultOf(node)} | ${meaning} |`;
}

const defaultOf = (node: SchemaNode): string =>
  node.default === undefined ? '' : `\`${text(node.default)}\``;

function typeOf(node: SchemaNode): string {
  if (node['x-kubernetes-int-or-string'] === true) return 'number or name';
  if (Array.isArray(node.enum)) {
    return asStrings(node.enum)
      .map((value) => `\`${value}\``)
      .join(', ');
  }
  if (node.type === 'array')
    return `list${range(node.minItems, node.maxItems)} of ${typeOf(asNode(node.items))}`;
  if (isNode(node.additionalProperties)) return `map${range(undefined, node.maxProperties)} of strings`;
  return `${text(node.type)}${range(node.minimum, node.maximum ?? node.maxLength)}`;
}

function range(min: unknown, max: unknown): string {
  if (max === undefined) return '';
  return min === undefined ? ` (up to ${text(max)})` : ` (${text(min)} to ${text(max)})`;
}

const ruleMessages = (node: SchemaNode): readonly string[] =>
  Array.isArray(node['x-kubernetes-validations'])
    ? node['x-kubernetes-validations'].map((rule: unknown) => text(asNode(rule).message))
    : [];

/** Rules of a field that gets no section of its own to tell them in. */
function fieldMessages(node: SchemaNode): readonly string[] {
  const items = asNode(node.items);
  if (isNode(node.properties)) return [];
  return [...ruleMessages(node), ...(isNode(items.properties) ? [] : ruleMessages(items))];
}

const refusals = (messages: readonly string[]): readonly string[] =>
  messages.length === 0
    ? []
    : ['Refused, with these messages:\n', ...messages.map((message) => `- ${message}`), ''];

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
