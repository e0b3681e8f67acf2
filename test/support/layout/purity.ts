import ts from 'typescript';
import { impureMembers, impureNames, programs, pure } from './layers.ts';
import { visit } from './sources.ts';
import type { Source } from './sources.ts';

/** Whether an identifier stands for a value of that name, and is no member, key, type or declaration. */
function isValueUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent) || ts.isTypeNode(parent)) return false;
  return !('name' in parent && parent.name === node);
}

/** Names that this file may not use as values. */
const forbiddenNames = ({ path, layer }: Source): ReadonlySet<string> =>
  new Set([
    'console',
    ...(programs.includes(path) ? [] : ['process']),
    ...(pure.includes(layer) ? impureNames : []),
  ]);

/** What of the clock, the randomness or the world this node takes; undefined: nothing. */
function impurity(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText();
    return impureMembers.has(text) ? text : undefined;
  }
  const isDate = ts.isNewExpression(node) && node.expression.getText() === 'Date';
  return isDate && (node.arguments?.length ?? 0) === 0 ? 'new Date()' : undefined;
}

export function breachesOfPurity(source: Source): readonly string[] {
  const found: string[] = [];
  const forbidden = forbiddenNames(source);
  visit(source.tree, (node) => {
    const name =
      ts.isIdentifier(node) && forbidden.has(node.text) && isValueUse(node) ? node.text : undefined;
    const what = name ?? (pure.includes(source.layer) ? impurity(node) : undefined);
    if (what === undefined) return;
    const line = source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    found.push(`${source.path}:${line} uses ${what}`);
  });
  return found;
}

/** What a module does when it is imported, and the state it would keep, as far as can be seen. */
export function breachesAtTopLevel(source: Source): readonly string[] {
  if (programs.includes(source.path)) return [];
  return source.tree.statements.flatMap((statement) => {
    const said = `${source.path}: ${statement.getText().split('\n')[0] ?? ''}`;
    if (ts.isVariableStatement(statement)) {
      const { flags, declarations } = statement.declarationList;
      const state = declarations.some(
        ({ initializer }) => initializer !== undefined && isEmptyCollection(initializer),
      );
      return (flags & ts.NodeFlags.Const) === 0 || state || waits(statement) ? [said] : [];
    }
    const declares =
      ts.isImportDeclaration(statement) ||
      ts.isExportDeclaration(statement) ||
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement);
    return declares ? [] : [said];
  });
}

/** `new Map()` and the like: nothing is in it yet, so somebody means to put something in. */
const isEmptyCollection = (node: ts.Expression): boolean =>
  ts.isNewExpression(node) &&
  ['Map', 'Set', 'WeakMap', 'WeakSet'].includes(node.expression.getText()) &&
  (node.arguments?.length ?? 0) === 0;

function waits(statement: ts.VariableStatement): boolean {
  return statement.declarationList.declarations.some(
    ({ initializer }) => initializer !== undefined && ts.isAwaitExpression(initializer),
  );
}
