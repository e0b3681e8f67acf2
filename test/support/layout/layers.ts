/**
 * Imports that a layer may have, at run time or for types. A layer is a folder of src, or a file beside them.
 * `npm`: packages; `node`: Node's own modules.
 */
export interface Layer {
  readonly layers: readonly string[];
  readonly npm: readonly string[];
  readonly node: boolean;
}

const adapter = { layers: ['api', 'core', 'engine', 'util'], node: true };

export const rules: Readonly<Record<string, Layer>> = {
  util: { layers: [], npm: [], node: false },
  api: { layers: [], npm: ['zod'], node: false },
  core: { layers: ['api', 'util'], npm: ['cron'], node: false },
  engine: { layers: ['api', 'core', 'util'], npm: [], node: false },
  probe: { layers: ['api', 'core', 'engine', 'util'], npm: ['bson', 'mysql2', 'net-ping', 'pg'], node: true },
  kube: { ...adapter, npm: ['@kubernetes/client-node', 'undici'] },
  dns: { ...adapter, npm: [] },
  serve: { ...adapter, npm: ['prom-client'] },
  config: { layers: ['api', 'core'], npm: ['zod'], node: true },
  logger: { ...adapter, npm: ['pino'] },
  'system-clock': { ...adapter, npm: [] },
  chart: { layers: ['api', 'config', 'version'], npm: ['yaml', 'zod'], node: false },
  generate: { layers: ['api', 'chart', 'config', 'serve'], npm: ['yaml'], node: true },
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
  'create-addressing': {
    layers: ['api', 'core', 'config', 'engine', 'kube', 'system-clock', 'util'],
    npm: [],
    node: true,
  },
  'create-terms': {
    layers: ['config', 'engine', 'kube', 'serve', 'system-clock', 'util'],
    npm: [],
    node: true,
  },
  'create-servers': {
    layers: ['config', 'engine', 'kube', 'serve', 'system-clock', 'util'],
    npm: [],
    node: true,
  },
  'create-messenger': { layers: ['config', 'engine', 'kube', 'util'], npm: [], node: false },
  operator: {
    layers: [
      // Not `probe`: whatever probes does so in a probe thread.
      ...['api', 'core', 'engine', 'kube', 'dns', 'serve', 'config', 'logger', 'system-clock'],
      ...['create-addressing', 'create-messenger', 'create-prober', 'create-servers', 'create-terms', 'util'],
    ],
    npm: [],
    node: true,
  },
  cli: {
    layers: ['api', 'config', 'core', 'kube', 'system-clock', 'version'],
    npm: ['@kubernetes/client-node', 'yaml'],
    node: true,
  },
  plugin: { layers: ['cli'], npm: [], node: false },
  main: { layers: ['config', 'logger', 'operator', 'version'], npm: [], node: true },
};

/**
 * Folders inside a layer, lowest first: each may import those above its own row that it names. Files beside the folders, such as
 * core/errors.ts, are known to all of them; `engine/engine.ts` and `probe/probes.ts` put the folders together.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  'core/maintenance': [],
  'core/kubernetes': [],
  'core/resolution': ['core/kubernetes'],
  'core/probing': ['core/kubernetes', 'core/resolution'],
  'core/health': ['core/probing', 'core/resolution'],
  'core/isolation': [],
  'core/roles': ['core/health', 'core/probing', 'core/resolution'],
  'core/publish': ['core/health', 'core/kubernetes', 'core/probing', 'core/resolution', 'core/roles'],
  'core/restore': [
    ...['core/health', 'core/kubernetes', 'core/probing', 'core/publish', 'core/resolution', 'core/roles'],
  ],
  'core/status': [
    ...[
      'core/health',
      'core/isolation',
      'core/kubernetes',
      'core/maintenance',
      'core/probing',
      'core/publish',
      'core/resolution',
    ],
    'core/roles',
  ],
  'core/events': ['core/health', 'core/probing', 'core/publish', 'core/status'],
  'engine/queue': [],
  'engine/probing': [],
  'engine/workers': ['engine/probing'],
  'engine/isolation': ['engine/probing'],
  'engine/reconcile': ['engine/probing', 'engine/queue'],
  'kube/client': [],
  'kube/cache': ['kube/client'],
  'kube/write': ['kube/cache', 'kube/client'],
  'kube/election': ['kube/client'],
  'kube/events': ['kube/client'],
  'kube/secrets': ['kube/client'],
  'kube/replicas': ['kube/cache', 'kube/client'],
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
  'probe/memcached': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/mongodb': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/postgres': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/redis': ['probe/connection', 'probe/mysql', 'probe/verdict'],
  'probe/tls': ['probe/connection', 'probe/mysql', 'probe/verdict'],
};

/** Files that put the folders of their layer together: no folder imports them. */
export const assemblies: ReadonlySet<string> = new Set(['engine/engine.ts', 'probe/probes.ts']);

/** Types only, from whatever layer that is named here. */
export const typesOnly: Readonly<Record<string, readonly string[]>> = { probe: ['api', 'engine'] };

/** Files that are programs: they may touch `process` and do something when they are started. */
export const programs: readonly string[] = ['main.ts', 'prober.ts', 'plugin.ts', 'generate.ts'];

/** The layers that decide and hold state: no clock, no randomness, no world. */
export const pure: readonly string[] = ['util', 'api', 'core', 'engine'];
export const impureNames: ReadonlySet<string> = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['performance', 'fetch', 'crypto', 'globalThis', 'global', 'Buffer', 'require'],
]);
export const impureMembers: ReadonlySet<string> = new Set(['Date.now', 'Math.random', 'AbortSignal.timeout']);
