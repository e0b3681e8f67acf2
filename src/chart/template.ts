import { isMap, isScalar, isSeq, parseAllDocuments, Scalar, visit } from 'yaml';
import type { Document } from 'yaml';
import { operatorRole } from '../api/permissions.ts';

type Path = readonly (string | number)[];

/** A change that makes a template of a manifest. */
export type TemplateEdit =
  /** Puts an expression in place of a value, such as `$.Values.replicaCount`. */
  | { readonly set: Path; readonly expression: string }
  /** Removes an entry. */
  | { readonly remove: Path }
  /** Adds lines at the end of a map or list. They are indented as its entries are. */
  | { readonly append: Path; readonly lines: readonly string[] };

/** Name of all objects of a release. */
export const fullname = `include "${operatorRole}.fullname" $`;

/** Returns `{{ … }}` around an expression. */
export const action = (expression: string): string => `{{ ${expression} }}`;

/** Lines that add a value of any depth as the content of `key`, if it is not empty. */
export const optional = (key: string, value: string): readonly string[] => [
  `{{- with ${value} }}`,
  `${key}:`,
  '  {{- toYaml . | nindent INDENT+2 }}',
  '{{- end }}',
];

/** Lines that add the entries of a map, `deeper` than the line itself. */
export const entriesOf = (value: string, deeper = 0): readonly string[] => [
  `{{- with ${value} }}`,
  `{{- toYaml . | nindent INDENT+${deeper} }}`,
  '{{- end }}',
];

/** Lines between `if` and `end`. */
export const when = (condition: string, lines: readonly string[]): readonly string[] => [
  `{{- if ${condition} }}`,
  ...lines,
  '{{- end }}',
];

const labels: TemplateEdit = {
  append: ['metadata'],
  lines: ['labels:', `  {{- include "${operatorRole}.labels" $ | nindent INDENT+2 }}`],
};

/** A part of a template. A mark represents it while YAML is written. An entry takes the whole line. */
interface Part {
  readonly text: string;
  readonly isEntry: boolean;
}

class Parts {
  readonly #parts: Part[] = [];

  /** Keeps a part, and returns its mark. */
  mark(text: string, isEntry = false): string {
    return `__${this.#parts.push({ text, isEntry }) - 1}__`;
  }

  /** Returns a line with the parts in place of their marks. */
  into(line: string): string {
    const [, indent = '', at = ''] = /^( *)(?:- )?__(\d+)__(?:: null)?$/.exec(line) ?? [];
    const entry = at === '' ? undefined : this.#parts[Number(at)];
    if (entry?.isEntry === true) return indented(entry.text, indent.length);
    return line.replace(/__(\d+)__/g, (_, i: string) => this.#parts[Number(i)]?.text ?? '');
  }
}

/** `INDENT` and `INDENT+2` in an expression are the number of spaces before the line, for `nindent`. */
const indented = (text: string, indent: number): string =>
  text
    .split('\n')
    .map(
      (line) =>
        ' '.repeat(indent) +
        line.replace(/INDENT(?:\+(\d))?/, (_, more = '0') => String(indent + Number(more))),
    )
    .join('\n');

/** Returns manifests as a template: with names, namespace and labels of the release, and with the given edits. */
export const templateOf = (manifests: string, edits: readonly TemplateEdit[] = []): string =>
  parseAllDocuments(manifests)
    .map((document) => documentTemplate(document as Document, [labels, ...edits]))
    .join('---\n');

function documentTemplate(document: Document, edits: readonly TemplateEdit[]): string {
  const parts = new Parts();
  document.commentBefore = null;
  if (isMap(document.contents)) document.contents.commentBefore = null;
  document.deleteIn(['metadata', 'labels']);
  nameByRelease(document, parts);
  for (const edit of edits) applyEdit(document, edit, parts);
  const lines = document.toString({ lineWidth: 0, directives: false }).split('\n');
  return lines.map((line) => parts.into(line)).join('\n');
}

/** Names that begin with that of the operator, and its namespace, are those of the release. */
function nameByRelease(document: Document, parts: Parts): void {
  visit(document, {
    Pair(_, { key, value }) {
      if (isScalar(key) && key.value === 'namespace' && isScalar(value))
        value.value = parts.mark(`"${action('$.Release.Namespace')}"`);
    },
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !isOperatorName(node.value)) return;
      node.value = parts.mark(`"${action(fullname)}${node.value.slice(operatorRole.length)}"`);
    },
  });
}

const isOperatorName = (text: string): boolean => /^[a-z-]+$/.test(text) && text.startsWith(operatorRole);

function applyEdit(document: Document, edit: TemplateEdit, parts: Parts): void {
  if ('remove' in edit) {
    if (!document.deleteIn(edit.remove)) throw new Error(`no ${edit.remove.join('.')}`);
  } else if ('set' in edit) {
    if (!document.hasIn(edit.set)) throw new Error(`no ${edit.set.join('.')}`);
    document.setIn(edit.set, parts.mark(action(edit.expression)));
  } else {
    const collection = document.getIn(edit.append);
    const entry = new Scalar(parts.mark(edit.lines.join('\n'), true));
    if (isMap(collection)) collection.add({ key: entry, value: null });
    else if (isSeq(collection)) collection.add(entry);
    else throw new Error(`no map or list ${edit.append.join('.')}`);
  }
}

/** Returns the file of a template, which is rendered on a condition. */
export const conditional = (condition: string, ...templates: readonly string[]): string =>
  `{{- if ${condition} }}\n${templates.join('---\n')}{{- end }}\n`;
