import { mkdtempSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';

import { freePort } from '../support/servers/ports.ts';
import type { PlaneDetails } from './details.ts';
import { kubectl } from './kubectl.ts';
import { nodeFlags } from './node-flags.ts';
import type { OwnNetwork } from './own-network.ts';
import { startPart, waitFor } from './process.ts';
import type { Part } from './process.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '../..');

export interface OperatorOptions {
  /** Flags in addition to the kubeconfig, the addresses, `--metrics-auth=none` and `--leader-elect=false`. */
  readonly args?: readonly string[];
  /** Default: the operator's own user, with exactly the generated RBAC. */
  readonly kubeconfig?: string;
  /** Serve this namespace alone: several operators of several test files then do not meet. */
  readonly namespace?: string;
  /** Default: src/main.ts. */
  readonly program?: string;
  /** In addition to those of the image. */
  readonly nodeFlags?: readonly string[];
  /** Default: the network of the control plane. */
  readonly network?: OwnNetwork;
}

/** The operator as a process of its own, as in a cluster. */
export interface RunningOperator extends Part {
  /** Of /livez and /readyz. */
  readonly url: string;
  /** Of /metrics. */
  readonly metricsUrl: string;
  /** The lines of its log. */
  lines(): readonly Readonly<Record<string, unknown>>[];
  metrics(): Promise<string>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<void>;
}

/** Installs namespace, service account and RBAC as users do; harmless when they are there. */
export async function applyRbac(plane: PlaneDetails): Promise<void> {
  const namespace = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'external-backend-operator' },
  });
  await kubectl(plane, ['apply', '--server-side', '-f', '-'], { stdin: namespace });
  await kubectl(plane, ['apply', '--server-side', '-k', join(root, 'config/rbac')]);
}

/** Lets the operator use a Lease of another name than its own, as an administrator does who sets --lease-name. */
export async function allowLease(plane: PlaneDetails, name: string): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: `lease-${name}`, namespace: 'external-backend-operator' };
  const lease = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [name] };
  const role = { apiVersion, kind: 'Role', metadata, rules: [{ ...lease, verbs: ['get', 'update'] }] };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
  const operator = {
    kind: 'ServiceAccount',
    name: 'external-backend-operator',
    namespace: metadata.namespace,
  };
  const binding = { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [operator] };
  const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [role, binding] });
  await kubectl(plane, ['apply', '--server-side', '-f', '-'], { stdin });
}

/** Starts the operator and waits until it is in sync (about 1 s). */
export async function startOperator(
  plane: PlaneDetails,
  options: OperatorOptions = {},
): Promise<RunningOperator> {
  const [health, metrics] = [await freePort(), await freePort()];
  const logFile = join(mkdtempSync(join(plane.dir, 'operator-')), 'log');
  const args = argumentsOf(plane, options, health, metrics);
  const part = startPart(
    'operator',
    [
      ...(options.network?.enter ?? []),
      ...[process.execPath, ...nodeFlags(), ...(options.nodeFlags ?? [])],
      ...[options.program ?? join(root, 'src/main.ts'), ...args],
    ],
    logFile,
  );
  const url = `http://${hostOf(options)}:${health}`;
  const metricsUrl = `http://${hostOf(options)}:${metrics}/metrics`;
  await waitFor(part, async () => (await fetchText(`${url}/readyz`)).startsWith('ok'), 30_000);
  return {
    ...part,
    url,
    metricsUrl,
    lines: () => linesOf(logFile),
    metrics: () => fetchText(metricsUrl),
    stop: async () => {
      part.signal('SIGTERM');
      await run(['tail', `--pid=${part.pid}`, '-f', '/dev/null']);
    },
  };
}

const hostOf = ({ network }: OperatorOptions): string => network?.address ?? '127.0.0.1';

/** Values of flags that a test does not set. */
const defaults = [
  '--leader-elect=false',
  '--metrics-auth=none',
  // Most targets of the tests accept and say nothing, whatever their port is known for.
  '--auto-select-handler=false',
  // Names of the tests change every second.
  '--dns-min-refresh=1s',
];

function argumentsOf(
  plane: PlaneDetails,
  options: OperatorOptions,
  healthPort: number,
  metricsPort: number,
): readonly string[] {
  const { kubeconfig = plane.kubeconfigs.operator, namespace, args = [] } = options;
  const host = hostOf(options);
  const isSet = (flag: string) => args.some((arg) => arg.startsWith(flag.replace(/=.*/, '')));
  return [
    ...['--kubeconfig', kubeconfig],
    ...[`--health-address=${host}:${healthPort}`, `--metrics-address=${host}:${metricsPort}`],
    ...(namespace === undefined ? [] : ['--namespaces', namespace]),
    ...defaults.filter((flag) => !isSet(flag)),
    ...args,
  ];
}

function linesOf(file: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => void text(response).then(resolve, reject)).on('error', reject);
  });
}
