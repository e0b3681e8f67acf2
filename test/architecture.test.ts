import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');

/**
 * Who may import whom at run time or for types. A layer is a folder of src, or a file beside them.
 * `npm`: packages; `node`: whether Node's own modules.
 */
interface Layer {
  readonly layers: readonly string[];
  readonly npm: readonly string[];
  readonly node: boolean;
}

const adapter = { layers: ['api', 'core', 'engine', 'util'], node: true };

const rules: Readonly<Record<string, Layer>> = {
  util: { layers: [], npm: [], node: false },
  api: { layers: [], npm: ['zod'], node: false },
  core: { layers: ['api', 'util'], npm: [], node: false },
  engine: { layers: ['api', 'core', 'util'], npm: [], node: false },
  probe: { layers: ['api', 'core', 'engine', 'util'], npm: ['bson', 'mysql2', 'net-ping', 'pg'], node: true },
  kube: { ...adapter, npm: ['@kubernetes/client-node', 'undici'] },
  dns: { ...adapter, npm: [] },
  serve: { ...adapter, npm: ['prom-client'] },
  config: { layers: ['api', 'core'], npm: ['zod'], node: true },
  logger: { ...adapter, npm: ['pino'] },
  'system-clock': { ...adapter, npm: [] },
  generate: { layers: ['api', 'config', 'serve'], npm: ['yaml'], node: true },
  worker: {
    layers: ['api', 'core', 'engine', 'probe', 'system-clock'],
    npm: [],
    node: true,
  },
  prober: { layers: ['probe', 'worker'], npm: [], node: false },
  'create-prober': {
    layers: ['config', 'engine', 'probe', 'serve', 'system-clock', 'util', 'worker'],
    npm: [],
    node: false,
  },
  version: { layers: [], npm: [], node: false },
  addressing: {
    layers: ['api', 'core', 'config', 'engine', 'kube', 'system-clock', 'util'],
    npm: [],
    node: true,
  },
  leading: { layers: ['config', 'engine', 'kube', 'serve', 'system-clock', 'util'], npm: [], node: true },
  serving: { layers: ['config', 'engine', 'kube', 'serve', 'system-clock', 'util'], npm: [], node: true },
  operator: {
    layers: [
      ...['api', 'core', 'engine', 'probe', 'kube', 'dns', 'serve', 'config', 'logger', 'system-clock'],
      ...['addressing', 'create-prober', 'leading', 'serving', 'util'],
    ],
    npm: [],
    node: true,
  },
  main: { layers: ['config', 'logger', 'operator', 'version'], npm: [], node: true },
};

/**
 * Folders inside a layer, lowest first: each may import those above its own row that it names. Files beside the folders, such as
 * core/errors.ts, are known to all of them; `engine/engine.ts` and `probe/probes.ts` put the folders together.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'core/kubernetes': [],
  'core/resolution': ['core/kubernetes'],
  'core/probing': ['core/kubernetes', 'core/resolution'],
  'core/health': ['core/probing', 'core/resolution'],
  'core/roles': ['core/health', 'core/probing', 'core/resolution'],
  'core/publish': ['core/health', 'core/kubernetes', 'core/probing', 'core/resolution', 'core/roles'],
  'core/restore': [
    ...['core/health', 'core/kubernetes', 'core/probing', 'core/publish', 'core/resolution', 'core/roles'],
  ],
  'core/status': [
    ...['core/health', 'core/kubernetes', 'core/probing', 'core/publish', 'core/resolution', 'core/roles'],
  ],
  'core/events': ['core/health', 'core/probing', 'core/publish', 'core/status'],
  'engine/queue': [],
  'engine/probing': [],
  'engine/workers': ['engine/probing'],
  'engine/reconcile': ['engine/probing', 'engine/queue'],
  'kube/client': [],
  'kube/cache': ['kube/client'],
  'kube/write': ['kube/cache', 'kube/client'],
  'kube/election': ['kube/client'],
  'kube/events': ['kube/client'],
  'kube/secrets': ['kube/client'],
  'dns/query': [],
  'dns/refresh': ['dns/query'],
  'probe/verdict': [],
  'probe/mysql-wire': ['probe/verdict'],
  'probe/connection': ['probe/mysql-wire', 'probe/verdict'],
  'probe/mysql': ['probe/connection', 'probe/mysql-wire', 'probe/verdict'],
  'probe/tcp': ['probe/connection', 'probe/mysql-wire', 'probe/verdict'],
  'probe/icmp': ['probe/connection', 'probe/verdict'],
  'probe/grpc': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/http': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/mongodb': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/postgres': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/redis': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/tls': ['probe/connection', 'probe/mysql', 'probe/verdict'],
};

/** Files that put the folders of their layer together: no folder imports them. */
const assemblies: ReadonlySet<string> = new Set(['engine/engine.ts', 'probe/probes.ts']);

