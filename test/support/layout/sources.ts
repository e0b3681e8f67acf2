import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

export interface Source {
  /** Below src, with slashes. */
  readonly path: string;
  readonly layer: string;
  readonly tree: ts.SourceFile;
}

/** Returns the folder of src, or the name of a file beside them. */
export const layerOf = (path: string): string => path.split('/')[0]?.replace(/\.ts$/, '') ?? '';

export function parse(path: string, text: string): Source {
  return { path, layer: layerOf(path), tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** Returns the files of a folder like src, without declarations. */
export const sourcesOf = (src: string): readonly Source[] =>
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => parse(path, readFileSync(join(src, path), 'utf8')));

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  node.forEachChild((child) => visit(child, see));
}

export interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Static imports, re-exports, dynamic imports and `import('…')` types. */
export function importsOf({ tree }: Source): readonly Import[] {
  const found: Import[] = [];
  visit(tree, (node) => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined
    ) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword || onlyTypeNames(node)
        : node.isTypeOnly;
      found.push({ from: textOf(node.moduleSpecifier), typeOnly });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      found.push({ from: textOf(node.arguments[0]), typeOnly: false });
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      found.push({ from: textOf(node.argument.literal), typeOnly: true });
  });
  return found;
}

const textOf = (node: ts.Node | undefined): string =>
  node !== undefined && ts.isStringLiteralLike(node) ? node.text : '(not a literal)';

function onlyTypeNames({ importClause }: ts.ImportDeclaration): boolean {
  const names = importClause?.namedBindings;
  if (importClause?.name !== undefined || names === undefined || !ts.isNamedImports(names)) return false;
  return names.elements.length > 0 && names.elements.every((element) => element.isTypeOnly);
}

export const targetOf = (source: Source, from: string): string => normalize(join(dirname(source.path), from));

export const packageOf = (from: string): string =>
  from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
export const isNode = (from: string): boolean => from.startsWith('node:') || builtinModules.includes(from);
