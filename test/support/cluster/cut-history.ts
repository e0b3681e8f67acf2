import { api } from '../../controlplane/api.ts';
import { namespace } from '../../controlplane/cluster.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import { readyHistory } from '../../controlplane/endpoints.ts';
import type { Kinds } from '../../controlplane/kinds.ts';
import { allowLease, startOperator } from '../../controlplane/operator.ts';
import type { RunningOperator } from '../../controlplane/operator.ts';
import { record } from '../../controlplane/recorder.ts';
import type { Recorder } from '../../controlplane/recorder.ts';
import { startProxy } from './proxy.ts';
import type { ApiProxy } from './proxy.ts';

export type Ending = 'SIGKILL' | 'SIGTERM' | 'lapse';

/** Place at which one history is cut. */
export interface Place {
  /** 1 is the first write after the operator leads. */
  readonly write: number;
  readonly by: Ending;
}

/** A namespace with its own operator, which is cut at one of its writes. */
export interface CutHistory extends Place {
  readonly ns: string;
  readonly slices: Recorder<Kinds['EndpointSlice']>;
  readonly services: Recorder<Kinds['Service']>;
  /** Returns true once it reached that write. */
  readonly isCut: () => boolean;
  /** Returns the number of writes since the operator leads, including the one that is cut. */
  readonly writes: () => number;
  /** Starts the operator. Writes are counted from the moment at which it leads. */
  start(args: readonly string[]): Promise<void>;
  /** Lets a replica that was cut off reach the API server again. */
  restore(): void;
  close(): Promise<void>;
}

/** Short, because a replica that is cut off stops trusting its Lease after 2 s. */
const leaseFlags = (name: string) => [
  '--leader-elect=true',
  `--lease-name=${name}`,
  ...['--lease-duration=4s', '--renew-deadline=2s', '--retry-period=500ms'],
];

export async function openCutHistory(plane: PlaneDetails, place: Place): Promise<CutHistory> {
  const ns = await namespace(plane, 'cut');
  const [slices, services, proxy] = await Promise.all([
    record(plane, 'EndpointSlice', { namespace: ns }),
    record(plane, 'Service', { namespace: ns }),
    startProxy(plane),
  ]);
  let operator: RunningOperator | undefined;
  let cut = false;
  let earlier = 0;
  const arm = (started: RunningOperator, { write, by }: Place, through: ApiProxy): void => {
    const done = (): void => void (cut = true);
    if (by === 'SIGKILL') through.cutAt(write, 'before', () => started.kill().then(done));
    if (by === 'SIGTERM') through.actAt(write, () => void started.stop().then(done));
    if (by === 'lapse')
      through.cutAt(write, 'before', async () => {
        through.lose();
        done();
        await Promise.resolve();
      });
  };
  return {
    ...{ ...place, ns, slices, services },
    isCut: () => cut,
    writes: () => proxy.writes.length - earlier,
    start: async (args) => {
      const { kubeconfig } = proxy;
      await allowLease(plane, ns);
      const started = await startOperator(plane, {
        namespace: ns,
        kubeconfig,
        args: [...args, ...leaseFlags(ns)],
      });
      operator = started;
      while (!started.lines().some(({ msg }) => msg === 'leading'))
        await new Promise((resolve) => setTimeout(resolve, 50));
      earlier = proxy.writes.length;
      arm(started, place, proxy);
    },
    restore: () => proxy.restore(),
    close: async () => {
      await operator?.kill();
      for (const recorder of [slices, services]) recorder.stop();
      await proxy.close();
      await api(plane).delete('Namespace', ns);
    },
  };
}

/** Rules for the recorded history of a Service. */
export interface Rules {
  readonly service: string;
  /** Ready from the first moment to the last. */
  readonly always: readonly string[];
  /** Not added again once they are removed. */
  readonly leave: readonly string[];
  /** At most one ready address. */
  readonly exclusive?: boolean;
}

export function wrongIn(
  { slices }: CutHistory,
  { service, always, leave, exclusive }: Rules,
): readonly string[] {
  const moments = readyHistory(slices.history, service);
  const first = moments.findIndex(({ ready }) => [...always, ...leave].every((ip) => ready.includes(ip)));
  const course = moments.slice(Math.max(first, 0)).map(({ ready }) => ready);
  const missing = always.filter((ip) => course.some((ready) => !ready.includes(ip)));
  const back = leave.filter((ip) => {
    const left = course.findIndex((ready) => !ready.includes(ip));
    return left >= 0 && course.slice(left).some((ready) => ready.includes(ip));
  });
  const many = exclusive === true ? course.filter((ready) => ready.length > 1) : [];
  return [
    ...missing.map((ip) => `${ip} was missing behind ${service}`),
    ...back.map((ip) => `${ip} was ready behind ${service} again`),
    ...many.map((ready) => `${service} led to ${ready.join(' and ')}`),
  ];
}