/** Types only, from whatever layer that is named here. */
const typesOnly: Readonly<Record<string, readonly string[]>> = { probe: ['api', 'engine'] };

/** Folders of declarations, and of C. */
const withoutModules: ReadonlySet<string> = new Set(['types', 'native']);

/** Files that are programs: they may touch `process` and do something when they are started. */
const programs: readonly string[] = ['main.ts', 'prober.ts', 'generate.ts'];

/** The layers that decide and hold state: no clock, no randomness, no world. */
const pure: readonly string[] = ['util', 'api', 'core', 'engine'];
const impureNames: ReadonlySet<string> = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['performance', 'fetch', 'crypto', 'globalThis', 'global', 'Buffer', 'require'],
]);
const impureMembers: ReadonlySet<string> = new Set(['Date.now', 'Math.random', 'AbortSignal.timeout']);

interface Source {
  /** Below src, with slashes. */
  readonly path: string;
  readonly layer: string;
  readonly tree: ts.SourceFile;
}

function parse(path: string, text: string): Source {
  const layer = path.split('/')[0]?.replace(/\.ts$/, '') ?? '';
  return { path, layer, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => parse(path, readFileSync(join(src, path), 'utf8')));

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  node.forEachChild((child) => visit(child, see));
}

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Static imports, re-exports, dynamic imports and `import('…')` types. */
function importsOf({ tree }: Source): readonly Import[] {
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

const targetOf = (source: Source, from: string): string => normalize(join(dirname(source.path), from));

/** Groups of files that reach each other by imports, types included; each group sorted. */
function circles(all: readonly Source[]): readonly (readonly string[])[] {
  const imported = new Map(
    all.map((source) => [
      source.path,
      importsOf(source).flatMap(({ from }) => (from.startsWith('.') ? [targetOf(source, from)] : [])),
    ]),
  );
  const reached = new Map([...imported.keys()].map((path) => [path, reachableFrom(path, imported)]));
  const groups = [...imported.keys()]
    .filter((path) => reached.get(path)?.has(path))
    .map((path) =>
      [...imported.keys()].filter((other) => reached.get(path)?.has(other) && reached.get(other)?.has(path)),
    );
  return [...new Map(groups.map((group) => [group.toSorted().join(), group.toSorted()])).values()];
}

function reachableFrom(path: string, imported: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...(imported.get(path) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(imported.get(next) ?? []));
  }
  return reached;
}

const packageOf = (from: string): string =>
  from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
const isNode = (from: string): boolean => from.startsWith('node:') || builtinModules.includes(from);

