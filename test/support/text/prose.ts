import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A text of a file that a person reads: a comment, a string, or a line of a page. */
export interface Prose {
  /** Below the root, with slashes. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Folders whose prose is counted, and files of the root. */
const roots: readonly string[] = ['src', 'crds', 'docs', 'config'];
const pages: readonly string[] = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'];

/**
 * The prose of the repository below `root`.
 *
 * | file                          | prose                                                                    |
 * |-------------------------------|--------------------------------------------------------------------------|
 * | `*.ts` of src                 | comments, strings and templates, without the paths that it imports from  |
 * | manifests                     | every line                                                               |
 * | pages                         | every line, without `code`                                               |
 * | docs/glossary.md              | none: it lists the words that are not to be used                         |
 */
export function proseOf(root: string): readonly Prose[] {
  const files = roots.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  );
  return [...files, ...pages]
    .filter((path) => /\.(ts|md|yaml)$/.test(path) && path !== 'docs/glossary.md')
    .flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      if (path.endsWith('.ts')) return proseOfSource(path, text);
      return linesOf(path, 1, path.endsWith('.md') ? withoutCode(text) : text);
    });
}

/** Names in a page are not prose. */
export const withoutCode = (page: string): string => page.replace(/`[^`\n]+`/g, '``');

/** Comments, strings and templates of a TypeScript file. */
export function proseOfSource(path: string, text: string): readonly Prose[] {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = new Map<number, Prose[]>();
  const add = (start: number, end: number): void => {
    const { line } = tree.getLineAndCharacterOfPosition(start);
    found.set(start, [...linesOf(path, line + 1, text.slice(start, end))]);
  };
  const visit = (node: ts.Node): void => {
    const comments = [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.getEnd()) ?? []),
    ];
    for (const { pos, end } of comments) add(pos, end);
    if (isText(node) && !isModuleName(node)) add(node.getStart(tree), node.getEnd());
    for (const child of node.getChildren(tree)) visit(child);
  };
  visit(tree);
  return [...found.values()].flat();
}

const isText = (node: ts.Node): boolean =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateHead(node) ||
  ts.isTemplateMiddle(node) ||
  ts.isTemplateTail(node);

const isModuleName = ({ parent }: ts.Node): boolean =>
  ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent);

const linesOf = (path: string, first: number, text: string): readonly Prose[] =>
  text.split('\n').map((line, index) => ({ path, line: first + index, text: line }));

/** Names that a file declares and exports; a name that it imports and passes on is another file's. */
export function exportsOf(path: string, text: string): readonly string[] {
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const imported = new Set(statements.flatMap(importedNames));
  return statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement))
      return namesOfClause(statement).filter((name) => !imported.has(name));
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      ? namesOfStatement(statement)
      : [];
  });
}

function importedNames(statement: ts.Statement): readonly string[] {
  const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined;
  return bindings !== undefined && ts.isNamedImports(bindings)
    ? bindings.elements.map(({ name }) => name.text)
    : [];
}

function namesOfClause({ exportClause, moduleSpecifier }: ts.ExportDeclaration): readonly string[] {
  if (moduleSpecifier !== undefined || exportClause === undefined || !ts.isNamedExports(exportClause))
    return [];
  return exportClause.elements.map(({ name }) => name.text);
}

function namesOfStatement(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name.text] : [],
    );
  const { name } = statement as Partial<ts.NamedDeclaration>;
  return name !== undefined && ts.isIdentifier(name) ? [name.text] : [];
}
