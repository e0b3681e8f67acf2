import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import type { Kinds } from '../controlplane/kinds.ts';
import { allowLease, startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { startPart, waitFor } from '../controlplane/process.ts';
import type { Part } from '../controlplane/process.ts';
import { record } from '../controlplane/recorder.ts';
import type { Recorder } from '../controlplane/recorder.ts';
import { mustRun } from '../controlplane/run.ts';
import { hosts } from '../support/builders/backends.ts';
import { countsPort, hostileKinds, hostilePort } from '../support/hostile/kinds.ts';
import { storeLogin } from '../support/cluster/roles.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const hostileMs = Number(process.env['HOSTILE_SECONDS'] ?? 20) * 1_000;
const controlMs = hostileMs / 2;
const windowMs = 1_000;
const renewDeadlineMs = 10_000;
const healthyPort = 5439;
const healthy = Array.from({ length: 300 }, (_, n) => `10.22.${7 + Math.floor(n / 150)}.${(n % 150) + 1}`);
const names = ['many-0', 'many-1', 'many-2'];
const shareOf = (name: string): readonly string[] =>
  healthy.filter((_, n) => n % names.length === names.indexOf(name));

let good: World;
let bad: World;
let operator: RunningOperator;
let hostile: Part | undefined;
let leases: Recorder<Kinds['Lease']>;
let server: Server;

beforeAll(async () => {
  await mustRun(['ip', 'route', 'replace', 'local', '10.22.0.0/16', 'dev', 'lo']);
  server = createServer((socket) => void socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) =>
    server.listen({ port: healthyPort, host: '0.0.0.0', backlog: 1_024 }, resolve),
  );
  const plane = controlPlane();
  good = await openWorld(plane, { prefix: 'walls-good', operator: false });
  bad = await openWorld(plane, { prefix: 'walls-bad', operator: false });
  await allowLease(plane, 'walls');
  leases = await record(plane, 'Lease', { namespace: 'external-backend-operator' });
  operator = await startOperator(plane, {
    args: [
      `--namespaces=${good.ns},${bad.ns}`,
      ...['--leader-elect=true', '--lease-name=walls', '--identity=walls', '--probe-workers=1'],
    ],
  });
  for (const name of names)
    await good.publish(name, {
      targets: hosts(...shareOf(name)),
      ports: [{ port: healthyPort }],
      probe: { tcpSocket: {}, periodSeconds: 2 },
    });
  for (const name of names) await good.serves(name, shareOf(name), 30_000);
  const role = join(import.meta.dirname, '../../config/rbac-namespaced/secrets');
  await kubectl(plane, ['apply', '--server-side', '-n', bad.ns, '-k', role]);
  await storeLogin(bad, 'login', { username: 'prober', password: 'secret' });
  await applyHostile();
  await eventually(unprobed, (list) => list.length === 0, { deadlineMs: 60_000 });
}, 240_000);

afterAll(async () => {
  await operator.kill();
  await hostile?.kill();
  leases.stop();
  await Promise.all([good.close(), bad.close()]);
  server.close();
});

const connections = async (): Promise<Readonly<Record<string, number>>> =>
  (await (await fetch(`http://127.0.0.1:${countsPort}/`)).json()) as Record<string, number>;

/** Starts the hostile servers. Until then nothing listens at their addresses, so their probes are refused. */
async function startHostile(): Promise<void> {
  const { dir } = controlPlane();
  const program = join(import.meta.dirname, '../support/hostile/program.ts');
  const part = startPart('hostile', ['nice', process.execPath, program], join(dir, 'hostile.log'));
  hostile = part;
  await waitFor(part, async () => Object.keys(await connections()).length > 0, 30_000);
}

/** Kinds of hostile servers that were not connected to yet. */
async function unconnected(): Promise<readonly string[]> {
  const counts = await connections();
  return Object.keys(counts).filter((name) => counts[name] === 0);
}

async function applyHostile(): Promise<void> {
  for (const [index, { backend, spec }] of hostileKinds.entries())
    await bad.apply(backend, {
      ...spec,
      targets: hosts(`10.22.9.${index + 1}`),
      ports: [{ port: hostilePort(index) }],
      probe: { ...spec.probe, periodSeconds: 1, timeoutSeconds: 1 },
    });
}

const targetOf = (backend: string) => bad.backends.objects.get(backend)?.status?.targets?.[0]?.addresses[0];

/** Backends of hostile servers that were not probed yet. */
const unprobed = (): readonly string[] =>
  hostileKinds.flatMap(({ backend }) => (targetOf(backend)?.reason === undefined ? [backend] : []));