function breachesOfImports(source: Source): readonly string[] {
  const rule = rules[source.layer];
  if (rule === undefined) return [`${source.path} is in no known layer: add it to this test`];
  return importsOf(source).flatMap(({ from, typeOnly }) => {
    const said = `${source.path} imports ${from}`;
    if (!from.startsWith('.')) {
      if (isNode(from)) return rule.node ? [] : [said];
      return rule.npm.includes(packageOf(from)) ? [] : [said];
    }
    const target =
      normalize(join(dirname(source.path), from))
        .split('/')[0]
        ?.replace(/\.ts$/, '') ?? '';
    if (target === source.layer) return [];
    if (!rule.layers.includes(target)) return [said];
    return (typesOnly[source.layer] ?? []).includes(target) && !typeOnly ? [`${said} at run time`] : [];
  });
}

const roomOf = (path: string): string => (path.split('/').length > 2 ? dirname(path) : '');

/** Imports between folders of one layer that no row of `rooms` has. */
function breachesOfRooms(source: Source): readonly string[] {
  const room = roomOf(source.path);
  if (room === '') return [];
  const may = rooms[room];
  if (may === undefined) return [`${room} has no row: add it to this test`];
  return importsOf(source).flatMap(({ from }) => {
    if (!from.startsWith('.')) return [];
    const target = targetOf(source, from);
    const other = roomOf(target);
    const isOutside = other === room || other.split('/')[0] !== source.layer;
    if (other === '' ? !assemblies.has(target) : isOutside || may.includes(other)) return [];
    return [`${source.path} imports ${from}`];
  });
}

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

