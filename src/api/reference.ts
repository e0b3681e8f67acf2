import { apiVersion, kind } from './external-backend.ts';
import { resourceSchema } from './crd.ts';
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

Everything below is also what \`kubectl explain xb.spec\` says. The API server refuses a resource that breaks a rule, with the rule's message. A field it does not know is refused where the client asks for strict validation (\`kubectl\` does) and dropped otherwise.
`;

/** The reference of the API, as Markdown. */
export function apiReference(): string {
  const root = resourceSchema();
  const { spec, status } = asNode(root.properties);
  return [
    intro,
    ...rules(root, '## Rules of the whole resource'),
    ...section('spec', asNode(spec)),
    ...section('status', asNode(status)),
  ].join('\n');
}

/** A table of the fields of one object, and after it the sections of the objects below it. */
function section(path: string, node: SchemaNode): readonly string[] {
  const properties = Object.entries(asNode(node.properties)).map(
    ([name, child]) => [name, asNode(child)] as const,
  );
  if (properties.length === 0) return [];
  const required = asStrings(node.required);
  const rows = properties.map(([name, child]) => row(name, child, required.includes(name)));
  const table = ['| field | type | default | meaning |', '|---|---|---|---|', ...rows, ''];
  return [
    `## ${path}\n`,
    `${text(node.description)}\n`,
    ...table,
    ...rules(node, 'Rules:'),
    ...properties.flatMap(([name, child]) => below(`${path}.${name}`, child)),
  ];
}

function below(path: string, node: SchemaNode): readonly string[] {
  return node.type === 'array' ? section(`${path}[]`, asNode(node.items)) : section(path, node);
}

function row(name: string, node: SchemaNode, required: boolean): string {
  const notes = [
    text(node.description),
    ...ruleMessages(node),
    ...(isNode(node.items) ? ruleMessages(node.items) : []),
  ];
  const meaning = notes
    .slice(0, 1)
    .concat(
      node.items !== undefined && isNode(asNode(node.items).properties) ? ruleMessages(node) : notes.slice(1),
    );
  return `| \`${name}\` | ${typeOf(node)} | ${required ? '**required**' : defaultOf(node)} | ${meaning.map(cell).join('<br>')} |`;
}

const defaultOf = (node: SchemaNode): string =>
  node.default === undefined ? '' : `\`${JSON.stringify(node.default).replaceAll('"', '')}\``;

function typeOf(node: SchemaNode): string {
  if (node['x-kubernetes-int-or-string'] === true) return 'number or name';
  if (Array.isArray(node.enum))
    return asStrings(node.enum)
      .map((value) => `\`${value}\``)
      .join(', ');
  if (node.type === 'array')
    return `list of ${typeOf(asNode(node.items))}${range(node.minItems, node.maxItems)}`;
  if (isNode(node.additionalProperties)) return `map of strings${range(undefined, node.maxProperties)}`;
  if (node.type === 'integer') return `integer${range(node.minimum, node.maximum)}`;
  if (node.type === 'string') return `string${range(undefined, node.maxLength)}`;
  return text(node.type);
}

function range(min: unknown, max: unknown): string {
  if (max === undefined) return '';
  return min === undefined ? `, up to ${text(max)}` : `, ${text(min)} to ${text(max)}`;
}

const ruleMessages = (node: SchemaNode): readonly string[] =>
  Array.isArray(node['x-kubernetes-validations'])
    ? node['x-kubernetes-validations'].map((rule: unknown) => text(asNode(rule).message))
    : [];

function rules(node: SchemaNode, title: string): readonly string[] {
  const messages = ruleMessages(node);
  return messages.length === 0 ? [] : [`${title}\n`, ...messages.map((message) => `- ${message}`), ''];
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
const cell = (value: string): string =>
  value.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
