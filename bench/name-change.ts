import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet';

import { createDnsClient } from '../src/dns/query/client.ts';
import { DnsResolver } from '../src/dns/refresh/resolver.ts';
import type { QueryFn } from '../src/dns/refresh/resolver.ts';
import { systemClock as clock, systemRandom as random } from '../src/system-clock.ts';
import type { Kinds } from '../test/controlplane/kinds.ts';
import { record } from '../test/controlplane/recorder.ts';
import type { Recorder } from '../test/controlplane/recorder.ts';
import { barePut } from './bare-put.ts';
import { createInProcess } from './in-process.ts';
import type { CreateResolver } from './in-process.ts';
import { percentile } from './report.ts';
import type { Figure } from './report.ts';
import { address, port } from './targets.ts';
import { createNamespace, inParallel, openWorld, pause } from './world.ts';

const backends = 8;
const changesOfEach = 25;
const namespace = 'names';
type Slice = Kinds['EndpointSlice'];

const hostOf = (n: number): string => `db-${n}.bench.example`;
const addressOf = (n: number, change: number): string => address(backends * change + n);

/**
 * Measures names that get another address: the time from the first question after the change to the new address at a
 * second watcher, and until it is ready there. The name server, the questions of each second, the API server and the
 * watcher are real. The probe succeeds at once.
 */
export async function nameChanges(): Promise<readonly Figure[]> {
  const world = await openWorld();
  const asked = new Map<string, number>();
  const names = await serveNames(asked);
  const { createResolver, close } = resolving(names.port, asked);
  const engine = createInProcess(world.plane, createResolver);
  try {
    await createNamespace(world.admin, namespace);
    for (let n = 0; n < backends; n++) {
      names.set(hostOf(n), addressOf(n, 0));
      await world.admin.create(backend(n));
    }
    const slices = await record(world.plane, 'EndpointSlice', { namespace });
    await engine.start();
    for (let n = 0; n < backends; n++) await visible(slices, n, 0);
    await pause(3_000);
    const change = async (n: number, nth: number): Promise<Change> => {
      names.set(hostOf(n), addressOf(n, nth));
      const seen = await visible(slices, n, nth);
      const askedAt = names.toldAt(hostOf(n)) ?? Number.NaN;
      return { named: seen.named - askedAt, ready: seen.ready - askedAt };
    };
    const alone: Change[] = [];
    for (let nth = 1; nth <= changesOfEach; nth++)
      for (let n = 0; n < backends; n++) {
        alone.push(await change(n, nth));
        await pause(random() * 100);
      }
    const together: Change[] = [];
    await inParallel(backends, backends, async (n) => {
      for (let nth = changesOfEach + 1; nth <= 2 * changesOfEach; nth++) {
        together.push(await change(n, nth));
        await pause(random() * 1_000);
      }
    });
    const bare: number[] = [];
    for (let i = 0; i < 100; i++) bare.push(await barePut(engine.client, slices, namespace, i));
    slices.stop();
    return [
      ...figures('a name changes', alone, bare),
      ...figures(`${backends} names change, each every second or two`, together, bare),
    ];
  } finally {
    close();
    names.close();
    await engine.stop();
    await world.stop();
  }
}

const backend = (n: number) => ({
  kind: 'ExternalBackend' as const,
  metadata: { name: `b${n}`, namespace },
  spec: {
    targets: [{ host: hostOf(n) }],
    ports: [{ port }],
    probe: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 },
    dns: { minRefreshSeconds: 1, maxRefreshSeconds: 1, families: ['IPv4'] },
  },
});

/** Milliseconds from the first question after the change until the slice had the new address, and until it was ready there. */
interface Change {
  readonly named: number;
  readonly ready: number;
}

/** Times at which the watcher received the new address, and received it as ready. */
async function visible(slices: Recorder<Slice>, n: number, change: number): Promise<Change> {
  const ip = addressOf(n, change);
  const endpointOf = ({ endpoints }: Slice) => endpoints?.find(({ addresses }) => addresses[0] === ip);
  const isReady = (slice: Slice): boolean => endpointOf(slice)?.conditions?.ready === true;
  await slices.until((objects) => [...objects.values()].some(isReady), 30_000);
  const first = (holds: (slice: Slice) => boolean): number =>
    slices.history.find(({ object }) => holds(object))?.atMs ?? Number.NaN;
  return { named: first((slice) => endpointOf(slice) !== undefined), ready: first(isReady) };
}

/** The resolver and DNS client of the operator. `asked` receives the time of the last question for each name. */
function resolving(
  dnsPort: number,
  asked: Map<string, number>,
): { readonly createResolver: CreateResolver; readonly close: () => void } {
  const servers = [{ address: '127.0.0.1', port: dnsPort }];
  const client = createDnsClient({ clock, resolvConfPath: '/dev/null', servers });
  const ask: QueryFn = (question, options) => {
    asked.set(question.name, performance.now());
    return client.resolve(question, options);
  };
  const nothing = (): void => undefined;
  const logger = { debug: nothing, info: nothing, warn: console.warn, error: console.error };
  return {
    createResolver: (onNews) => new DnsResolver({ clock, random, logger, query: ask, onNews }),
    close: () => client.close(),
  };
}

/** A name server whose names can be set. It records the time of the first question after each change. */
async function serveNames(asked: ReadonlyMap<string, number>) {
  const socket = createSocket('udp4');
  const addresses = new Map<string, string>();
  const told = new Map<string, number>();
  socket.on('message', (query, peer) => {
    const { id, questions: [question] = [] } = decode(query);
    if (question === undefined) return;
    const { name } = question;
    const data = addresses.get(name);
    if (data !== undefined && !told.has(name)) told.set(name, asked.get(name) ?? Number.NaN);
    const answers = data === undefined ? [] : [{ type: 'A' as const, name, ttl: 1, data }];
    const flags = AUTHORITATIVE_ANSWER;
    socket.send(
      encode({ type: 'response', id: id ?? 0, flags, questions: [question], answers }),
      peer.port,
      peer.address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    set: (name: string, ip: string) => {
      addresses.set(name, ip);
      told.delete(name);
    },
    toldAt: (name: string): number | undefined => told.get(name),
    close: () => socket.close(),
  };
}

function figures(what: string, changes: readonly Change[], bare: readonly number[]): readonly Figure[] {
  const row = (when: string, of: readonly number[], fraction: number, name: string): Figure => ({
    what: `${what}: ${when}, beyond the refresh that was due, ${name}`,
    value: percentile(of, fraction),
    unit: 'ms',
  });
  const rows = (when: string, of: readonly number[], goal?: Figure['goal']): readonly Figure[] => [
    { ...row(when, of, 0.5, 'p50'), baseline: { what: 'bare PUT', value: percentile(bare, 0.5) } },
    { ...row(when, of, 0.99, `p99 of ${of.length}`), ...(goal && { goal }) },
  ];
  const of = (when: keyof Change): readonly number[] => changes.map((change) => change[when]);
  return [
    ...rows('the new address in the slice', of('named'), { most: 50 }),
    ...rows('the same, and ready', of('ready')),
  ];
}