/** Runs so far, and those of them that began more than 250 ms late; of all backends, the hostile ones too. */
async function lateness() {
  const text = await operator.metrics();
  const valueOf = (series: string) =>
    Number(text.split(`probe_lateness_seconds_${series} `)[1]?.split('\n')[0]);
  const runs = valueOf('count');
  return { runs, late: runs - valueOf('bucket{le="0.25"}') };
}

const residentMb = () =>
  Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${operator.pid}/status`, 'utf8'))?.[1]) / 1024;

async function livezMs(): Promise<number> {
  const from = performance.now();
  const { status } = await fetch(`${operator.url}/livez`);
  return status === 200 ? performance.now() - from : Infinity;
}

interface Window {
  readonly runs: number;
  readonly late: number;
  readonly slowestLivezMs: number;
  readonly residentMb: number;
}

/** Looks at the operator for so long, and reports on each second. */
async function watch(forMs: number): Promise<readonly Window[]> {
  const windows: Window[] = [];
  const end = performance.now() + forMs;
  for (let before = await lateness(); performance.now() < end;) {
    const windowEnd = performance.now() + windowMs;
    const times: number[] = [];
    while (performance.now() < windowEnd) {
      times.push(await livezMs());
      await sleep(50);
    }
    const now = await lateness();
    windows.push({
      ...{ runs: now.runs - before.runs, late: now.late - before.late },
      ...{ slowestLivezMs: Math.max(...times), residentMb: residentMb() },
    });
    before = now;
  }
  return windows;
}

/** Seconds in which a probe was late or /livez slow. A busy machine has some, a held thread has them one after another. */
const disturbed = (windows: readonly Window[]): number =>
  windows.filter(({ late, slowestLivezMs }) => late > 0 || slowestLivezMs > 100).length;

/** Pauses between renewals of the Lease, in order. */
function renewalGapsMs(): readonly number[] {
  const times = leases.of('walls').map(({ object }) => new Date(object.spec.renewTime ?? 0).getTime());
  return times.slice(1).map((time, n) => time - (times[n] ?? 0));
}

function print(phase: string, windows: readonly Window[]): void {
  const sum = (of: (window: Window) => number) => windows.reduce((total, window) => total + of(window), 0);
  const most = (of: (window: Window) => number) => Math.max(...windows.map(of)).toFixed(1);
  const half = windows[windows.length >> 1]?.residentMb.toFixed(1) ?? '';
  const first = windows[0]?.residentMb.toFixed(1) ?? '';
  console.info(
    `${phase}: ${windows.length} s, ${sum(({ runs }) => runs)} runs, ${sum(({ late }) => late)} late by more than 250 ms, ` +
      `/livez within ${most(({ slowestLivezMs }) => slowestLivezMs)} ms, ` +
      `resident ${first} MB at first, ${half} MB halfway, ${most(({ residentMb: mb }) => mb)} MB at most, ${disturbed(windows)} s disturbed`,
  );
}

it(
  'An operator that leads 300 healthy targets is not disturbed by a hostile server of each kind in another namespace',
  async () => {
    const control = await watch(controlMs);
    print(`while ${hostileKinds.length} servers refuse connections`, control);
    await startHostile();
    await eventually(unconnected, (list) => list.length === 0, { deadlineMs: 60_000 });
    const beside = await watch(hostileMs);
    print(`beside ${hostileKinds.length} hostile servers`, beside);
    const counts = await connections();
    const gaps = renewalGapsMs();
    console.info(`connections: ${JSON.stringify(counts)}; Lease renewed within ${Math.max(...gaps)} ms`);

    expect(Math.max(...gaps)).toBeLessThan(renewDeadlineMs);
    const controlShare = disturbed(control) / control.length;
    expect(disturbed(beside) / beside.length).toBeLessThanOrEqual(controlShare + 0.2);
    const residentBefore = Math.max(...control.map((window) => window.residentMb));
    expect(Math.max(...beside.map((window) => window.residentMb)) - residentBefore).toBeLessThan(64);
    for (const name of names) expect(everMissing(good.slices.history, name, shareOf(name))).toEqual([]);
    const lost = operator.lines().filter(({ msg }) => msg === 'stopped leading');
    expect(lost).toEqual([]);
    expect(operator.lines().filter(({ msg }) => msg === 'a probe thread ended and is replaced')).toEqual([]);
  },
  hostileMs + controlMs + 180_000,
);