function breachesOfPurity(source: Source): readonly string[] {
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
function breachesAtTopLevel(source: Source): readonly string[] {
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

describe('the layout', () => {
  it('has imports that point one way, from the edge to the core', () => {
    expect(sources.flatMap(breachesOfImports)).toEqual([]);
  });

  it('has folders inside of its layers that import only folders below them', () => {
    expect(sources.flatMap(breachesOfRooms)).toEqual([]);
    const order = Object.keys(rooms);
    const upward = order.flatMap((room, at) =>
      (rooms[room] ?? []).filter((other) => order.indexOf(other) >= at).map((other) => `${room} -> ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it('has no circle of imports, of types neither', () => {
    expect(circles(sources)).toEqual([]);
  });

  it('has no clock, randomness or world in what decides, and `process` in programs only', () => {
    expect(sources.flatMap(breachesOfPurity)).toEqual([]);
  });

  it('has modules that do nothing and keep nothing when they are imported', () => {
    expect(sources.flatMap(breachesAtTopLevel)).toEqual([]);
  });

  it('imports only packages that package.json names as its own', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const foreign = sources.flatMap((source) => {
      const known = source.path === 'generate.ts' ? { ...dependencies, ...devDependencies } : dependencies;
      return importsOf(source)
        .filter(
          ({ from }) => !from.startsWith('.') && !isNode(from) && !Object.hasOwn(known, packageOf(from)),
        )
        .map(({ from }) => `${source.path} imports ${from}`);
    });
    expect(foreign).toEqual([]);
  });

  it('loads no package for the schema of the resource in a thread that probes: each has a memory of its own', () => {
    const reached = new Set<string>();
    const packages = new Set<string>();
    const walk = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const source = sources.find((each) => each.path === path);
      for (const { from, typeOnly } of source === undefined ? [] : importsOf(source)) {
        if (typeOnly) continue;
        if (from.startsWith('.')) walk(normalize(join(dirname(path), from)));
        else if (!isNode(from)) packages.add(packageOf(from));
      }
    };
    walk('prober.ts');
    expect(reached.size).toBeGreaterThan(50);
    expect([...packages].filter((name) => name === 'zod' || name === 'undici')).toEqual([]);
  });

  it('knows every folder of src', () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(
      folders
        .map(({ name }) => name)
        .filter((name) => !withoutModules.has(name) && rules[name] === undefined),
    ).toEqual([]);
  });
});

describe('the check of the layout itself', () => {
  const breaches = (path: string, text: string): readonly string[] => {
    const source = parse(path, text);
    return [...breachesOfImports(source), ...breachesOfPurity(source), ...breachesAtTopLevel(source)];
  };

  it.each([
    ['core/x.ts', "import { readFileSync } from 'node:fs';"],
    ['core/x.ts', "import type { WorkQueue } from '../engine/work-queue.ts';"],
    ['core/x.ts', "export { x } from '../kube/client.ts';"],
    ['core/x.ts', 'export const f = () => Date.now();'],
    ['core/x.ts', 'export const f = () => new Date().toISOString();'],
    ['core/x.ts', 'export const f = () => Math.random();'],
    ['engine/x.ts', 'export const f = () => setTimeout(f, 1);'],
    ['engine/x.ts', "export const f = () => import('../kube/client.ts');"],
    ['engine/x.ts', 'export const f = () => AbortSignal.timeout(1);'],
    ['util/x.ts', "import { parseIp } from '../api/ip.ts';"],
    ['kube/x.ts', "export const f = () => process.env['HOME'];"],
    ['kube/x.ts', "import { HttpServer } from '../serve/http-server.ts';"],
    ['probe/x.ts', "import { WorkQueue } from '../engine/work-queue.ts';"],
    ['serve/x.ts', "export const f = () => console.log('x');"],
    ['serve/x.ts', 'let count = 0; export const f = () => count++;'],
    ['serve/x.ts', 'const cache = new Map<string, string>(); export const f = () => cache;'],
    ['serve/x.ts', "register('x');"],
    ['serve/x.ts', "for (const each of ['a']) register(each);"],
    ['elsewhere/x.ts', ''],
  ])('finds the breach in %s: %s', (path, text) => {
    expect(breaches(path, text)).not.toEqual([]);
  });

  it.each([
    ['core/x.ts', "import { FairQueue } from '../util/fair-queue.ts';"],
    ['core/x.ts', 'export const f = (now: number) => new Date(now).toISOString();'],
    ['core/x.ts', 'export interface X { readonly process: string } export const f = (x: X) => x.process;'],
    ['probe/x.ts', "import type { Probe } from '../engine/ports.ts';"],
    ['probe/x.ts', "import { type Probe } from '../engine/ports.ts';"],
    ['kube/x.ts', "import { KubeConfig } from '@kubernetes/client-node';"],
    ['serve/x.ts', "const names: ReadonlySet<string> = new Set(['a']); export const f = () => names;"],
  ])('finds none in %s: %s', (path, text) => {
    expect(breaches(path, text)).toEqual([]);
  });

  it.each([
    ['core/resolution/x.ts', "import type { Check } from '../probing/check.ts';"],
    ['probe/connection/x.ts', "import { probes } from '../probes.ts';"],
    ['core/attic/x.ts', ''],
  ])('finds the breach between folders in %s: %s', (path, text) => {
    expect(breachesOfRooms(parse(path, text))).not.toEqual([]);
  });

  it.each([
    ['core/probing/x.ts', "import type { Role } from '../role.ts';"],
    ['core/probing/x.ts', "import type { Service } from '../kubernetes/objects.ts';"],
    ['core/probing/x.ts', "import { parseIp } from '../../api/ip.ts';"],
  ])('finds no breach between folders in %s: %s', (path, text) => {
    expect(breachesOfRooms(parse(path, text))).toEqual([]);
  });

  it('finds a circle of imports where one of them is a type, and none in a chain', () => {
    const files = [
      parse('core/a.ts', "import { b } from './b.ts';"),
      parse('core/b.ts', "import type { C } from './c.ts';"),
      parse('core/c.ts', "import { a } from './a.ts';"),
      parse('core/d.ts', "import { a } from './a.ts';"),
    ];
    expect(circles(files)).toEqual([['core/a.ts', 'core/b.ts', 'core/c.ts']]);
    expect(circles(files.slice(1))).toEqual([]);
  });

  it('looked at this project', () => {
    expect(sources.map(({ path }) => relative('.', path))).toContain('core/errors.ts');
  });
});
